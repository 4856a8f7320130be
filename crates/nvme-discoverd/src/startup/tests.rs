//! The whole daemon on a bus of its own, with a systemd of our own beside it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use discoverd_core::{State, Status, UnitState};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use zbus::Connection;

use super::*;
use crate::daemon::tests::serve;
use crate::testing::PrivateBus;
use crate::units::tests::{Answer, fake};

const PATIENCE: Duration = Duration::from_secs(30);
const NQN: &str = "nqn.2014-08.org.example:a";

/// A host with one controller, which the configuration names and nobody owns.
struct Host {
    dir: tempfile::TempDir,
    unit: String,
}

impl Host {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let controller = dir.path().join("sys/class/nvme/nvme3");
        for folder in ["etc/nvme", "run/nvme-discoverd", "dev", "proc/self"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        fs::create_dir_all(&controller).unwrap();
        fs::write(dir.path().join("proc/self/mountinfo"), "").unwrap();
        for (attribute, value) in [
            ("transport", "tcp"),
            ("subsysnqn", NQN),
            ("address", "traddr=192.0.2.10,trsvcid=4420"),
            ("cntrltype", "io"),
            ("cntlid", "7"),
            ("state", "live"),
            ("delete_controller", ""),
        ] {
            fs::write(controller.join(attribute), format!("{value}\n")).unwrap();
        }
        let ino = controller.metadata().unwrap().ino();
        let config = format!(
            "[Subsystem]\nnqn = {NQN}\n\
             controller = transport=tcp;traddr=192.0.2.10;trsvcid=4420\n"
        );
        fs::write(dir.path().join("etc/nvme/nvme-fabrics.conf"), config).unwrap();
        let root = Root::new(dir.path());
        serve(&root, &root.run().join(SOCKET));
        Self {
            dir,
            unit: format!("nvmf-nvme3-{ino}.service"),
        }
    }

    fn start(&self, bus: &PrivateBus) -> JoinHandle<anyhow::Result<()>> {
        let place = Place {
            root: Root::new(self.dir.path()),
            connector: "/c/connector".into(),
        };
        let builder = bus.builder();
        tokio::spawn(run_on(builder, place, Own::default()))
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).unwrap_or_default()
    }
}

/// A systemd on the bus, and what it is asked.
async fn systemd(
    bus: &PrivateBus,
    answer: Answer,
    state: &'static str,
) -> (Connection, mpsc::UnboundedReceiver<String>) {
    let (fake, seen) = fake(answer, state);
    let builder = bus.builder().serve_at("/org/freedesktop/systemd1", fake);
    let builder = builder.name("org.freedesktop.systemd1");
    (builder.build().await.unwrap(), seen)
}

async fn asked(seen: &mut mpsc::UnboundedReceiver<String>) -> String {
    let next = timeout(PATIENCE, seen.recv()).await;
    next.expect("systemd is asked").unwrap()
}

/// Asks the daemon until it says so.
async fn until(bus: &PrivateBus, what: &str, is_so: impl Fn(&Status) -> bool) -> Status {
    let client = bus.connect().await;
    let end = Instant::now() + PATIENCE;
    let mut last = String::new();
    while Instant::now() < end {
        let interface = Some("org.nvmexpress.Discoverd1.Manager");
        let reply = client.call_method(Some(bus::NAME), bus::PATH, interface, "Status", &());
        if let Ok(reply) = reply.await {
            last = reply.body().deserialize().unwrap();
            let status = serde_json::from_str(&last).unwrap();
            if is_so(&status) {
                return status;
            }
        }
        tokio::task::yield_now().await;
    }
    panic!("never {what}: {last}");
}

#[tokio::test]
async fn what_is_claimed_gets_a_unit_and_what_is_gone_loses_it() {
    let (bus, host) = (PrivateBus::start(), Host::new());
    let (_systemd, mut seen) = systemd(&bus, Answer::Job("done"), "running").await;
    let daemon = host.start(&bus);
    assert_eq!(asked(&mut seen).await, format!("start {} fail", host.unit));
    let active = |s: &Status| {
        let unit = s.connections.first().and_then(|it| it.unit);
        s.counts.connected == 1 && unit == Some(UnitState::Active)
    };
    until(&bus, "connected with a unit", active).await;
    assert_eq!(host.file("run/nvme/registry/nvme3/owner"), "discoverd\n");

    fs::remove_dir_all(host.dir.path().join("sys/class/nvme/nvme3")).unwrap();
    // A change of the registry has the daemon look at that controller. What comes and goes between
    // two looks of the watch is none, so there are more changes until one was seen.
    let entry = host.dir.path().join("run/nvme/registry/nvme3");
    let end = Instant::now() + PATIENCE;
    let next = loop {
        match entry.exists() {
            true => fs::remove_dir_all(&entry).unwrap(),
            false => fs::create_dir(&entry).unwrap(),
        }
        if let Ok(next) = timeout(Duration::from_millis(200), seen.recv()).await {
            break next.unwrap();
        }
        assert!(Instant::now() < end, "the unit is not stopped");
    };
    assert_eq!(next, format!("stop {}", host.unit));
    daemon.abort();
}

#[tokio::test]
async fn a_systemd_that_goes_down_takes_no_units_and_so_it_is_disconnected() {
    let (bus, host) = (PrivateBus::start(), Host::new());
    let (_systemd, _seen) = systemd(&bus, Answer::ShuttingDown, "stopping").await;
    let daemon = host.start(&bus);
    let told = |s: &Status| s.problems.iter().any(|p| p.contains("shutting down"));
    until(&bus, "told", told).await;
    let deleted = host
        .dir
        .path()
        .join("sys/class/nvme/nvme3/delete_controller");
    let end = Instant::now() + PATIENCE;
    while fs::read_to_string(&deleted).unwrap_or_default().trim() != "1" {
        assert!(Instant::now() < end, "not disconnected");
        tokio::task::yield_now().await;
    }
    daemon.abort();
}

#[tokio::test]
async fn a_unit_that_fails_is_a_problem_and_no_loss() {
    let (bus, host) = (PrivateBus::start(), Host::new());
    let (_systemd, _seen) = systemd(&bus, Answer::Job("dependency"), "running").await;
    let daemon = host.start(&bus);
    let told = |s: &Status| s.problems.iter().any(|p| p.contains("nvme3: no unit"));
    let status = until(&bus, "told", told).await;
    assert_eq!(status.connections[0].state, State::Connected);
    daemon.abort();
}

#[tokio::test]
async fn a_bus_that_goes_away_ends_the_daemon_and_the_next_one_takes_over() {
    let (mut bus, host) = (PrivateBus::start(), Host::new());
    let (first, _seen) = systemd(&bus, Answer::Job("done"), "running").await;
    let daemon = host.start(&bus);
    until(&bus, "connected", |s| s.counts.connected == 1).await;
    bus.kill();
    let ended = timeout(PATIENCE, daemon).await.expect("an end").unwrap();
    let error = ended.unwrap_err().to_string();
    assert!(error.contains("connection to the system bus"), "{error}");
    assert_eq!(
        host.file("sys/class/nvme/nvme3/delete_controller").trim(),
        ""
    );
    drop(first);

    // as systemd does it
    let bus = PrivateBus::start();
    let (_systemd, mut seen) = systemd(&bus, Answer::Exists, "running").await;
    let daemon = host.start(&bus);
    until(&bus, "connected again", |s| s.counts.connected == 1).await;
    assert_eq!(asked(&mut seen).await, format!("start {} fail", host.unit));
    daemon.abort();
}

#[tokio::test]
async fn without_systemd_there_is_no_daemon() {
    let (bus, host) = (PrivateBus::start(), Host::new());
    let ended = timeout(PATIENCE, host.start(&bus)).await.expect("an end");
    let error = format!("{:#}", ended.unwrap().unwrap_err());
    assert!(error.contains("systemd does not answer"), "{error}");
}
