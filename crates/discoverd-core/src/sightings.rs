//! Controllers come, change and go.

use std::collections::BTreeSet;

use nvmf_types::{ControllerState, DeviceName, LiveController};

use crate::Timestamp;
use crate::core::{Core, Phase};
use crate::key::Key;
use crate::live::SIGHTING_LAG_MS;
use crate::timers::Timer;

impl Core {
    /// Takes in a full listing, and decides when all of it is known.
    pub(crate) fn listed(
        &mut self,
        controllers: Vec<LiveController>,
        began: Timestamp,
        now: Timestamp,
    ) {
        self.unsure.retain(|_, since| *since >= began);
        let first = matches!(self.phase, Phase::Starting { listed: false, .. });
        // not `append`: it builds the whole set anew
        let mut concerned = BTreeSet::new();
        let known = self.live.iter().map(|known| known.live.device.clone());
        let mut missing: BTreeSet<DeviceName> = known.collect();
        let mut there = Vec::new();
        for live in controllers {
            let device = live.device.clone();
            missing.remove(&device);
            concerned.extend(self.take_in(live, began, now));
            if let Some(known) = self.live.get_mut(&device).filter(|_| first) {
                known.claimable = known.live.owner.is_none();
            }
            there.push(device);
        }
        for device in missing {
            concerned.extend(self.take_out(&device, began, now));
        }
        self.decide_all(concerned, now);
        for device in there {
            self.start_unit(&device);
        }
        if let Phase::Starting { listed, .. } = &mut self.phase {
            *listed = true;
            self.begin(now);
        } else {
            // events that were missed may have been about log pages, or Fibre Channel
            self.outbox.kick_fc();
            let dcs: Vec<Key> = self.desired.discovery_controllers().cloned().collect();
            for dc in dcs {
                self.fetch(&dc);
            }
        }
    }

    /// Takes in what sysfs says of one controller, read from `began` on.
    pub(crate) fn sighted(&mut self, live: LiveController, began: Timestamp, now: Timestamp) {
        let device = live.device.clone();
        let concerned = self.take_in(live, began, now);
        self.decide_all(concerned, now);
        self.start_unit(&device);
    }

    /// There was no controller of that name at `began`.
    pub(crate) fn missed(&mut self, device: &DeviceName, began: Timestamp, now: Timestamp) {
        let concerned = self.take_out(device, began, now);
        self.decide_all(concerned, now);
    }

    /// Notes what is there; gives the connections that it may concern. What was heard since
    /// `began` from the connector or the registry is newer: then it is looked at again.
    fn take_in(
        &mut self,
        mut live: LiveController,
        began: Timestamp,
        now: Timestamp,
    ) -> BTreeSet<Key> {
        let device = live.device.clone();
        let known = self.live.get(&device);
        let overtaken = known.is_some_and(|known| known.heard.is_some_and(|heard| heard >= began));
        let mut concerned = BTreeSet::new();
        if known.is_some_and(|known| known.live.sysfs_ino != live.sysfs_ino) {
            if overtaken {
                self.look_later(&device, now);
                return concerned;
            }
            concerned = self.remove(&device);
        } else if let Some(known) = known.filter(|_| overtaken) {
            // what has just been connected is not lost because it was not ready before
            let ready = known.live.state == ControllerState::Live;
            let unready = live.state != ControllerState::Live;
            let later = ready && unready && known.heard > Some(began);
            if later || live.owner != known.live.owner {
                live.owner.clone_from(&known.live.owner);
                if later {
                    live.state = known.live.state;
                }
                self.look_later(&device, now);
            }
        }
        if self.live.get(&device).is_some() {
            concerned.append(&mut self.concerned(&device));
            live = self.completed(live, now);
        }
        concerned.append(&mut self.connections.leading_to(&live));
        self.live.put(live, now);
        concerned
    }

    /// What is known of a controller, where a new look at it says less.
    fn completed(&mut self, mut live: LiveController, now: Timestamp) -> LiveController {
        let Some(known) = self.live.get(&live.device) else {
            return live;
        };
        let was_in_the_making = known.claimable && known.live.class.is_none();
        if was_in_the_making && live.class.is_some() && live.owner.is_none() {
            // its maker's registry entry comes a moment after it
            let later = now.after_ms(SIGHTING_LAG_MS);
            self.timers
                .set_once(Timer::Claim(live.device.clone()), later);
        }
        // the kernel leaves it out while it is connecting
        live.src_addr = live.src_addr.or(known.live.src_addr);
        if live.class.is_none() && known.live.class.is_some() {
            // read before the controller was ready, and overtaken
            let owner = live.owner.take();
            live = known.live.clone();
            live.owner = owner;
        }
        live
    }

    /// Notes that nothing was there at `began`; gives the connections that it may concern.
    fn take_out(&mut self, device: &DeviceName, began: Timestamp, now: Timestamp) -> BTreeSet<Key> {
        let heard = self.live.get(device).and_then(|known| known.heard);
        if heard.is_some_and(|heard| heard >= began) {
            self.look_later(device, now);
            return BTreeSet::new();
        }
        self.remove(device)
    }

    /// The controller of that name is gone.
    fn remove(&mut self, device: &DeviceName) -> BTreeSet<Key> {
        let concerned = self.concerned(device);
        if let Some(known) = self.live.remove(device) {
            self.timers.clear(&Timer::Claim(device.clone()));
            self.timers.clear(&Timer::Look(device.clone()));
            self.stop_unit(&known.incarnation(), &known.unit);
        }
        concerned
    }

    /// Decides about all connections that a controller may be.
    pub(crate) fn decide_all_of(&mut self, device: &DeviceName, now: Timestamp) {
        let concerned = self.concerned(device);
        self.decide_all(concerned, now);
    }

    /// The connections that a controller is or may be.
    fn concerned(&self, device: &DeviceName) -> BTreeSet<Key> {
        let Some(known) = self.live.get(device) else {
            return BTreeSet::new();
        };
        let mut keys = self.connections.leading_to(&known.live);
        keys.extend(known.bound.iter().cloned());
        keys
    }

    fn decide_all(&mut self, keys: BTreeSet<Key>, now: Timestamp) {
        for key in keys {
            self.decide(&key, now);
        }
    }

    pub(crate) fn look_later(&mut self, device: &DeviceName, now: Timestamp) {
        let later = now.after_ms(SIGHTING_LAG_MS);
        let timer = Timer::Look(device.clone());
        self.timers.set_once(timer, later);
    }
}
