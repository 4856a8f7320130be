//! A network of discovery controllers and subsystems, and a host that walks through it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use nvmf_types::config::{Persistence, Scope};
use nvmf_types::exclusion::{ExclusionSet, Exclusions};
use nvmf_types::log_page::{DiscoveryLog, LogEntry, Subtype, Trtype};
use nvmf_types::{
    ConnectOptions, ControllerClass, ControllerState, DeviceName, HostIdentity, LiveController,
    Nqn, Origin, TransportId,
};

use crate::walk::{
    Action, Device, Event, Fault, Host, Made, Outcome, Page, Policy, Request, Walker, Wish,
};

/// What a place does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Place {
    #[default]
    Answers,
    Silent,
    /// It answers the probe and hangs the kernel.
    Hangs,
    /// It answers the first probe, and nothing after.
    Dies,
    /// It is excluded after the walk began.
    Excluded,
}

/// Everything that is not the walker.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    /// What the log page at a port says: `dc 2`, `io a`, `self`.
    pub(super) pages: BTreeMap<u16, Vec<String>>,
    pub(super) places: BTreeMap<u16, Place>,
    pub(super) live: Vec<LiveController>,
    pub(super) exclusions: String,
    /// What was done, in order.
    pub(super) done: Vec<String>,
    pub(super) probed: BTreeSet<u16>,
    pub(super) made: u32,
    /// Those made and not disconnected, with their ports.
    pub(super) connected: BTreeMap<DeviceName, u16>,
    pub(super) devices: BTreeMap<DeviceName, u16>,
}

pub(super) const ALL: Policy = Policy {
    subsystems: true,
    referrals: true,
    reuse: true,
};

/// Discovery controllers are told by their ports, and so are the places of subsystems.
pub(super) fn dc(port: u16) -> TransportId {
    format!(
        "transport=tcp;traddr=192.0.2.1;trsvcid={port};nqn={}",
        Nqn::DISCOVERY
    )
    .parse()
    .unwrap()
}

pub(super) fn io(name: &str, port: u16) -> TransportId {
    format!("transport=tcp;traddr=192.0.2.1;trsvcid={port};nqn=nqn.2014-08.org.example:{name}")
        .parse()
        .unwrap()
}

pub(super) fn wish(tid: TransportId) -> Wish {
    Wish {
        class: tid.class_by_nqn(),
        addresses: vec![tid],
        options: ConnectOptions::default(),
        scope: Scope::default(),
        persistent: Persistence::No,
        owner: None,
        source: "test".to_owned(),
        typed: false,
        device: None,
    }
}

pub(super) fn live(device: &str, tid: TransportId, owner: Option<&str>) -> LiveController {
    LiveController {
        device: device.parse().unwrap(),
        sysfs_ino: 1,
        class: Some(tid.class_by_nqn()),
        tid,
        state: ControllerState::Live,
        src_addr: None,
        cntlid: Some(1),
        owner: owner.map(|owner| owner.parse().unwrap()),
    }
}

impl World {
    /// Lines `port: entry, entry`.
    pub(super) fn new(pages: &str) -> Self {
        let page = |line: &str| {
            let (port, entries) = line.trim().split_once(':').unwrap();
            let entries = entries.split(',').map(str::trim);
            let entries = entries.filter(|entry| !entry.is_empty());
            (port.parse().unwrap(), entries.map(str::to_owned).collect())
        };
        let pages = pages.lines().filter(|line| line.contains(':'));
        Self {
            pages: pages.map(page).collect(),
            ..Self::default()
        }
    }

    pub(super) fn place(mut self, port: u16, place: Place) -> Self {
        self.places.insert(port, place);
        self
    }

    pub(super) fn walker(&self, policy: Policy, wishes: Vec<Wish>) -> Walker {
        let text = format!("[exclusions]\n{}", self.exclusions);
        let host = Host {
            identity: HostIdentity::default(),
            exclusions: ExclusionSet::new(Exclusions::parse("x", &text)),
            controllers: self.live.clone(),
        };
        Walker::new(policy, host, wishes)
    }

    /// Walks to the end, first come first served, and gives `target outcome` lines.
    pub(super) fn walk(&mut self, policy: Policy, wishes: Vec<Wish>) -> Vec<String> {
        let mut walker = self.walker(policy, wishes);
        let mut queue = VecDeque::new();
        loop {
            while let Some(action) = walker.next_action() {
                queue.push_back(action);
            }
            if walker.is_done() {
                assert!(queue.is_empty(), "{queue:?}");
                return outcomes(&walker);
            }
            let action = queue.pop_front().expect("it waits for nothing");
            let event = self.perform(action);
            walker.handle(event);
        }
    }

    /// What the host would do.
    pub(super) fn perform(&mut self, action: Action) -> Event {
        match action {
            Action::Probe { place, tid, .. } => {
                let port = tid.port(ControllerClass::Io).unwrap();
                self.done.push(format!("probe {port}"));
                let first = self.probed.insert(port);
                let answer = match self.places.get(&port).copied().unwrap_or_default() {
                    Place::Silent => Err("silent".to_owned()),
                    Place::Dies if !first => Err("dead".to_owned()),
                    _ => Ok(()),
                };
                Event::Probed(place, answer)
            }
            Action::Connect(id, request) => Event::Connected(id, self.connect(&request)),
            Action::Claim(id, device, _) => {
                self.done.push(format!("claim {}", device.name));
                Event::Claimed(id, Ok(nvmf::registry::Claim::Granted))
            }
            Action::Read(id, device) => {
                let port = self.devices.get(&device.name).copied();
                let port = port.or_else(|| self.port_of_live(&device.name)).unwrap();
                self.done.push(format!("read {port}"));
                let entries = self.pages.get(&port).map(Vec::as_slice);
                let page = entries.map(page_of).ok_or_else(|| "no page".to_owned());
                Event::Read(id, page)
            }
            Action::Disconnect(id, device) => {
                let port = self.connected.remove(&device.name);
                let port = port.expect("only what was made goes, and once");
                self.done.push(format!("disconnect {port}"));
                Event::Disconnected(id, Ok(()))
            }
        }
    }

    fn connect(&mut self, request: &Request) -> Made {
        let Request { tid, owner, .. } = request;
        let port = tid.port(ControllerClass::Io).unwrap();
        let name = match tid.nqn.is_discovery() {
            true => "dc",
            false => tid.nqn.as_str().rsplit(':').next().unwrap(),
        };
        self.done.push(format!("connect {name} {port}"));
        let failed = |reason: &str, fault| Made::Failed {
            reason: reason.to_owned(),
            fault,
        };
        match self.places.get(&port).copied().unwrap_or_default() {
            Place::Hangs => return failed("hung", Fault::Hung),
            Place::Dies => return failed("reset", Fault::Place),
            Place::Excluded if !request.typed => {
                return Made::Excluded(Origin::new("late", usize::from(port)));
            }
            Place::Answers | Place::Silent | Place::Excluded => {}
        }
        let device = DeviceName::from_number(100 + self.made);
        self.made += 1;
        self.devices.insert(device.clone(), port);
        self.connected.insert(device.clone(), port);
        let device = Device {
            name: device,
            sysfs_ino: 1,
        };
        Made::New {
            device,
            owner: owner.clone(),
            warning: None,
        }
    }

    fn port_of_live(&self, device: &DeviceName) -> Option<u16> {
        let live = self.live.iter().find(|live| live.device == *device)?;
        live.tid.port(ControllerClass::Io)
    }

    /// How often something was done.
    pub(super) fn count(&self, what: &str) -> usize {
        self.done.iter().filter(|it| *it == what).count()
    }
}

/// `dc 8009 asked`, `a 4420 connected`, …
pub(super) fn outcomes(walker: &Walker) -> Vec<String> {
    let line = |target: &crate::walk::Target| {
        let tid = target.tid().unwrap();
        let port = tid.port(target.wish().class).unwrap();
        let name = match target.wish().class {
            ControllerClass::Discovery => "dc",
            ControllerClass::Io => tid.nqn.as_str().rsplit(':').next().unwrap(),
        };
        let outcome = match target.outcome().unwrap() {
            Outcome::Connected { .. } => "connected".to_owned(),
            Outcome::Asked => "asked".to_owned(),
            Outcome::AlreadyConnected { device, .. } => format!("already {device}"),
            Outcome::Excluded(origin) => format!("excluded by {origin}"),
            Outcome::Foreign { device, owner } => format!("foreign {device} {owner}"),
            Outcome::Failed(reason) => format!("failed {reason}"),
            Outcome::Interrupted => "interrupted".to_owned(),
        };
        format!("{name} {port} {outcome}")
    };
    walker.targets().iter().map(line).collect()
}

fn page_of(entries: &[String]) -> Page {
    let entries = entries.iter().map(|text| {
        let mut words = text.split(' ');
        let kind = words.next().unwrap();
        let (subtype, nqn) = match kind {
            "dc" => (Subtype::Referral, Nqn::DISCOVERY.to_owned()),
            "self" => (Subtype::Current, Nqn::DISCOVERY.to_owned()),
            _ => {
                let name = words.next().unwrap();
                (Subtype::Nvm, format!("nqn.2014-08.org.example:{name}"))
            }
        };
        LogEntry {
            trtype: Trtype::Tcp,
            adrfam: 1,
            subtype,
            treq: 0,
            portid: 1,
            cntlid: 0xffff,
            asqsz: 32,
            // `self` says that it can stay
            eflags: if kind == "self" { 2 } else { 0 },
            trsvcid: words.next().unwrap_or("4420").to_owned(),
            subnqn: nqn,
            traddr: "192.0.2.1".to_owned(),
            tsas: [0; 256],
        }
    });
    let log = DiscoveryLog {
        genctr: 1,
        entries: entries.collect(),
        ignored: Vec::new(),
    };
    Page {
        log,
        bytes: Vec::new(),
    }
}
