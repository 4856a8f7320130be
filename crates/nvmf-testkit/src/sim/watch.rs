//! What must hold for every single action, given what the core had been told.

mod announced;
mod check;
mod visits;

use std::collections::{BTreeMap, BTreeSet};

use discoverd_core::{
    ActionId, ClaimOutcome, ConnectOutcome, Event, FailureKind, Timestamp, UnitOutcome,
};
use nvmf_types::exclusion::ExclusionSet;
use nvmf_types::{DeviceName, LiveController, Owner};

use super::damping::Damping;
use super::name::{FC, Name, Names};
pub(super) use announced::ARRIVED_MS;
use announced::Announced;
use visits::Visits;

/// What the core was told, and what it asked for.
#[derive(Debug)]
pub(super) struct Watch {
    us: Owner,
    excluded: ExclusionSet,
    /// What the configuration names, the boot tables name, and Fibre Channel ports announced.
    configured: Names,
    boot_named: Names,
    pub(super) announced: Announced,
    config: bool,
    boot: bool,
    exclusions: bool,
    listed: bool,
    live: BTreeMap<DeviceName, LiveController>,
    /// When the connector or the registry last spoke of a device, and of which incarnation: what was read
    /// before is older, and what was read since counts.
    heard: BTreeMap<DeviceName, (Timestamp, u64)>,
    /// Incarnations that may be claimed: unowned when the daemon started, or released.
    claimable: BTreeSet<u64>,
    /// Connections with an attempt whose result was lost.
    lost: Names,
    connects: BTreeMap<ActionId, Name>,
    /// Those of them that are made for the boot tables.
    for_boot: BTreeSet<ActionId>,
    claims: BTreeMap<ActionId, (DeviceName, u64)>,
    units: BTreeMap<ActionId, u64>,
    /// Incarnations whose units systemd refused.
    refused: BTreeSet<u64>,
    /// Connections that hung the kernel, and answered nothing since.
    suspect: Names,
    /// Those of them that were desired ever since: what is not is forgotten.
    surely_suspect: Names,
    damping: Damping,
    pub(super) visits: Visits,
    /// How many connects, claims and units were asked for.
    pub(super) asked: u64,
    /// The rank of the last connect of this batch: what is more urgent comes first.
    last: u8,
}

impl Watch {
    pub(super) fn new(us: Owner) -> Self {
        Self {
            us,
            excluded: ExclusionSet::default(),
            configured: Names::default(),
            boot_named: Names::default(),
            announced: Announced::default(),
            config: false,
            boot: false,
            exclusions: false,
            listed: false,
            live: BTreeMap::new(),
            heard: BTreeMap::new(),
            claimable: BTreeSet::new(),
            lost: Names::default(),
            connects: BTreeMap::new(),
            for_boot: BTreeSet::new(),
            claims: BTreeMap::new(),
            units: BTreeMap::new(),
            refused: BTreeSet::new(),
            suspect: Names::default(),
            surely_suspect: Names::default(),
            damping: Damping::default(),
            visits: Visits::default(),
            asked: 0,
            last: 0,
        }
    }

    /// Notes what the core is about to hear.
    pub(super) fn told(&mut self, event: &Event, now: Timestamp) {
        self.sources_told(event, now);
        self.loosen(event);
        self.visits.told(event);
        match event {
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
                let newer =
                    |device: &DeviceName| heard.get(device).is_none_or(|(at, _)| at < began);
                self.live.retain(|device, _| !newer(device));
                let seen = all.iter().filter(|live| newer(&live.device));
                self.live
                    .extend(seen.map(|live| (live.device.clone(), live.clone())));
                self.heard.retain(|_, (at, _)| *at >= *began);
            }
            Event::Controller { device, began, .. }
                if self.heard.get(device).is_some_and(|(at, _)| at >= began) => {}
            Event::Controller { device, now, .. } => {
                if let Some(name) = now.as_ref().and_then(|live| Name::find(&live.tid)) {
                    self.surely_suspect = self.surely_suspect.without(name);
                }
                self.heard.remove(device);
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
                self.heard
                    .extend(claimed.map(|(device, ino)| (device, (now, ino))));
            }
            Event::UnitStarted { id, result } => {
                let ino = self.units.remove(id);
                if let (Some(ino), UnitOutcome::Refused(_)) = (ino, result) {
                    self.refused.insert(ino);
                }
            }
            _ => {}
        }
        let live = &self.live;
        let is_there = |ino| live.values().any(|live| live.sysfs_ino == ino);
        for name in self.damping.gone(is_there, now).iter() {
            self.attempt_failed(name, now);
        }
    }

    /// Notes what is desired by the sources themselves.
    fn sources_told(&mut self, event: &Event, now: Timestamp) {
        let sources = matches!(
            event,
            Event::ConfigLoaded(_)
                | Event::BootTablesLoaded { .. }
                | Event::ServicesFound(_)
                | Event::FcAnnounced { .. }
                | Event::LogFetched { result: Ok(_), .. }
        );
        if sources {
            self.surely_suspect = Names::default();
        }
        match event {
            Event::ConfigLoaded(config) => {
                self.config = true;
                let all = config.connections.iter();
                self.configured = Names::of(all.filter_map(|c| Name::find(&c.tid)));
            }
            Event::ConfigRejected(_) => self.config = true,
            Event::BootTablesLoaded { connections, .. } => {
                self.boot = true;
                let all = connections.iter();
                self.boot_named = Names::of(all.filter_map(|c| Name::find(&c.tid)));
            }
            Event::FcAnnounced {
                host_traddr,
                traddr,
            } => {
                let ports = Some((*host_traddr, *traddr));
                let name = FC.iter().find(|name| name.ports() == ports);
                name.into_iter()
                    .for_each(|name| self.announced.heard(name, now));
            }
            Event::FcKicked { began } => self.announced.kicked(*began, now),
            _ => {}
        }
    }

    /// Forgets failures that the event may be a reason to forget.
    fn loosen(&mut self, event: &Event) {
        match event {
            Event::Controller {
                now: Some(live), ..
            } => self.seen(live),
            Event::Listed { controllers, .. } => controllers.iter().for_each(|l| self.seen(l)),
            Event::NetworkChanged => self.damping.network(),
            Event::LogFetched {
                result: Ok(log), ..
            } => {
                let named = |name: Name| {
                    let tid = name.wanted();
                    let mut entries = log.entries.iter();
                    entries.any(|entry| {
                        entry.subnqn == tid.nqn.as_str()
                            && tid
                                .field("traddr")
                                .is_some_and(|traddr| traddr == entry.traddr)
                    })
                };
                let kept = self.configured.plus(self.boot_named);
                for name in Names::all().iter() {
                    match (named(name), kept.has(name)) {
                        (true, _) => self.damping.hurry(name),
                        (false, true) => {}
                        (false, false) => self.damping.forget(name),
                    }
                }
            }
            Event::FcAnnounced {
                host_traddr,
                traddr,
            } => {
                let ports = Some((*host_traddr, *traddr));
                let name = FC.iter().find(|name| name.ports() == ports);
                name.into_iter().for_each(|name| self.damping.forget(name));
            }
            Event::ExclusionsLoaded { .. } => {
                for name in Names::all().iter() {
                    if self.excludes(name) {
                        self.damping.forget(name);
                    }
                }
            }
            Event::ExclusionsTouched
            | Event::Controller { .. }
            | Event::DiscoveryChanged { .. }
            | Event::OwnershipChanged { .. }
            | Event::ConnectFinished { .. }
            | Event::LogFetched { .. }
            | Event::UnitStarted { .. }
            | Event::SettingsLoaded(_) => {}
            _ => self.damping.forget_all(),
        }
    }

    /// Somebody else's controller is reason to connect as soon as it is gone.
    fn seen(&mut self, live: &LiveController) {
        let Some(name) = Name::find(&live.tid) else {
            return;
        };
        // while it is being connected, what is seen does not count
        let being_connected = self.connects.values().any(|other| *other == name);
        if live.owner.as_ref() != Some(&self.us) && !being_connected {
            self.damping.forget(name);
        }
    }

    fn excludes(&self, name: Name) -> bool {
        self.excluded
            .matches(&name.wanted(), name.class())
            .is_some()
    }

    fn connect_finished(&mut self, id: ActionId, outcome: &ConnectOutcome, now: Timestamp) {
        let Some(name) = self.connects.remove(&id) else {
            return;
        };
        // what a table names no more is not ours
        let for_boot = self.for_boot.remove(&id);
        match outcome {
            ConnectOutcome::Failed {
                kind: FailureKind::Hung,
                ..
            } => {
                self.suspect = self.suspect.with(name);
                // what is connected all the same, as from an attempt before this one, is not
                if self.incarnations(name).next().is_none() {
                    self.surely_suspect = self.surely_suspect.with(name);
                }
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
            } => {
                self.attempt_failed(name, now);
                self.lost = self.lost.with(name);
            }
            ConnectOutcome::AlreadyConnected(live) => {
                self.damping.forget(name);
                let told = self.heard.get(&live.device).copied();
                if self.can_tell(&live.device, live.sysfs_ino) {
                    self.live.insert(live.device.clone(), live.clone());
                    // told of two of one name, the core cannot tell, and any look is newer
                    if told.is_none_or(|(_, ino)| ino == live.sysfs_ino) {
                        let heard = (now, live.sysfs_ino);
                        self.heard.insert(live.device.clone(), heard);
                    }
                }
            }
            ConnectOutcome::Connected {
                device, sysfs_ino, ..
            } => {
                self.lost = self.lost.without(name);
                if self.can_tell(device, *sysfs_ino) {
                    self.heard.insert(device.clone(), (now, *sysfs_ino));
                }
                // when another one vanishes that was it, too, nothing has to be waited for
                if !for_boot && self.incarnations(name).eq([*sysfs_ino]) {
                    self.damping.bound(name, *sysfs_ino, now);
                } else {
                    self.damping.forget(name);
                }
            }
            ConnectOutcome::Excluded { .. } => {
                self.lost = self.lost.without(name);
                self.damping.forget(name);
            }
            ConnectOutcome::Failed { .. } => {
                self.lost = self.lost.without(name);
                self.attempt_failed(name, now);
            }
        }
    }

    fn attempt_failed(&mut self, name: Name, now: Timestamp) {
        let kept = self.configured.plus(self.boot_named);
        if !kept.has(name) || self.excludes(name) {
            // it may be given up, or not desired any more, and then starts over
            self.damping.forget(name);
        } else {
            self.damping.failed(name, now);
        }
    }

    /// The controllers that are this connection.
    fn incarnations(&self, name: Name) -> impl Iterator<Item = u64> {
        let all = self.live.values();
        let of_it = all.filter(move |live| Name::find(&live.tid) == Some(name));
        of_it.map(|live| live.sysfs_ino)
    }

    /// Whether what the connector says of a controller is news. If the core knows another one of
    /// that name, it cannot tell which of the two came later.
    fn can_tell(&self, device: &DeviceName, ino: u64) -> bool {
        let known = self.live.get(device);
        known.is_none_or(|known| known.sysfs_ino == ino)
    }
}
