//! The whole daemon in a root of its own: a real core, a real connector, a fake systemd.

mod reload;

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;

use discoverd_core::{Settings, State, Status};
use nvmf_connector::Server;
use tokio::net::UnixListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;
use crate::bus::tests::pair;
use crate::exclusion_watch::{self, Watch};
use crate::units::tests::{Answer, fake};

const PATIENCE: Duration = Duration::from_secs(30);

const GOOD: &str = "[Subsystem]\nnqn = nqn.2014-08.org.example:a\ncontroller = transport=loop\n";
const BAD: &str = "[Subsystem]\nnqn = nqn.2014-08.org.example:a\ncontroller = transport=pcie\n";

struct World {
    dir: tempfile::TempDir,
    inputs: Inputs,
    daemon: JoinHandle<anyhow::Result<()>>,
    _bus: (zbus::Connection, zbus::Connection),
}

impl World {
    async fn start(config: &str) -> Self {
        Self::start_with(config, "").await
    }

    async fn start_with(config: &str, own: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["etc/nvme", "run/nvme-discoverd", "sys/class/nvme", "dev"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        fs::write(dir.path().join("etc/nvme/nvme-fabrics.conf"), config).unwrap();
        fs::write(dir.path().join("etc/nvme/nvme-discoverd.conf"), own).unwrap();
        let root = Root::new(dir.path());
        let socket = dir.path().join("run/nvme-discoverd/connector.sock");
        serve(&root, &socket);
        let (inputs, inbox) = mpsc::unbounded_channel();
        let systemd = fake(Answer::Job("done"), "running").0;
        let bus = pair(|b| b.serve_at("/org/freedesktop/systemd1", systemd)).await;
        let watch = Watch::start(&root).unwrap();
        let watch = exclusion_watch::forward(watch, inputs.clone()).unwrap();
        let units = Units::connect(&bus.1, Path::new("/connector"), inputs.clone())
            .await
            .unwrap();
        let metrics = Metrics::new();
        let (show, mut shown) = mpsc::channel(1);
        tokio::spawn(async move { while shown.recv().await.is_some() {} });
        let parts = Parts {
            core: Core::new(Settings::default()),
            workers: Workers::new(root.clone(), inputs.clone()),
            connector: Connector::start(socket, inputs.clone()),
            units,
            watch,
            served: Served::start(&root, &metrics, inputs.clone()),
            metrics,
            mounts: mounts::Again::default(),
            show,
            mdns: Mdns::new(bus.1.clone(), inputs.clone()),
            root,
            own: DaemonConfig::default(),
            level: Level::default(),
            problems: Vec::new(),
        };
        let daemon = tokio::spawn(Daemon::new(parts, inputs.clone(), inbox).run());
        Self {
            dir,
            inputs,
            daemon,
            _bus: bus,
        }
    }

    fn configure(&self, text: &str) {
        fs::write(self.dir.path().join("etc/nvme/nvme-fabrics.conf"), text).unwrap();
    }

    /// A controller in sysfs, and what another tool says about it in the registry.
    fn registered(&self, device: &str, attributes: &[(&str, &str)]) -> std::path::PathBuf {
        fs::create_dir_all(self.dir.path().join("sys/class/nvme").join(device)).unwrap();
        let entry = self.dir.path().join("run/nvme/registry").join(device);
        fs::create_dir_all(&entry).unwrap();
        for (attribute, value) in attributes {
            fs::write(entry.join(attribute), format!("{value}\n")).unwrap();
        }
        entry
    }

    fn uevent(&self, action: &str, device: &str, seqnum: u64) {
        let mut event = uevents::tests::event("nvme", &[("DEVNAME", device)]);
        event.action = action.to_owned();
        event.seqnum = seqnum;
        put(&self.inputs, Input::Uevent(event));
    }

    async fn status(&self) -> Status {
        let (to, answer) = oneshot::channel();
        put(&self.inputs, Input::Ask(Question::Status(to)));
        serde_json::from_str(&answer.await.unwrap()).unwrap()
    }

    async fn reload(&self) -> Result<(), String> {
        let (to, answer) = oneshot::channel();
        put(&self.inputs, Input::Reload(Some(to)));
        answer.await.unwrap()
    }

    /// Asks again and again: the status has no event of its own to wait for.
    async fn until(&self, what: &str, is_so: impl Fn(&Status) -> bool) -> Status {
        let end = Instant::now() + PATIENCE;
        loop {
            let status = self.status().await;
            if is_so(&status) {
                return status;
            }
            assert!(Instant::now() < end, "never {what}: {status:#?}");
            tokio::task::yield_now().await;
        }
    }

    async fn stop(self) {
        put(&self.inputs, Input::Stop("test"));
        self.daemon.await.unwrap().unwrap();
    }
}

/// A connector in this process.
pub(crate) fn serve(root: &Root, socket: &Path) {
    let listener = UnixListener::bind(socket).unwrap();
    let server = Server::new(root.clone(), |_| {});
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let stream: UnixStream = stream.into_std().unwrap();
            stream.set_nonblocking(false).unwrap();
            server.admit(stream).unwrap();
        }
    });
}

#[tokio::test]
async fn what_cannot_be_connected_is_tried_again_and_says_why() {
    let world = World::start(GOOD).await;
    let status = world
        .until("retrying", |s| {
            s.connections.iter().any(|c| c.state == State::Retrying)
        })
        .await;
    let [connection] = status.connections.as_slice() else {
        panic!("{status:#?}");
    };
    assert_eq!(connection.nqn, "nqn.2014-08.org.example:a");
    assert!(connection.last_error.is_some(), "{connection:#?}");
    assert!(connection.next_retry_ms.is_some(), "{connection:#?}");
    assert!(
        status
            .problems
            .iter()
            .any(|p| p.contains("modprobe nvme-fabrics")),
        "{status:#?}"
    );
    world.stop().await;
}

#[tokio::test]
async fn what_is_excluded_is_not_tried() {
    let world = World::start("").await;
    let list = world.dir.path().join("etc/nvme/exclusions.conf");
    fs::write(&list, "[exclusions]\nexclusion = transport=loop\n").unwrap();
    world.configure(GOOD);
    world.reload().await.unwrap();
    // The core's own set is from before; the connector reads the file and knows better.
    let status = world.until("excluded", |s| s.counts.excluded == 1).await;
    assert!(
        status
            .connections
            .iter()
            .all(|c| c.reason.contains("exclusions.conf:2")),
        "{status:#?}"
    );
    world.stop().await;
}

#[tokio::test]
async fn exclusions_come_and_go_while_it_runs() {
    let world = World::start(GOOD).await;
    let list = world.dir.path().join("etc/nvme/exclusions.conf");
    let unread = |s: &Status| {
        let about = |p: &&String| p.contains("exclusions.conf`, it excludes nothing");
        s.problems.iter().filter(about).count()
    };
    let tried = |s: &Status| s.counts.retrying == 1;
    world.until("tried", tried).await;
    fs::create_dir(&list).unwrap();
    let status = world.until("reported", |s| unread(s) > 0).await;
    assert_eq!(unread(&status), 1, "{status:#?}");
    assert_eq!(status.counts.excluded, 0, "it excludes nothing");
    fs::remove_dir(&list).unwrap();
    fs::write(&list, "[exclusions]\nexclusion = transport=loop\n").unwrap();
    let status = world.until("excluded", |s| s.counts.excluded == 1).await;
    world.until("readable", |s| unread(s) == 0).await;
    let [connection] = status.connections.as_slice() else {
        panic!("{status:#?}");
    };
    assert!(
        connection.reason.starts_with("excluded by ")
            && connection.reason.contains("exclusions.conf:2"),
        "{connection:#?}"
    );
    fs::remove_file(&list).unwrap();
    world.until("tried again", tried).await;
    world.stop().await;
}

#[tokio::test]
async fn what_is_not_watched_is_told_and_read_at_a_reload() {
    let world = World::start("").await;
    let unwatched = |problems: &[&str]| {
        let problems = problems.iter().map(ToString::to_string).collect();
        put(&world.inputs, Input::Unwatched(problems));
    };
    let told = |s: &Status| s.problems.contains(&"unwatched".to_owned());
    unwatched(&["unwatched"]);
    assert!(told(&world.status().await));
    unwatched(&[]);
    assert!(!told(&world.status().await));

    let list = world.dir.path().join("etc/nvme/exclusions.conf");
    let other = world.dir.path().join("run/list");
    fs::write(
        &other,
        "[exclusions]\nexclusion = transport=loop\nexclusion = oops\n",
    )
    .unwrap();
    fs::hard_link(&other, &list).unwrap();
    world.until("read", |s| !s.problems.is_empty()).await;
    world.configure(GOOD);
    world.reload().await.unwrap();
    world.until("excluded", |s| s.counts.excluded == 1).await;
    // Under another name, so that no folder tells of it.
    fs::write(&other, "").unwrap();
    world.reload().await.unwrap();
    world.until("tried", |s| s.counts.retrying == 1).await;
    world.stop().await;
}

#[tokio::test]
async fn what_the_kernel_removed_goes_from_the_registry() {
    let world = World::start("").await;
    let unstamped = [("owner", "stas"), ("seqnum", "5")];
    let entries = ["nvme3", "nvme4", "nvme5"].map(|it| world.registered(it, &unstamped));
    world.uevent("remove", "nvme3", 4);
    world.uevent("change", "nvme4", 6);
    world.uevent("remove", "nvme5", 6);
    // One after the other, so the last one's end is the end of all.
    world.until("reaped", |_| !entries[2].exists()).await;
    assert!(entries[0].exists(), "removed before the entry was written");
    assert!(entries[1].exists(), "not removed");

    let stale = world.registered("nvme6", &[("owner", "me"), ("sysfs-ino", "1")]);
    put(&world.inputs, Input::UeventsLost);
    world.until("collected", |_| !stale.exists()).await;
    assert!(entries[0].exists() && entries[1].exists());
    world.stop().await;
}

#[tokio::test]
async fn a_loss_that_the_kernel_tells_nobody_of_is_seen_by_who_asks() {
    let place = "transport=tcp;traddr=192.0.2.1;trsvcid=4420";
    let nqn = "nqn.2014-08.org.example:a";
    let world = World::start("").await;
    world.registered("nvme3", &[("owner", "discoverd")]);
    let controller = world.dir.path().join("sys/class/nvme/nvme3");
    let set = |name: &str, value: &str| {
        fs::write(controller.join(name), format!("{value}\n")).unwrap();
    };
    for (name, value) in [
        ("transport", "tcp"),
        ("address", "traddr=192.0.2.1,trsvcid=4420"),
        ("subsysnqn", nqn),
        ("cntrltype", "io"),
        ("state", "live"),
    ] {
        set(name, value);
    }
    put(&world.inputs, Input::ListAgain);
    world.configure(&format!("[Subsystem]\nnqn = {nqn}\ncontroller = {place}\n"));
    world.reload().await.unwrap();
    world.until("connected", |s| s.counts.connected == 1).await;
    for (word, state) in [
        ("connecting", State::Lost),
        ("live", State::Connected),
        ("resetting", State::Lost),
    ] {
        set("state", word);
        let status = world.status().await;
        let states: Vec<State> = status.connections.iter().map(|it| it.state).collect();
        assert_eq!(states, [state], "{word}");
    }
    // what is gone by then keeps nobody waiting
    fs::remove_dir_all(&controller).unwrap();
    world.status().await;
    world.stop().await;
}

#[tokio::test]
async fn a_lost_source_ends_the_daemon() {
    let world = World::start("").await;
    put(&world.inputs, Input::Fatal("the bus is gone".into()));
    let error = world.daemon.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the bus is gone");
}
