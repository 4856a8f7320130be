//! Whatever happens, in whatever order: what must never be, and what must be in the end.

use std::collections::{BTreeMap, BTreeSet};

use discoverd_core::{
    ActionId, ActionKind, ClaimOutcome, ConnectOutcome, Core, Event, FailureKind, Settings, State,
    Timestamp, UnitOutcome,
};
use nvmf_types::exclusion::ExclusionSet;
use nvmf_types::{ControllerState, DeviceName, HostIdentity, LiveController, Origin};
use proptest::prelude::*;

use crate::picture::Picture;
use crate::steps::{NAMES, OWNERS, Step, names, step};
use crate::world::{class, config, exclusions, listed, live, log, name, no_boot_tables, tid};

/// The world, and what was seen of the core.
struct Run {
    core: Core,
    now: u64,
    truth: BTreeMap<String, LiveController>,
    next_ino: u64,
    started: bool,
    excluded: ExclusionSet,
    /// Incarnations that the first listing had.
    first: BTreeSet<u64>,
    /// Connections with an attempt whose result was lost.
    lost: BTreeSet<String>,
    units: BTreeSet<u64>,
    refused: BTreeSet<u64>,
    open: Vec<(ActionId, ActionKind)>,
    picture: Picture,
}

impl Run {
    fn new() -> Self {
        Self {
            core: Core::new(Settings::default()),
            now: 0,
            truth: BTreeMap::new(),
            next_ino: 1,
            started: false,
            excluded: ExclusionSet::default(),
            first: BTreeSet::new(),
            lost: BTreeSet::new(),
            units: BTreeSet::new(),
            refused: BTreeSet::new(),
            open: Vec::new(),
            picture: Picture::default(),
        }
    }

    fn start(&mut self, names: &[&str]) {
        self.send(Event::ConfigLoaded(config(names)));
        self.send(no_boot_tables());
        self.exclude(&[]);
        self.first = self.truth.values().map(|live| live.sysfs_ino).collect();
        self.started = true;
        self.list();
    }

    fn send(&mut self, event: Event) {
        self.core.handle(event, Timestamp(self.now));
        self.drain();
    }

    fn drain(&mut self) {
        for _ in 0..1_000 {
            let Some(action) = self.core.poll_action() else {
                return self.picture.check(&self.core, self.now);
            };
            let early = !self.started && action.kind != ActionKind::PublishStatus;
            assert!(!early, "too early: {action:?}");
            self.check(&action.kind);
            match action.kind {
                ActionKind::PublishStatus => self.picture.update(&mut self.core, self.now),
                kind => self.open.push((action.id, kind)),
            }
        }
        panic!("poll_action does not end");
    }

    fn check(&mut self, kind: &ActionKind) {
        match kind {
            ActionKind::Connect(request) => {
                let what = name(&request.tid);
                let twice = self.open.iter().any(|(_, open)| match open {
                    ActionKind::Connect(other) => other.tid == request.tid,
                    _ => false,
                });
                assert!(!twice, "two connects of {what}");
                let excluded = self.excluded.matches(&request.tid, request.class);
                assert!(excluded.is_none(), "{what} is excluded");
                let there = self.truth.values().find(|live| {
                    let identity = HostIdentity::default();
                    request.tid.is_satisfied_by(request.class, live, &identity)
                });
                assert!(there.is_none(), "{what} is there: {there:?}");
                assert!(
                    self.refused.is_empty(),
                    "{what}: the machine is shutting down"
                );
            }
            ActionKind::StartUnit(unit) => {
                assert!(self.units.insert(unit.sysfs_ino), "two units: {unit:?}");
            }
            ActionKind::StopUnit { sysfs_ino, .. } => {
                self.units.remove(sysfs_ino);
                assert!(self.truth.values().all(|live| live.sysfs_ino != *sysfs_ino));
            }
            ActionKind::Claim { sysfs_ino, .. } => {
                let orphan = self
                    .truth
                    .values()
                    .find(|live| live.sysfs_ino == *sysfs_ino)
                    .is_none_or(|live| self.lost.contains(&name(&live.tid)));
                assert!(
                    orphan || self.first.contains(sysfs_ino),
                    "claimed a newcomer"
                );
            }
            ActionKind::Disconnect { sysfs_ino, .. } => {
                assert!(self.refused.contains(sysfs_ino), "disconnected");
            }
            _ => {}
        }
    }

    fn exclude(&mut self, names: &[&str]) {
        self.excluded = exclusions(names);
        self.send(Event::ExclusionsLoaded {
            set: self.excluded.clone(),
            problems: vec![],
        });
    }

    fn list(&mut self) {
        let all = self.truth.values().cloned().collect();
        self.send(listed(all, Timestamp(self.now + 1)));
    }

    /// A new controller under the lowest free number, as the kernel does it.
    fn appear(&mut self, name: &str, owner: &str) -> LiveController {
        let devices = (0..).map(|n| format!("nvme{n}"));
        let mut free = devices.filter(|device| !self.truth.contains_key(device));
        let made = live(name, &free.next().unwrap(), self.next_ino, owner);
        self.next_ino += 1;
        self.truth.insert(made.device.to_string(), made.clone());
        made
    }

    fn sight(&mut self, live: LiveController) {
        let (device, now) = (live.device.clone(), Some(live));
        let began = Timestamp(self.now + 1);
        self.send(Event::Controller { device, now, began });
    }

    fn look(&mut self, device: DeviceName) {
        let now = self.truth.get(device.as_str()).cloned();
        let began = Timestamp(self.now + 1);
        self.send(Event::Controller { device, now, began });
    }

    fn pick(&self, index: usize) -> Option<LiveController> {
        let index = index.checked_rem(self.truth.len())?;
        self.truth.values().nth(index).cloned()
    }

    fn pass(&mut self, ms: u64) {
        let end = self.now + ms;
        while let Some(Timestamp(at)) = self.core.next_deadline().filter(|at| at.0 <= end) {
            self.now = self.now.max(at);
            self.core.tick(Timestamp(self.now));
            self.drain();
        }
        self.now = end;
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Config(names) => self.send(Event::ConfigLoaded(config(&names))),
            Step::BadConfig => self.send(Event::ConfigRejected("bad".to_owned())),
            Step::Exclude(names) => self.exclude(&names),
            Step::Touch => self.send(Event::ExclusionsTouched),
            Step::Appears(name, owner, half) => {
                let mut made = self.appear(name, owner);
                if half {
                    made.class = None;
                    made.state = ControllerState::New;
                    made.owner = None;
                }
                self.sight(made);
            }
            Step::Gone(index) => {
                if let Some(live) = self.pick(index) {
                    self.truth.remove(live.device.as_str());
                    self.look(live.device);
                }
            }
            Step::Owner(index, owner, told) => {
                if let Some(mut live) = self.pick(index) {
                    live.owner = owner.parse().ok();
                    self.truth.insert(live.device.to_string(), live.clone());
                    let device = live.device;
                    if told {
                        self.send(Event::OwnershipChanged { device });
                    }
                }
            }
            Step::Target(index, state) => {
                if let Some(mut live) = self.pick(index) {
                    live.state = state;
                    self.truth.insert(live.device.to_string(), live.clone());
                    self.sight(live);
                }
            }
            Step::List => self.list(),
            Step::Changed(index) => {
                if let Some(live) = self.pick(index) {
                    let device = live.device;
                    self.send(Event::DiscoveryChanged { device });
                }
            }
            Step::Answer(index, how, names) => {
                if let Some(index) = index.checked_rem(self.open.len()) {
                    self.answer(index, how, &names);
                }
            }
            Step::Pass(ms) => self.pass(ms),
        }
    }

    /// `how` from 0 to 99 is a good answer.
    fn answer(&mut self, index: usize, how: u8, names: &[&str]) {
        let (id, kind) = self.open.remove(index);
        match kind {
            ActionKind::Connect(request) => {
                let outcome = self.connect(&name(&request.tid), how);
                self.send(Event::ConnectFinished { id, outcome });
            }
            ActionKind::FetchLog { .. } => {
                let good = how < 100;
                let result = good.then(|| log(names)).ok_or_else(|| "no log".to_owned());
                self.send(Event::LogFetched { id, result });
            }
            ActionKind::Claim {
                device,
                sysfs_ino,
                owner,
            } => {
                let live = self.truth.get_mut(device.as_str());
                let live = live.filter(|live| live.sysfs_ino == sysfs_ino);
                let outcome = match live {
                    None => ClaimOutcome::NoSuchController,
                    _ if how > 220 => ClaimOutcome::Failed("no space".to_owned()),
                    Some(live) => match live.owner.clone() {
                        None => {
                            live.owner = Some(owner);
                            ClaimOutcome::Granted
                        }
                        Some(other) if other == owner => ClaimOutcome::AlreadyMine,
                        Some(other) => ClaimOutcome::OwnedBy(other),
                    },
                };
                self.send(Event::Claimed { id, outcome });
            }
            ActionKind::StartUnit(unit) => {
                let ino = unit.sysfs_ino;
                let result = match how {
                    0..=199 => UnitOutcome::Started,
                    200..=253 => UnitOutcome::Failed("no bus".to_owned()),
                    _ => UnitOutcome::Refused("no".to_owned()),
                };
                match result {
                    UnitOutcome::Failed(_) => {
                        self.units.remove(&ino);
                    }
                    UnitOutcome::Refused(_) if self.truth.values().any(|l| l.sysfs_ino == ino) => {
                        self.refused.insert(ino);
                    }
                    _ => {}
                }
                self.send(Event::UnitStarted { id, result });
            }
            ActionKind::LoadExclusions => {
                let set = self.excluded.clone();
                let problems = vec![];
                self.send(Event::ExclusionsLoaded { set, problems });
            }
            ActionKind::Rescan => self.list(),
            ActionKind::Look { device } => self.look(device),
            _ => {}
        }
    }

    fn connect(&mut self, name: &str, how: u8) -> ConnectOutcome {
        let identity = HostIdentity::default();
        let there = self
            .truth
            .values()
            .find(|live| tid(name).is_satisfied_by(class(name), live, &identity));
        if let Some(live) = there {
            return ConnectOutcome::AlreadyConnected(live.clone());
        }
        let failed = |kind| ConnectOutcome::Failed {
            message: "no luck".to_owned(),
            kind,
        };
        match how {
            0..=99 => {
                let made = self.appear(name, "discoverd");
                let mut early = made.clone();
                early.owner = None;
                match how {
                    0..=39 => self.sight(early),
                    40..=69 => {
                        early.class = None;
                        self.sight(early);
                    }
                    _ => {}
                }
                ConnectOutcome::Connected {
                    device: made.device,
                    sysfs_ino: made.sysfs_ino,
                    cntlid: 1,
                }
            }
            100..=149 => {
                self.lost.remove(name);
                failed(FailureKind::Refused)
            }
            150..=199 => {
                let entry_too = how.is_multiple_of(2);
                self.appear(name, if entry_too { "discoverd" } else { "" });
                self.lost.insert(name.to_owned());
                failed(FailureKind::ConnectorLost)
            }
            _ => ConnectOutcome::Excluded {
                origin: Origin::new("late.conf", 2),
            },
        }
    }

    /// Nothing bad happens any more: then what is desired is connected, and stays so.
    fn quiet(&mut self) {
        self.exclude(&[]);
        for live in self.truth.values_mut() {
            live.state = ControllerState::Live;
        }
        self.list();
        for _ in 0..40 {
            while !self.open.is_empty() {
                self.answer(0, 70, &["io1", "dc2"]);
            }
            self.pass(30_000);
        }
        let status = self.core.status(Timestamp(self.now));
        for connection in &status.connections {
            assert!(!connection.reason.is_empty());
            let live = connection.device.as_ref().map(|device| &self.truth[device]);
            let owner = live.and_then(|live| live.owner.as_ref().map(ToString::to_string));
            let want = match owner.as_deref() {
                Some("discoverd") => State::Connected,
                _ => State::Foreign,
            };
            assert!(live.is_some(), "{connection:#?}");
            assert_eq!(connection.state, want, "{connection:#?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hold(
        names in names(),
        before in proptest::collection::vec(
            (proptest::sample::select(NAMES.to_vec()), proptest::sample::select(OWNERS.to_vec())),
            0..4,
        ),
        steps in proptest::collection::vec(step(), 0..150),
    ) {
        let mut run = Run::new();
        for (name, owner) in before {
            run.appear(name, owner);
        }
        run.start(&names);
        for step in steps {
            run.step(step);
        }
        if run.refused.is_empty() && run.core.status(Timestamp(run.now)).problems.iter().all(|p| !p.contains("shutting")) {
            run.quiet();
        }
        run.send(Event::Stop);
        run.open.clear();
        run.pass(1_000_000);
        prop_assert!(run.open.is_empty());
    }
}
