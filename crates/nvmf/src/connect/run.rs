//! The steps of a connect.

use nvmf_types::{
    ConnectOptions, ConnectString, ControllerClass, ControllerState, DeviceName, HostIdentity,
    LiveController, Owner, TransportId,
};

use super::fabrics::{Device, Fabrics};
use super::{ConnectError, ConnectErrorKind};
use crate::Root;
use crate::registry::{Registered, Registry, RegistryErrorKind};
use crate::sysfs::{self, Pinned, SysfsError};

/// A new controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// The kernel's name for it.
    pub device: DeviceName,
    /// Inode of its sysfs directory.
    pub sysfs_ino: u64,
    /// Controller id.
    pub cntlid: u16,
    /// Who owns it by the registry: not the one asked for if another tool claimed it first.
    pub owner: Option<Owner>,
    /// Why the registry does not show the owner that was asked for, although the controller is
    /// connected.
    pub warning: Option<String>,
}

/// Connects `tid` and registers the new controller for `owner`; without one, what a predecessor
/// left in the registry goes. Blocks as long as the kernel does.
///
/// # Errors
/// It is not connected, and nothing of it is left.
pub fn connect(
    root: &Root,
    tid: &TransportId,
    class: ControllerClass,
    options: &ConnectOptions,
    owner: Option<&Owner>,
) -> Result<Connected, ConnectError> {
    let connect = || {
        let line = options.connect_string(tid, class)?;
        let mut device = Device::open(root, tid.transport)?;
        connect_through(&mut device, root, &line, owner)
    };
    connect().map_err(|kind| ConnectError {
        tid: tid.log_form(),
        kind,
    })
}

/// A controller that is the connection `tid` already, however it came to be; one that is live
/// before one that is being reconnected.
///
/// # Errors
/// sysfs or the registry cannot be read.
pub fn find_existing(
    root: &Root,
    tid: &TransportId,
    class: ControllerClass,
    default: &HostIdentity,
) -> Result<Option<LiveController>, SysfsError> {
    let going = [ControllerState::Deleting, ControllerState::Dead];
    let mut found: Vec<LiveController> = sysfs::controllers(root)?
        .into_iter()
        .filter(|live| !going.contains(&live.state) && tid.is_satisfied_by(class, live, default))
        .collect();
    found.sort_by_key(|live| live.state != ControllerState::Live);
    Ok(found.into_iter().next())
}

fn connect_through(
    fabrics: &mut impl Fabrics,
    root: &Root,
    line: &ConnectString,
    owner: Option<&Owner>,
) -> Result<Connected, ConnectErrorKind> {
    let registry = Registry::open(root);
    let since = registry.seqnum();
    let answer = fabrics.write(line)?;
    let (device, cntlid) = parse(&answer).ok_or(ConnectErrorKind::Answer(answer))?;
    if cntlid == u16::MAX {
        // fc reports success before there is any; what is still trying must not stay behind.
        if let Ok(Some(pinned)) = Pinned::open(root, &device) {
            let _ = pinned.delete();
        }
        return Err(ConnectErrorKind::Vanished);
    }
    let incarnation = || registry.incarnation(&device).map_err(ConnectErrorKind::Io);
    let sysfs_ino = incarnation()?.ok_or(ConnectErrorKind::Vanished)?;
    let mut connected = Connected {
        device: device.clone(),
        sysfs_ino,
        cntlid,
        owner: None,
        warning: None,
    };
    match registry.register(&device, sysfs_ino, since, owner, &[]) {
        Ok(Registered::Owned) => connected.owner = owner.cloned(),
        Ok(Registered::Unowned) => {}
        Ok(Registered::OwnedBy(other)) => {
            connected.warning = owner.map(|_| format!("claimed by `{other}` meanwhile"));
            connected.owner = Some(other);
        }
        Err(e) if matches!(e.kind, RegistryErrorKind::NoSuchController(_)) => {
            return Err(ConnectErrorKind::Vanished);
        }
        Err(e) => connected.warning = Some(e.to_string()),
    }
    // The number cannot be anybody else's yet: the device that made it is still open.
    if incarnation()? != Some(sysfs_ino) {
        let _ = registry.reap(&device, None);
        return Err(ConnectErrorKind::Vanished);
    }
    Ok(connected)
}

/// `instance=N,cntlid=M`
fn parse(answer: &str) -> Option<(DeviceName, u16)> {
    let (mut instance, mut cntlid) = (None, None);
    for (key, value) in answer
        .trim()
        .split(',')
        .filter_map(|field| field.split_once('='))
    {
        match key {
            "instance" => instance = value.parse().ok(),
            "cntlid" => cntlid = value.parse().ok(),
            _ => {}
        }
    }
    Some((DeviceName::from_number(instance?), cntlid?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;
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
        let tid: TransportId = format!("transport=tcp;traddr=192.0.2.10;nqn={NQN}")
            .parse()
            .unwrap();
        let line = ConnectOptions::default()
            .connect_string(&tid, ControllerClass::Io)
            .unwrap();
        connect_through(&mut Kernel(kernel), &host.root(), &line, owner)
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
        let fc = connect_on(&host, Some(&me), || {
            host.tcp("nvme3", NQN);
            Ok("instance=3,cntlid=65535".to_owned())
        });
        assert!(matches!(fc, Err(ConnectErrorKind::Vanished)), "{fc:?}");
        assert_eq!(host.deletes("nvme3"), "1", "what keeps trying is removed");
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

    #[test]
    fn errors_by_their_number() {
        let host = FakeHost::new();
        for (errno, message) in [
            (Errno::ALREADY, "it is already connected"),
            (Errno::CONNREFUSED, "the target refuses (Connection refused"),
            (Errno::CONNRESET, "the target refuses"),
            (Errno::NETUNREACH, "the target cannot be reached"),
            (Errno::ADDRNOTAVAIL, "the target cannot be reached"),
            (Errno::NODEV, "the target cannot be reached"),
            (Errno::TIMEDOUT, "the target does not answer"),
            (Errno::AGAIN, "the target does not answer"),
            (Errno::IO, "the target rejects it"),
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
}
