//! A client and the server over a socket pair, in a root of their own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
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

#[test]
fn a_client_that_talks_nonsense_is_hung_up_on() {
    for nonsense in ["hello\n", "{\"id\":1}\n"] {
        let mut world = World::new();
        world.to.write_all(nonsense.as_bytes()).unwrap();
        let mut line = String::new();
        assert_eq!(world.from.read_line(&mut line).unwrap(), 0, "{line}");
    }
}
