//! A connect on a host of files, with a kernel that says what a test wants.

use super::*;
use crate::testing::FakeHost;
use nvmf_types::Nqn;
use rustix::io::Errno;

const NQN: &str = "nqn.2014-08.org.example:a";

/// A kernel that does what the closure does.
struct Kernel<F>(F);

impl<F: FnMut() -> Result<String, Errno>> Fabrics for Kernel<F> {
    fn write(&mut self, _: &ConnectString) -> Result<String, ConnectErrorKind> {
        (self.0)().map_err(ConnectErrorKind::of_write)
    }
}

fn connect_on(
    host: &FakeHost,
    owner: Option<&Owner>,
    kernel: impl FnMut() -> Result<String, Errno>,
) -> Result<Connected, ConnectErrorKind> {
    connect_over(Transport::Tcp, host, owner, kernel)
}

fn connect_over(
    transport: Transport,
    host: &FakeHost,
    owner: Option<&Owner>,
    kernel: impl FnMut() -> Result<String, Errno>,
) -> Result<Connected, ConnectErrorKind> {
    let tid: TransportId = format!("transport=tcp;traddr=192.0.2.10;nqn={NQN}")
        .parse()
        .unwrap();
    let line = ConnectOptions::default()
        .connect_string(&tid, ControllerClass::Io)
        .unwrap();
    let line = (transport, &line);
    connect_through(&mut Kernel(kernel), &host.root(), line, owner)
}

#[test]
fn a_connected_controller_is_registered() {
    let host = FakeHost::new();
    let me: Owner = "me".parse().unwrap();
    let connected = connect_on(&host, Some(&me), || {
        host.tcp("nvme3", NQN);
        Ok("instance=3,cntlid=7\n".to_owned())
    })
    .unwrap();
    let device = DeviceName::from_number(3);
    let sysfs_ino = host.sysfs_ino("nvme3");
    let owner = Some(me);
    let want = Connected {
        device,
        sysfs_ino,
        cntlid: 7,
        owner: owner.clone(),
        warning: None,
    };
    assert_eq!(connected, want);
    assert_eq!(
        Registry::open(&host.root()).owner(&want.device).unwrap(),
        owner
    );

    // The next one under the number is nobody's.
    let connected = connect_on(&host, None, || {
        host.replace_tcp("nvme3", NQN);
        Ok("instance=3,cntlid=8".to_owned())
    })
    .unwrap();
    assert_eq!((connected.owner, connected.warning), (None, None));
    assert_eq!(Registry::open(&host.root()).entries().unwrap(), []);
}

#[test]
fn another_claimed_it_first() {
    let host = FakeHost::new();
    let (me, other): (Owner, Owner) = ("me".parse().unwrap(), "other".parse().unwrap());
    let connected = connect_on(&host, Some(&me), || {
        let device = host.tcp("nvme3", NQN);
        let _ = Registry::open(&host.root()).claim(&device, &other).unwrap();
        Ok("instance=3,cntlid=7".to_owned())
    })
    .unwrap();
    assert_eq!(connected.owner, Some(other));
    assert_eq!(connected.warning.unwrap(), "claimed by `other` meanwhile");
}

#[test]
fn success_that_is_none() {
    let host = FakeHost::new();
    let me: Owner = "me".parse().unwrap();
    let gone = connect_on(&host, Some(&me), || Ok("instance=4,cntlid=1".to_owned()));
    assert!(matches!(gone, Err(ConnectErrorKind::Vanished)), "{gone:?}");
    for answer in [
        "",
        "instance=3",
        "cntlid=3",
        "instance=-1,cntlid=1",
        "instance=1,cntlid=65536",
    ] {
        let odd = connect_on(&host, None, || Ok(answer.to_owned()));
        assert!(
            matches!(odd, Err(ConnectErrorKind::Answer(_))),
            "{answer}: {odd:?}"
        );
    }
    assert!(!host.path("run/nvme").exists(), "no entry for any of them");
}

/// A controller that fc calls connected.
fn connect_fc(host: &FakeHost, state: &str, cntlid: u16) -> Result<Connected, ConnectErrorKind> {
    let me: Owner = "me".parse().unwrap();
    connect_over(Transport::Fc, host, Some(&me), || {
        host.tcp("nvme3", NQN);
        host.attribute("nvme3", "state", &format!("{state}\n"));
        Ok(format!("instance=3,cntlid={cntlid}"))
    })
}

#[test]
fn fc_is_not_believed() {
    let host = FakeHost::new();
    let connected = connect_fc(&host, "live", u16::MAX).unwrap();
    assert_eq!(connected.cntlid, 7, "it is connected after all");
    assert_eq!(connected.owner.unwrap().as_str(), "me");

    for cntlid in [1, u16::MAX] {
        let host = FakeHost::new();
        let trying = connect_fc(&host, "connecting", cntlid);
        assert!(
            matches!(trying, Err(ConnectErrorKind::Vanished)),
            "{trying:?}"
        );
        assert_eq!(host.deletes("nvme3"), "1", "what keeps trying is removed");
        assert!(!host.path("run/nvme/registry").exists(), "no entry");
    }
}

#[test]
fn fc_that_cannot_be_stopped_is_told() {
    let host = FakeHost::new();
    // a kernel that takes no disconnect
    std::fs::create_dir_all(host.path("sys/class/nvme/nvme3/delete_controller")).unwrap();
    let trying = connect_over(Transport::Fc, &host, None, || {
        for (name, value) in [
            ("transport", "fc"),
            ("address", "none"),
            ("state", "connecting"),
            ("subsysnqn", "(efault)"),
        ] {
            host.attribute("nvme3", name, value);
        }
        Ok("instance=3,cntlid=65535".to_owned())
    });
    assert!(
        matches!(&trying, Err(ConnectErrorKind::Unfinished { device }) if device.as_str() == "nvme3"),
        "{trying:?}"
    );
}

#[test]
fn errors_by_their_number() {
    let host = FakeHost::new();
    for (errno, message) in [
        (Errno::ALREADY, "it is already connected"),
        (Errno::CONNREFUSED, "the target refuses (Connection refused"),
        (Errno::CONNRESET, "the target refuses"),
        (Errno::NETUNREACH, "the target cannot be reached"),
        (Errno::ADDRNOTAVAIL, "this host cannot connect from there"),
        (Errno::NODEV, "this host cannot connect from there"),
        (Errno::NOENT, "this host cannot connect from there"),
        (Errno::TIMEDOUT, "the target does not answer"),
        (Errno::AGAIN, "the target does not answer"),
        (Errno::IO, "the target rejects it"),
        (Errno::KEYREJECTED, "authentication or TLS fails"),
        (Errno::NOKEY, "authentication or TLS fails"),
        (Errno::INVAL, "the kernel does not accept the options"),
        (Errno::NOMEM, "Cannot allocate memory"),
    ] {
        let error = connect_on(&host, None, || Err(errno)).unwrap_err();
        assert!(error.to_string().starts_with(message), "{errno:?}: {error}");
    }
    assert_eq!(
        ConnectErrorKind::NoModule("nvme-tcp").to_string(),
        "the kernel module is missing: load it with `modprobe nvme-tcp`; kernel config NVME_TCP"
    );
    assert_eq!(
        ConnectErrorKind::NoFabrics("nvme-rdma").to_string(),
        "the kernel modules are missing: load them with `modprobe -a nvme-fabrics nvme-rdma`; kernel config NVME_FABRICS, NVME_RDMA"
    );
}

#[test]
fn without_modules_or_rights_the_reason_is_said() {
    let host = FakeHost::new();
    let tid: TransportId = format!("transport=tcp;traddr=192.0.2.10;nqn={NQN}")
        .parse()
        .unwrap();
    let options = ConnectOptions::default();
    let error = connect(&host.root(), &tid, ControllerClass::Io, &options, None).unwrap_err();
    let expected = if rustix::process::geteuid().is_root() {
        "cannot connect (tcp, 192.0.2.10, nqn.2014-08.org.example:a): the kernel modules \
         are missing: load them with `modprobe -a nvme-fabrics nvme-tcp`; kernel config \
         NVME_FABRICS, NVME_TCP"
    } else {
        "cannot connect (tcp, 192.0.2.10, nqn.2014-08.org.example:a): only root may connect \
         controllers"
    };
    assert_eq!(error.to_string(), expected);
}

#[test]
fn an_existing_connection() {
    let host = FakeHost::new();
    host.tcp("nvme1", "nqn.2014-08.org.example:b");
    host.tcp("nvme2", NQN);
    host.attribute("nvme2", "state", "deleting\n");
    host.tcp("nvme3", NQN);
    host.attribute("nvme3", "state", "connecting\n");
    host.tcp("nvme4", NQN);
    let tid: TransportId = format!("transport=tcp;traddr=192.0.2.10;nqn={NQN}")
        .parse()
        .unwrap();
    let find = || {
        let default = HostIdentity::default();
        let found = find_existing(&host.root(), &tid, ControllerClass::Io, &default).unwrap();
        found.map(|live| live.device.to_string())
    };
    assert_eq!(find().as_deref(), Some("nvme4"), "live ones first");
    host.remove_controller("nvme4");
    assert_eq!(find().as_deref(), Some("nvme3"));
    host.remove_controller("nvme3");
    assert_eq!(find(), None, "what is going is none");
}

#[test]
fn what_the_log_says_is_said() {
    let host = FakeHost::new();
    std::fs::create_dir(host.path("dev")).unwrap();
    std::fs::write(host.path("dev/kmsg"), "").unwrap();
    let tid: TransportId = format!("transport=tcp;traddr=192.0.2.10;nqn={NQN}")
        .parse()
        .unwrap();
    let order = Order {
        root: &host.root(),
        tid: &tid,
        class: ControllerClass::Io,
        options: &ConnectOptions::default(),
        owner: None,
    };
    let error = order
        .explained(|| {
            let log = format!(
                "3,1,2,-;nvme nvme0: Connect Invalid Data Parameter, subsysnqn \"{NQN}\"\n"
            );
            std::fs::write(host.path("dev/kmsg"), log).unwrap();
            Err(ConnectErrorKind::of_write(Errno::IO))
        })
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot connect (tcp, 192.0.2.10, {NQN}): the target has no subsystem of this name \
             on this port: nvmf discover lists those it has (Input/output error (os error 5))"
        )
    );
}

#[test]
fn a_second_one_that_the_kernel_would_make_is_not_made() {
    let host = FakeHost::new();
    host.tcp("nvme3", Nqn::DISCOVERY);
    host.attribute("nvme3", "cntrltype", "discovery\n");
    let tid: TransportId = format!(
        "transport=tcp;traddr=192.0.2.10;trsvcid=4420;nqn={}",
        Nqn::DISCOVERY
    )
    .parse()
    .unwrap();
    let (class, options) = (ControllerClass::Discovery, ConnectOptions::default());
    let default = HostIdentity::default();
    let error = connect_once(&host.root(), &tid, class, &options, None, &default).unwrap_err();
    assert!(
        matches!(error.kind, ConnectErrorKind::AlreadyConnected),
        "{error}"
    );
    let another = connect(&host.root(), &tid, class, &options, None).unwrap_err();
    assert!(
        !matches!(another.kind, ConnectErrorKind::AlreadyConnected),
        "{another}"
    );
}
