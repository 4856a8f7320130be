//! The controllers that the kernel has, as far as the core was told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use nvmf_types::{
    ControllerClass, DeviceName, FcName, HostIdentity, LiveController, Nqn, Owner, Traddr,
    Transport, TransportId,
};

use crate::key::Key;
use crate::timers::Timestamp;
use crate::units::Unit;

/// A registry entry comes a moment after its controller, and a sighting may be older than other
/// news: after so many milliseconds there is a second look.
pub(crate) const SIGHTING_LAG_MS: u64 = 2_000;

/// One controller, from its making to its end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Incarnation {
    pub(crate) device: DeviceName,
    pub(crate) sysfs_ino: u64,
}

/// What is known of one controller.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) live: LiveController,
    pub(crate) since: Timestamp,
    /// When the connector or the registry last said something of it: what was read before is older.
    pub(crate) heard: Option<Timestamp>,
    /// It was there, unowned, when the core started: it may be claimed.
    pub(crate) claimable: bool,
    /// A claim is under way.
    pub(crate) claiming: bool,
    /// It was read meanwhile: nobody knows whether before or after the claim was granted.
    pub(crate) read_meanwhile: bool,
    /// The connections that it is.
    pub(crate) bound: BTreeSet<Key>,
    pub(crate) unit: Unit,
}

/// All controllers, found by name and by what they may be. Lookups cost the logarithm of their
/// number, and the number of controllers at one address with one name.
#[derive(Debug, Default)]
pub(crate) struct Live {
    known: BTreeMap<DeviceName, Known>,
    by_spot: BTreeMap<Spot, BTreeSet<DeviceName>>,
    /// Those of which something may be other than the status last said.
    pub(crate) touched: BTreeSet<DeviceName>,
}

/// Where a connection leads: a first, cheap sieve before [`TransportId::is_satisfied_by`]. No
/// name: any discovery controller.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot(Transport, Place, Option<Nqn>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Unknown,
    Ip(IpAddr),
    Fc(FcName),
}

impl Spot {
    /// Where a desired connection of `class` leads.
    pub(crate) fn wanted(tid: &TransportId, class: ControllerClass) -> Self {
        let any = class == ControllerClass::Discovery && tid.nqn.is_discovery();
        Self::new(tid, (!any).then(|| tid.nqn.clone()))
    }

    /// All spots whose connections a live controller may be.
    pub(crate) fn of(live: &LiveController) -> Vec<Self> {
        let mut spots = vec![Self::new(&live.tid, Some(live.tid.nqn.clone()))];
        if live.class == Some(ControllerClass::Discovery) || live.tid.nqn.is_discovery() {
            spots.push(Self::new(&live.tid, None));
        }
        spots
    }

    fn new(tid: &TransportId, nqn: Option<Nqn>) -> Self {
        let place = match &tid.traddr {
            Some(Traddr::Ip { addr, .. }) => Place::Ip(*addr),
            Some(Traddr::Fc(name)) => Place::Fc(*name),
            Some(Traddr::Text(_)) | None => Place::Unknown,
        };
        Self(tid.transport, place, nqn)
    }
}

impl Known {
    pub(crate) fn incarnation(&self) -> Incarnation {
        Incarnation {
            device: self.live.device.clone(),
            sysfs_ino: self.live.sysfs_ino,
        }
    }
}

impl Live {
    /// The controller of that name.
    pub(crate) fn get(&self, device: &DeviceName) -> Option<&Known> {
        self.known.get(device)
    }

    /// The controller of that name, to change anything but its `live`.
    pub(crate) fn get_mut(&mut self, device: &DeviceName) -> Option<&mut Known> {
        let known = self.known.get_mut(device)?;
        self.touched.insert(device.clone());
        Some(known)
    }

    /// Exactly that controller.
    pub(crate) fn exact(&self, at: &Incarnation) -> Option<&Known> {
        let known = self.known.get(&at.device);
        known.filter(|known| known.live.sysfs_ino == at.sysfs_ino)
    }

    /// Exactly that controller, to change anything but its `live`.
    pub(crate) fn exact_mut(&mut self, at: &Incarnation) -> Option<&mut Known> {
        let known = self.get_mut(&at.device);
        known.filter(|known| known.live.sysfs_ino == at.sysfs_ino)
    }

    /// All controllers, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Known> {
        self.known.values()
    }

    /// Takes in what is there now. A former incarnation must have been removed.
    pub(crate) fn put(&mut self, live: LiveController, now: Timestamp) {
        let device = live.device.clone();
        self.touched.insert(device.clone());
        let known = self.known.get(&device).map(|known| &known.live);
        let listed = known.is_some_and(|it| it.tid == live.tid && it.class == live.class);
        if !listed {
            self.unlist(&device);
            for spot in Spot::of(&live) {
                self.by_spot.entry(spot).or_default().insert(device.clone());
            }
        }
        if let Some(known) = self.known.get_mut(&device) {
            known.live = live;
            known.read_meanwhile = known.claiming;
        } else {
            let known = Known {
                live,
                since: now,
                heard: None,
                claimable: false,
                claiming: false,
                read_meanwhile: false,
                bound: BTreeSet::new(),
                unit: Unit::None,
            };
            self.known.insert(device, known);
        }
    }

    /// Forgets a controller.
    pub(crate) fn remove(&mut self, device: &DeviceName) -> Option<Known> {
        self.touched.insert(device.clone());
        self.unlist(device);
        self.known.remove(device)
    }

    /// Notes that this controller became ours.
    pub(crate) fn grant(&mut self, at: &Incarnation, owner: &Owner, now: Timestamp) {
        if let Some(known) = self.exact_mut(at) {
            known.live.owner = Some(owner.clone());
            known.heard = Some(now);
        }
    }

    /// The controllers that satisfy a desired connection of `class`.
    pub(crate) fn satisfying<'a>(
        &'a self,
        tid: &'a TransportId,
        class: ControllerClass,
        identity: &'a HostIdentity,
    ) -> impl Iterator<Item = &'a Known> {
        let spot = Spot::wanted(tid, class);
        let devices = self.by_spot.get(&spot).into_iter().flatten();
        devices
            .filter_map(|device| self.known.get(device))
            .filter(move |known| tid.is_satisfied_by(class, &known.live, identity))
    }

    /// How many controllers are known.
    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    fn unlist(&mut self, device: &DeviceName) {
        let Some(known) = self.known.get(device) else {
            return;
        };
        for spot in Spot::of(&known.live) {
            if let Some(devices) = self.by_spot.get_mut(&spot) {
                devices.remove(device);
                if devices.is_empty() {
                    self.by_spot.remove(&spot);
                }
            }
        }
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.device.fmt(f)
    }
}
