//! A tiny language: `dc1` is the discovery controller at 192.0.2.1, `io7` the subsystem 7 behind
//! 192.0.2.100; actions are short texts such as `connect io7` or `unit nvme1`.

use std::collections::BTreeMap;

use discoverd_core::{
    ActionId, ActionKind, ClaimOutcome, ConnectOutcome, ConnectionStatus, Core, Event, FailureKind,
    Settings, Status, Timestamp, UnitOutcome,
};
use nvmf_types::config::{Config, Connection};
use nvmf_types::exclusion::{ExclusionSet, Exclusions};
use nvmf_types::log_page::{DiscoveryLog, LogEntry, Subtype, Trtype};
use nvmf_types::nbft::BootConnection;
use nvmf_types::{
    ControllerClass, ControllerState, DeviceName, LiveController, Origin, Owner, TransportId,
};

pub(crate) struct World {
    pub(crate) core: Core,
    pub(crate) now: u64,
    /// Actions that await their result, newest last.
    pub(crate) open: Vec<(ActionId, String, ActionKind)>,
    /// How often the FC ports were kicked.
    pub(crate) kicks: usize,
    inos: BTreeMap<String, u64>,
}

pub(crate) fn tid(name: &str) -> TransportId {
    let text = match name.split_at(2) {
        ("dc", n) => format!(
            "transport=tcp;traddr=192.0.2.{n};trsvcid=8009;nqn=nqn.2014-08.org.nvmexpress.discovery"
        ),
        ("io", n) => {
            format!("transport=tcp;traddr=192.0.2.100;trsvcid=4420;nqn=nqn.2014-08.org.example:{n}")
        }
        _ => panic!("{name}"),
    };
    text.parse().unwrap()
}

pub(crate) fn name(tid: &TransportId) -> String {
    if tid.nqn.is_discovery() {
        let traddr = tid.traddr.as_ref().unwrap().to_string();
        format!("dc{}", traddr.rsplit('.').next().unwrap())
    } else {
        format!("io{}", tid.nqn.as_str().rsplit(':').next().unwrap())
    }
}

pub(crate) fn class(name: &str) -> ControllerClass {
    tid(name).class_by_nqn()
}

pub(crate) fn live(name: &str, device: &str, sysfs_ino: u64, owner: &str) -> LiveController {
    LiveController {
        device: device.parse().unwrap(),
        sysfs_ino,
        tid: tid(name),
        class: Some(class(name)),
        state: ControllerState::Live,
        src_addr: None,
        cntlid: Some(1),
        owner: (!owner.is_empty()).then(|| owner.parse().unwrap()),
    }
}

pub(crate) fn config(names: &[&str]) -> Config {
    let connection = |(name, line): (&&str, usize)| {
        Connection::new(
            tid(name),
            class(name),
            Origin::new("nvme-fabrics.conf", line),
        )
    };
    Config {
        connections: names.iter().zip(1..).map(connection).collect(),
        ..Config::default()
    }
}

pub(crate) fn log(names: &[&str]) -> DiscoveryLog {
    let entry = |name: &&str| LogEntry {
        trtype: Trtype::Tcp,
        adrfam: 1,
        subtype: match class(name) {
            ControllerClass::Io => Subtype::Nvm,
            ControllerClass::Discovery => Subtype::Referral,
        },
        treq: 0,
        portid: 1,
        cntlid: 0xffff,
        asqsz: 32,
        eflags: 0,
        trsvcid: tid(name).trsvcid.unwrap().to_string(),
        subnqn: tid(name).nqn.to_string(),
        traddr: tid(name).traddr.unwrap().to_string(),
        tsas: [0; 256],
    };
    DiscoveryLog {
        genctr: 1,
        entries: names.iter().map(entry).collect(),
        ignored: Vec::new(),
    }
}

/// Line n of the file is entry n: one line `exclusion = …` each.
pub(crate) fn exclusions(names: &[&str]) -> ExclusionSet {
    let entry = |name: &&str| format!("exclusion = {}\n", tid(name));
    let text: String = names.iter().map(entry).collect();
    ExclusionSet::new(Exclusions::parse(
        "x.conf",
        &format!("[exclusions]\n{text}"),
    ))
}

/// The boot tables name nothing.
pub(crate) const fn no_boot_tables() -> Event {
    Event::BootTablesLoaded {
        connections: Vec::new(),
        problems: Vec::new(),
    }
}

/// A listing that began at a moment.
pub(crate) fn listed(controllers: Vec<LiveController>, began: Timestamp) -> Event {
    Event::Listed { controllers, began }
}

pub(crate) fn kind_text(kind: &ActionKind) -> String {
    match kind {
        ActionKind::Connect(request) => format!("connect {}", name(&request.tid)),
        ActionKind::FetchLog { device, .. } => format!("fetch {device}"),
        ActionKind::Claim { device, .. } => format!("claim {device}"),
        ActionKind::StartUnit(spec) => format!("unit {}", spec.device),
        ActionKind::StopUnit { device, .. } => format!("stop {device}"),
        ActionKind::Disconnect { device, .. } => format!("disconnect {device}"),
        ActionKind::LoadExclusions => "load-exclusions".to_owned(),
        ActionKind::Rescan => "rescan".to_owned(),
        ActionKind::Look { device } => format!("look {device}"),
        ActionKind::KickFc => "kick-fc".to_owned(),
        ActionKind::PublishStatus => "publish".to_owned(),
        other => panic!("{other:?}"),
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            core: Core::new(Settings::default()),
            now: 1_000_000,
            open: Vec::new(),
            kicks: 0,
            inos: BTreeMap::new(),
        }
    }

    /// Configuration, no boot tables, no exclusions and a first listing are in.
    pub(crate) fn started(names: &[&str], controllers: Vec<LiveController>) -> (Self, Vec<String>) {
        let mut world = Self::new();
        world.send(Event::ConfigLoaded(config(names)));
        world.boot(vec![]);
        world.exclude(&[]);
        for live in &controllers {
            world.inos.insert(live.device.to_string(), live.sysfs_ino);
        }
        let actions = world.list(controllers);
        (world, actions)
    }

    /// The boot tables are read.
    pub(crate) fn boot(&mut self, connections: Vec<BootConnection>) -> Vec<String> {
        self.send(Event::BootTablesLoaded {
            connections,
            problems: Vec::new(),
        })
    }

    /// Sends an event and collects the actions but `publish` and `kick-fc`, which is counted.
    pub(crate) fn send(&mut self, event: Event) -> Vec<String> {
        self.core.handle(event, Timestamp(self.now));
        self.collect()
    }

    fn collect(&mut self) -> Vec<String> {
        let mut texts = Vec::new();
        while let Some(action) = self.core.poll_action() {
            let text = kind_text(&action.kind);
            if text == "kick-fc" {
                self.kicks += 1;
            } else if text != "publish" {
                texts.push(text.clone());
                self.open.push((action.id, text, action.kind));
            }
        }
        texts
    }

    /// All controllers are listed.
    pub(crate) fn list(&mut self, controllers: Vec<LiveController>) -> Vec<String> {
        self.send(listed(controllers, Timestamp(self.now + 1)))
    }

    /// Lets time pass, timers on the way included.
    pub(crate) fn pass(&mut self, ms: u64) -> Vec<String> {
        let end = self.now + ms;
        let mut texts = Vec::new();
        while let Some(Timestamp(at)) = self.core.next_deadline().filter(|at| at.0 <= end) {
            self.now = self.now.max(at);
            self.core.tick(Timestamp(self.now));
            texts.extend(self.collect());
        }
        self.now = end;
        texts
    }

    fn take(&mut self, text: &str) -> ActionId {
        let found = self.open.iter().rposition(|(_, open, _)| open == text);
        let index = found.unwrap_or_else(|| panic!("no open `{text}`: {:?}", self.open));
        self.open.remove(index).0
    }

    pub(crate) fn connected(&mut self, name: &str, device: &str) -> Vec<String> {
        let sysfs_ino = self.inos.values().max().unwrap_or(&100) + 1;
        self.inos.insert(device.to_owned(), sysfs_ino);
        let outcome = ConnectOutcome::Connected {
            device: device.parse().unwrap(),
            sysfs_ino,
            cntlid: 1,
        };
        // the kernel's event comes first, while it is being connected
        let mut new = live(name, device, sysfs_ino, "");
        new.class = None;
        let mut texts = self.send(Event::Controller {
            device: device.parse().unwrap(),
            now: Some(new),
            began: Timestamp(self.now),
        });
        texts.extend(self.finished(name, outcome));
        texts
    }

    pub(crate) fn finished(&mut self, name: &str, outcome: ConnectOutcome) -> Vec<String> {
        let id = self.take(&format!("connect {name}"));
        self.send(Event::ConnectFinished { id, outcome })
    }

    pub(crate) fn failed(&mut self, name: &str, kind: FailureKind) -> Vec<String> {
        let message = "no luck".to_owned();
        self.finished(name, ConnectOutcome::Failed { message, kind })
    }

    /// The connector finds line 2 of `file` right before the write.
    pub(crate) fn stopped(&mut self, name: &str, file: &str) -> Vec<String> {
        let origin = Origin::new(file, 2);
        self.finished(name, ConnectOutcome::Excluded { origin })
    }

    pub(crate) fn logged(&mut self, device: &str, names: &[&str]) -> Vec<String> {
        self.logged_as(device, log(names))
    }

    pub(crate) fn logged_as(&mut self, device: &str, log: DiscoveryLog) -> Vec<String> {
        let id = self.take(&format!("fetch {device}"));
        let result = Ok(log);
        self.send(Event::LogFetched { id, result })
    }

    pub(crate) fn not_logged(&mut self, device: &str) -> Vec<String> {
        let id = self.take(&format!("fetch {device}"));
        let result = Err("no log".to_owned());
        self.send(Event::LogFetched { id, result })
    }

    pub(crate) fn claimed(&mut self, device: &str, outcome: ClaimOutcome) -> Vec<String> {
        let id = self.take(&format!("claim {device}"));
        self.send(Event::Claimed { id, outcome })
    }

    pub(crate) fn unit(&mut self, device: &str, result: UnitOutcome) -> Vec<String> {
        let id = self.take(&format!("unit {device}"));
        self.send(Event::UnitStarted { id, result })
    }

    pub(crate) fn gone(&mut self, device: &str) -> Vec<String> {
        self.send(Event::Controller {
            device: device.parse().unwrap(),
            now: None,
            began: Timestamp(self.now + 1),
        })
    }

    pub(crate) fn seen(&mut self, live: LiveController) -> Vec<String> {
        let device = live.device.clone();
        self.inos.insert(device.to_string(), live.sysfs_ino);
        self.send(Event::Controller {
            device,
            now: Some(live),
            began: Timestamp(self.now),
        })
    }

    pub(crate) fn changed(&mut self, device: &str) -> Vec<String> {
        let device: DeviceName = device.parse().unwrap();
        self.send(Event::DiscoveryChanged { device })
    }

    pub(crate) fn exclude(&mut self, names: &[&str]) -> Vec<String> {
        self.send(Event::ExclusionsLoaded {
            set: exclusions(names),
            problems: Vec::new(),
        })
    }

    pub(crate) fn ino(&self, device: &str) -> u64 {
        self.inos[device]
    }

    pub(crate) fn status(&self) -> Status {
        self.core.status(Timestamp(self.now))
    }

    pub(crate) fn connection(&self, name: &str) -> ConnectionStatus {
        let nqn = tid(name).nqn.to_string();
        let traddr = tid(name).field("traddr");
        let mut connections = self.status().connections.into_iter();
        let found = connections.find(|c| c.nqn == nqn && c.traddr == traddr);
        found.unwrap_or_else(|| panic!("no {name}: {:#?}", self.status()))
    }

    /// `state: reason`.
    pub(crate) fn state(&self, name: &str) -> String {
        let connection = self.connection(name);
        format!("{}: {}", connection.state, connection.reason)
    }
}

pub(crate) fn ours() -> String {
    Owner::discoverd().to_string()
}
