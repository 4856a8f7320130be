//! What must hold for every single action, given what the core had been told.

use std::collections::{BTreeMap, BTreeSet};

use discoverd_core::{
    Action, ActionId, ActionKind, ClaimOutcome, ConnectOutcome, Event, FailureKind, Timestamp,
    UnitOutcome,
};
use nvmf_types::exclusion::ExclusionSet;
use nvmf_types::{DeviceName, LiveController, Owner};

use super::name::{self, Name, Names};

/// What the core was told, and what it asked for.
#[derive(Debug)]
pub(super) struct Watch {
    us: Owner,
    excluded: ExclusionSet,
    config: bool,
    exclusions: bool,
    listed: bool,
    live: BTreeMap<DeviceName, LiveController>,
    /// When the connector last spoke of a device: what was read before is older.
    heard: BTreeMap<DeviceName, Timestamp>,
    /// Incarnations that may be claimed: unowned when the daemon started, or released.
    claimable: BTreeSet<u64>,
    /// Connections with an attempt whose result was lost.
    lost: Names,
    connects: BTreeMap<ActionId, Name>,
    claims: BTreeMap<ActionId, (DeviceName, u64)>,
    units: BTreeMap<ActionId, u64>,
    /// Incarnations whose units systemd refused.
    refused: BTreeSet<u64>,
    /// Connections that hung the kernel, and answered nothing since.
    suspect: Names,
    /// Those of them that were desired ever since: what is not is forgotten.
    surely_suspect: Names,
    /// The rank of the last connect of this batch: what is more urgent comes first.
    last: u8,
}

impl Watch {
    pub(super) fn new(us: Owner) -> Self {
        Self {
            us,
            excluded: ExclusionSet::default(),
            config: false,
            exclusions: false,
            listed: false,
            live: BTreeMap::new(),
            heard: BTreeMap::new(),
            claimable: BTreeSet::new(),
            lost: Names::default(),
            connects: BTreeMap::new(),
            claims: BTreeMap::new(),
            units: BTreeMap::new(),
            refused: BTreeSet::new(),
            suspect: Names::default(),
            surely_suspect: Names::default(),
            last: 0,
        }
    }

    /// Notes what the core is about to hear.
    pub(super) fn told(&mut self, event: &Event, now: Timestamp) {
        let sources = matches!(
            event,
            Event::ConfigLoaded(_)
                | Event::BootTablesLoaded { .. }
                | Event::ServicesFound(_)
                | Event::LogFetched { result: Ok(_), .. }
        );
        if sources {
            self.surely_suspect = Names::default();
        }
        match event {
            Event::ConfigLoaded(_) | Event::ConfigRejected(_) => self.config = true,
            Event::ExclusionsLoaded { set, .. } => {
                self.excluded = set.clone();
                self.exclusions = true;
            }
            Event::Listed {
                controllers: all,
                began,
            } => {
                if !std::mem::replace(&mut self.listed, true) {
                    let unowned = all.iter().filter(|live| live.owner.is_none());
                    self.claimable.extend(unowned.map(|live| live.sysfs_ino));
                }
                for name in all.iter().filter_map(|live| Name::find(&live.tid)) {
                    self.surely_suspect = self.surely_suspect.without(name);
                }
                let heard = &self.heard;
                let newer = |device: &DeviceName| heard.get(device).is_none_or(|at| at < began);
                self.live.retain(|device, _| !newer(device));
                let seen = all.iter().filter(|live| newer(&live.device));
                self.live
                    .extend(seen.map(|live| (live.device.clone(), live.clone())));
            }
            Event::Controller { device, began, .. }
                if self.heard.get(device).is_some_and(|at| at >= began) => {}
            Event::Controller { device, now, .. } => {
                if let Some(name) = now.as_ref().and_then(|live| Name::find(&live.tid)) {
                    self.surely_suspect = self.surely_suspect.without(name);
                }
                match now {
                    Some(live) => self.live.insert(device.clone(), live.clone()),
                    None => self.live.remove(device),
                };
            }
            Event::ConnectFinished { id, outcome } => self.connect_finished(*id, outcome, now),
            Event::Claimed { id, outcome } => {
                let claimed = self.claims.remove(id);
                let there = !matches!(
                    outcome,
                    ClaimOutcome::NoSuchController | ClaimOutcome::Failed(_)
                );
                let claimed = claimed.filter(|(device, ino)| {
                    let known = self.live.get(device);
                    there && known.is_some_and(|known| known.sysfs_ino == *ino)
                });
                self.heard.extend(claimed.map(|(device, _)| (device, now)));
            }
            Event::UnitStarted { id, result } => {
                let ino = self.units.remove(id);
                if let (Some(ino), UnitOutcome::Refused(_)) = (ino, result) {
                    self.refused.insert(ino);
                }
            }
            _ => {}
        }
    }

    fn connect_finished(&mut self, id: ActionId, outcome: &ConnectOutcome, now: Timestamp) {
        let Some(name) = self.connects.remove(&id) else {
            return;
        };
        match outcome {
            ConnectOutcome::Failed {
                kind: FailureKind::Hung,
                ..
            } => {
                self.suspect = self.suspect.with(name);
                self.surely_suspect = self.surely_suspect.with(name);
            }
            ConnectOutcome::Failed {
                kind: FailureKind::Rejected,
                ..
            }
            | ConnectOutcome::Connected { .. }
            | ConnectOutcome::AlreadyConnected(_) => {
                self.suspect = self.suspect.without(name);
                self.surely_suspect = self.surely_suspect.without(name);
            }
            _ => {}
        }
        match outcome {
            ConnectOutcome::Failed {
                kind: FailureKind::ConnectorLost | FailureKind::Unregistered,
                ..
            } => self.lost = self.lost.with(name),
            ConnectOutcome::AlreadyConnected(live) => {
                if self.can_tell(&live.device, live.sysfs_ino) {
                    self.live.insert(live.device.clone(), live.clone());
                    self.heard.insert(live.device.clone(), now);
                }
            }
            ConnectOutcome::Connected {
                device, sysfs_ino, ..
            } => {
                self.lost = self.lost.without(name);
                if self.can_tell(device, *sysfs_ino) {
                    self.heard.insert(device.clone(), now);
                }
            }
            _ => self.lost = self.lost.without(name),
        }
    }

    /// Whether what the connector says of a controller is news. If the core knows another one of
    /// that name, it cannot tell which of the two came later.
    fn can_tell(&self, device: &DeviceName, ino: u64) -> bool {
        let known = self.live.get(device);
        known.is_none_or(|known| known.sysfs_ino == ino)
    }

    /// A new round of actions begins.
    pub(super) const fn begin_batch(&mut self) {
        self.last = 0;
    }

    /// Checks one action.
    pub(super) fn check(&mut self, action: &Action) -> Result<(), String> {
        let ready = self.config && self.exclusions && self.listed;
        let harmless = matches!(
            action.kind,
            ActionKind::PublishStatus
                | ActionKind::Rescan
                | ActionKind::Look { .. }
                | ActionKind::LoadExclusions
        );
        if !ready && !harmless {
            return Err(format!("decided before everything was known: {action:?}"));
        }
        match &action.kind {
            ActionKind::Connect(request) => {
                let name = Name::find(&request.tid).ok_or("a connect to nowhere")?;
                self.check_rank(name, request.deep_probe)?;
                self.check_connect(action.id, name)
            }
            ActionKind::Claim {
                device, sysfs_ino, ..
            } => {
                self.claims.insert(action.id, (device.clone(), *sysfs_ino));
                self.check_claim(device, *sysfs_ino)
            }
            ActionKind::StartUnit(spec) => self.check_unit(action.id, &spec.device, spec.sysfs_ino),
            ActionKind::StopUnit { sysfs_ino, .. } => {
                self.units.retain(|_, ino| ino != sysfs_ino);
                Ok(())
            }
            ActionKind::Disconnect {
                device, sysfs_ino, ..
            } if !self.refused.contains(sysfs_ino) => {
                Err(format!("disconnects {device}, which nobody asked for"))
            }
            _ => Ok(()),
        }
    }

    fn check_connect(&mut self, id: ActionId, name: Name) -> Result<(), String> {
        let mut tid = name.wanted();
        if self.excluded.matches(&tid, name.class()).is_some() {
            return Err(format!("connects {name}, which is excluded"));
        }
        if self.connects.values().any(|other| *other == name) {
            return Err(format!("connects {name}, which is being connected"));
        }
        let host = name::host();
        (tid.hostnqn, tid.hostid) = (host.hostnqn.clone(), host.hostid);
        let there = self
            .live
            .values()
            .find(|live| tid.is_satisfied_by(name.class(), live, &host));
        if let Some(live) = there {
            return Err(format!(
                "connects {name}, which is there as {}",
                live.device
            ));
        }
        if !self.refused.is_empty() {
            return Err(format!(
                "connects {name} while the machine is shutting down"
            ));
        }
        self.connects.insert(id, name);
        Ok(())
    }

    fn check_rank(&mut self, name: Name, deep_probe: bool) -> Result<(), String> {
        let wrong = if deep_probe {
            !self.suspect.has(name)
        } else {
            self.surely_suspect.has(name)
        };
        if wrong {
            return Err(format!("probes {name} as if it had never hung, or had"));
        }
        let rank = match (deep_probe, name.is_discovery()) {
            (true, _) => 3,
            (false, true) => 1,
            (false, false) => 2,
        };
        if rank < std::mem::replace(&mut self.last, rank) {
            return Err(format!("connects {name} after what is less urgent"));
        }
        Ok(())
    }

    fn check_claim(&self, device: &DeviceName, ino: u64) -> Result<(), String> {
        let live = self.live.get(device).filter(|live| live.sysfs_ino == ino);
        let Some(live) = live else { return Ok(()) };
        if live.owner.as_ref().is_some_and(|owner| *owner != self.us) {
            return Err(format!("steals {device}"));
        }
        let orphan = Name::find(&live.tid).is_some_and(|name| self.lost.has(name));
        if orphan || self.claimable.contains(&ino) {
            Ok(())
        } else {
            Err(format!("claims {device}, which somebody connected by hand"))
        }
    }

    fn check_unit(&mut self, id: ActionId, device: &DeviceName, ino: u64) -> Result<(), String> {
        if self.units.values().any(|other| *other == ino) {
            return Err(format!("starts the unit of {device} twice"));
        }
        self.units.insert(id, ino);
        Ok(())
    }
}
