//! A client and the server over a socket pair, in a root of their own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nvmf::Root;
use nvmf_connector::Server;
use nvmf_connector::protocol::{
    Call, Connect, Disconnect, FailureKind, Outcome, Request, Response,
};
use nvmf_types::{ConnectOptions, ControllerClass, HostIdentity, Origin, Owner};

struct World {
    dir: tempfile::TempDir,
    to: UnixStream,
    from: BufReader<UnixStream>,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["etc/nvme", "run", "sys/class/nvme", "dev", "proc"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        let (to, theirs) = UnixStream::pair().unwrap();
        to.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Server::new(Root::new(dir.path()), |_| {})
            .admit(theirs)
            .unwrap();
        let from = BufReader::new(to.try_clone().unwrap());
        Self { dir, to, from }
    }

    fn send(&mut self, id: u64, call: Call) {
        let line = serde_json::to_string(&Request { id, call }).unwrap();
        self.to.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn exclude(&self, entry: &str) {
        let file = self.dir.path().join("etc/nvme/exclusions.conf");
        fs::write(file, format!("[exclusions]\nexclusion = {entry}\n")).unwrap();
    }

    fn receive(&mut self) -> Response {
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{line}: {e}"))
    }
}

fn connect(tid: &str, probe_timeout_ms: u64) -> Call {
    Call::Connect(Box::new(Connect {
        tid: tid.parse().unwrap(),
        class: ControllerClass::Io,
        options: ConnectOptions::default(),
        owner: Owner::discoverd(),
        probe_timeout_ms,
        host: HostIdentity {
            hostnqn: "nqn.2014-08.org.example:me".parse().ok(),
            hostid: None,
        },
        alternatives: Vec::new(),
        deep_probe: false,
    }))
}

fn tcp(port: u16) -> String {
    format!("transport=tcp;traddr=127.0.0.1;trsvcid={port};nqn=nqn.2014-08.org.example:a")
}

fn failure(response: Response) -> (FailureKind, String) {
    match response.outcome {
        Outcome::Failed { kind, message } => (kind, message),
        other => panic!("{other:?}"),
    }
}

fn excluded(response: Response) -> Origin {
    match response.outcome {
        Outcome::Excluded(origin) => origin,
        other => panic!("{other:?}"),
    }
}

/// What an NVMe/TCP target answers first (NVMe TCP transport, ICResp): type, header length, length.
fn icresp() -> [u8; 128] {
    let mut pdu = [0; 128];
    (pdu[0], pdu[2], pdu[4]) = (1, 128, 128);
    pdu
}

#[test]
fn a_target_that_refuses_is_told_at_once() {
    let mut world = World::new();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    world.send(1, connect(&tcp(port), 20_000));
    let (kind, message) = failure(world.receive());
    assert_eq!(kind, FailureKind::Refused, "{message}");
    assert!(message.contains("127.0.0.1"), "{message}");
}

#[test]
fn a_silent_target_holds_nobody_up() {
    let mut world = World::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let start = Instant::now();
    for id in 1..=20 {
        world.send(id, connect(&tcp(silent.local_addr().unwrap().port()), 1500));
    }
    let loopback = "transport=loop;nqn=nqn.2014-08.org.example:a";
    world.send(99, connect(loopback, 1500));
    let first = world.receive();
    assert_eq!(first.id, 99, "{first:?}");
    for _ in 1..=20 {
        assert_eq!(failure(world.receive()).0, FailureKind::Silent);
    }
    assert!(
        start.elapsed() < Duration::from_secs(15),
        "one after another"
    );
}

#[test]
fn what_is_excluded_on_disk_is_not_connected() {
    let mut world = World::new();
    world.exclude("hostnqn=nqn.2014-08.org.example:me");
    let loopback = "transport=loop;nqn=nqn.2014-08.org.example:a";
    world.send(1, connect(loopback, 100));
    let origin = excluded(world.receive());
    assert!(origin.file.ends_with("exclusions.conf"), "{origin}");
    assert_eq!(origin.line, 2);
}

#[test]
fn an_excluded_target_is_not_even_asked() {
    let mut world = World::new();
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    target.set_nonblocking(true).unwrap();
    world.exclude("transport=tcp");
    let port = target.local_addr().unwrap().port();
    world.send(1, connect(&tcp(port), 20_000));
    excluded(world.receive());
    let asked = target.accept().map(|_| ());
    assert_eq!(asked.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn what_is_excluded_while_the_target_is_asked_is_not_connected() {
    let mut world = World::new();
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = target.local_addr().unwrap().port();
    world.send(1, connect(&tcp(port), 20_000));
    let (mut probe, _) = target.accept().unwrap();
    let mut request = [0; 128];
    probe.read_exact(&mut request).unwrap();
    world.exclude("transport=tcp");
    probe.write_all(&icresp()).unwrap();
    excluded(world.receive());
}

#[test]
fn a_controller_that_is_gone_is_disconnected_already() {
    let mut world = World::new();
    let call = Disconnect {
        device: "nvme7".parse().unwrap(),
        sysfs_ino: 4711,
        owner: Owner::discoverd(),
    };
    world.send(5, Call::Disconnect(call));
    assert_eq!(
        world.receive(),
        Response {
            id: 5,
            outcome: Outcome::Gone
        }
    );
}

/// nvme7 with a namespace, discoverd's, and what is mounted.
fn with_a_controller(world: &World, mountinfo: &str) -> Disconnect {
    let controller = world.dir.path().join("sys/class/nvme/nvme7");
    fs::create_dir_all(controller.join("nvme7n1")).unwrap();
    for (name, value) in [
        ("transport", "tcp"),
        ("subsysnqn", "nqn.2014-08.org.example:a"),
        ("address", "traddr=192.0.2.1,trsvcid=4420"),
        ("state", "live"),
        ("delete_controller", ""),
    ] {
        fs::write(controller.join(name), format!("{value}\n")).unwrap();
    }
    for (folder, name) in [("dev/block", "259:1"), ("class/block", "nvme7n1")] {
        let links = world.dir.path().join("sys").join(folder);
        fs::create_dir_all(&links).unwrap();
        symlink(controller.join("nvme7n1"), links.join(name)).unwrap();
    }
    let process = world.dir.path().join("proc/self");
    fs::create_dir_all(&process).unwrap();
    fs::write(process.join("mountinfo"), mountinfo).unwrap();
    let entry = world.dir.path().join("run/nvme/registry/nvme7");
    fs::create_dir_all(&entry).unwrap();
    fs::write(entry.join("owner"), "discoverd\n").unwrap();
    Disconnect {
        device: "nvme7".parse().unwrap(),
        sysfs_ino: fs::metadata(&controller).unwrap().ino(),
        owner: Owner::discoverd(),
    }
}

#[test]
fn a_controller_that_the_system_stands_on_is_left() {
    for (place, expected) in [
        ("/", Outcome::HoldsRoot),
        ("/usr", Outcome::HoldsRoot),
        ("/srv", Outcome::Disconnected),
    ] {
        let mut world = World::new();
        let mounted = format!("27 1 259:1 / {place} rw - ext4 /dev/nvme7n1 rw\n");
        let call = with_a_controller(&world, &mounted);
        world.send(6, Call::Disconnect(call));
        assert_eq!(world.receive().outcome, expected, "{place}");
    }
}

#[test]
fn a_client_that_talks_nonsense_is_hung_up_on() {
    for nonsense in ["hello\n", "{\"id\":1}\n"] {
        let mut world = World::new();
        world.to.write_all(nonsense.as_bytes()).unwrap();
        let mut line = String::new();
        assert_eq!(world.from.read_line(&mut line).unwrap(), 0, "{line}");
    }
}

/// A target that answers the ICReq, and then nothing.
fn answering() -> (u16, std::thread::JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 128]).unwrap();
        stream.write_all(&icresp()).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        rest.len()
    });
    (port, served)
}

fn refusing() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn by(mut call: Call, ways: &[u16]) -> Call {
    if let Call::Connect(call) = &mut call {
        call.alternatives = ways
            .iter()
            .map(|port| tcp(*port).parse().unwrap())
            .collect();
    }
    call
}

#[test]
fn the_first_way_that_answers_is_taken() {
    let mut world = World::new();
    let (first, last) = (refusing(), refusing());
    let (port, served) = answering();
    world.send(1, by(connect(&tcp(first), 20_000), &[port, last]));
    let (kind, message) = failure(world.receive());
    served.join().unwrap();
    // the write itself fails here, and so the last way is tried, too
    assert_eq!(kind, FailureKind::Refused, "{message}");
    let said: Vec<&str> = message.split("; ").collect();
    assert!(said[0].contains(&first.to_string()), "{message}");
    assert!(message.contains("nvme-fabrics"), "{message}");
    assert!(
        said[said.len() - 1].contains(&last.to_string()),
        "{message}"
    );
}

#[test]
fn an_excluded_way_is_passed_over() {
    let mut world = World::new();
    let (first, last) = (refusing(), refusing());
    world.exclude(&format!("transport=tcp;trsvcid={first}"));
    world.send(1, by(connect(&tcp(first), 20_000), &[last]));
    let (_, message) = failure(world.receive());
    assert!(message.contains(&last.to_string()), "{message}");
    world.exclude("transport=tcp");
    world.send(2, by(connect(&tcp(first), 20_000), &[last]));
    assert_eq!(excluded(world.receive()).line, 2);
}

#[test]
fn a_suspect_is_asked_to_connect_before_the_kernel_is() {
    let mut world = World::new();
    let (port, served) = answering();
    let mut call = connect(&tcp(port), 1_000);
    if let Call::Connect(call) = &mut call {
        call.deep_probe = true;
        call.host.hostid = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6".parse().ok();
    }
    world.send(1, call);
    let (kind, message) = failure(world.receive());
    assert_eq!(kind, FailureKind::Silent, "{message}");
    assert!(message.contains("no answer to Connect"), "{message}");
    assert_eq!(served.join().unwrap(), 72 + 1024, "and that is all");
}
