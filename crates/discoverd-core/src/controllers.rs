//! Controllers come, change and go; connects and claims end.

use std::collections::BTreeSet;

use nvmf_types::{ControllerState, DeviceName, LiveController};

use crate::connection::Life;
use crate::core::{Core, Flight, Phase};
use crate::key::Key;
use crate::live::{Incarnation, SIGHTING_LAG_MS};
use crate::timers::Timer;
use crate::{ActionId, ClaimOutcome, ConnectOutcome, FailureKind, Timestamp};

/// When the registry could not be written, claiming is tried again after so many milliseconds.
const CLAIM_RETRY_MS: u64 = 10_000;

impl Core {
    /// Takes in a full listing.
    pub(crate) fn listed(&mut self, controllers: Vec<LiveController>, now: Timestamp) {
        self.unsure.clear();
        let first = matches!(self.phase, Phase::Starting { listed: false, .. });
        let mut missing: BTreeSet<DeviceName> =
            self.live.iter().map(|k| k.live.device.clone()).collect();
        for live in controllers {
            let device = live.device.clone();
            missing.remove(&device);
            self.sighted(live, now);
            if let Some(known) = self.live.get_mut(&device).filter(|_| first) {
                known.claimable = known.live.owner.is_none();
            }
        }
        for device in missing {
            let ino = self.live.get(&device).map(|known| known.live.sysfs_ino);
            if ino.is_some_and(|ino| self.live.granted_lately(&device, ino, now)) {
                self.look_later(now);
            } else {
                self.gone(&device, now);
            }
        }
        if let Phase::Starting { listed, .. } = &mut self.phase {
            *listed = true;
            self.begin(now);
        } else {
            // events that were missed may have been about log pages
            let dcs: Vec<Key> = self.desired.discovery_controllers().cloned().collect();
            for dc in dcs {
                self.fetch(&dc);
            }
        }
    }

    /// Takes in what sysfs says of one controller.
    pub(crate) fn sighted(&mut self, mut live: LiveController, now: Timestamp) {
        let device = live.device.clone();
        let other = |ino| ino != live.sysfs_ino;
        if self
            .live
            .get(&device)
            .is_some_and(|known| other(known.live.sysfs_ino))
        {
            self.gone(&device, now);
        }
        if live.owner.is_none() && self.live.granted_lately(&device, live.sysfs_ino, now) {
            live.owner = Some(self.settings.owner.clone());
            self.look_later(now);
        }
        let mut keys = BTreeSet::new();
        if let Some(known) = self.live.get(&device) {
            let was_in_the_making = known.claimable && known.live.class.is_none();
            if was_in_the_making && live.class.is_some() && live.owner.is_none() {
                // its maker's registry entry comes a moment after it
                let later = now.after_ms(SIGHTING_LAG_MS);
                self.timers.set_once(Timer::Claim(device.clone()), later);
            }
            // the kernel leaves it out while it is connecting
            live.src_addr = live.src_addr.or(known.live.src_addr);
            if live.class.is_none() && known.live.class.is_some() {
                // read before the controller was ready, and overtaken
                let owner = live.owner.take();
                live = known.live.clone();
                live.owner = owner;
            }
            keys.extend(known.bound.iter().cloned());
            keys.extend(self.connections.leading_to(&known.live));
        }
        keys.extend(self.connections.leading_to(&live));
        self.outbox.status_changed |= self.live.get(&device).is_none_or(|k| k.live != live);
        self.live.put(live, now);
        for key in keys {
            self.decide(&key, now);
        }
        self.start_unit(&device);
    }

    /// The controller of that name is gone.
    pub(crate) fn gone(&mut self, device: &DeviceName, now: Timestamp) {
        let Some(known) = self.live.remove(device) else {
            return;
        };
        let at = known.incarnation();
        self.outbox.status_changed = true;
        self.timers.clear(&Timer::Claim(device.clone()));
        self.stop_unit(&at, &known.unit);
        let mut keys = self.connections.leading_to(&known.live);
        keys.extend(known.bound);
        for key in keys {
            self.decide(&key, now);
        }
    }

    /// Takes in how a connect went.
    pub(crate) fn connect_finished(
        &mut self,
        id: ActionId,
        outcome: ConnectOutcome,
        now: Timestamp,
    ) {
        let Some(Flight::Connect(key)) = self.flights.get(&id).cloned() else {
            return;
        };
        self.flights.remove(&id);
        let Some(connection) = self.connections.get_mut(&key) else {
            return;
        };
        connection.life = match connection.life {
            Life::Stopping(_) => Life::Excluded,
            _ => Life::Waiting,
        };
        // "Already connected" may be about what an attempt without an answer made.
        connection.unanswered &= matches!(outcome, ConnectOutcome::AlreadyConnected(_));
        match outcome {
            ConnectOutcome::Connected {
                device,
                sysfs_ino,
                cntlid,
            } => {
                let at = Incarnation { device, sysfs_ino };
                let live = LiveController {
                    device: at.device.clone(),
                    sysfs_ino,
                    tid: key.tid().clone(),
                    class: Some(key.class()),
                    state: ControllerState::Live,
                    src_addr: None,
                    cntlid: Some(cntlid),
                    owner: Some(self.settings.owner.clone()),
                };
                self.live.grant(&at, &self.settings.owner, now);
                self.made(&key, live, now);
            }
            ConnectOutcome::AlreadyConnected(live) => self.made(&key, live, now),
            ConnectOutcome::Excluded { origin } => {
                self.stopped_by_connector(&key, origin, now);
            }
            ConnectOutcome::Failed { message, kind } => {
                connection.last_error = Some(message.clone());
                if matches!(kind, FailureKind::ConnectorLost | FailureKind::Unregistered) {
                    connection.unanswered = true;
                    self.unsure.insert(key.clone());
                    self.outbox.rescan();
                }
                if self
                    .connections
                    .get(&key)
                    .is_some_and(|c| c.excluded.is_none())
                {
                    self.retry(&key, format!("{kind}: {message}"), now);
                }
            }
        }
        if self.connections.get(&key).is_some_and(|c| c.desired) {
            self.decide(&key, now);
        } else {
            self.drop_connection(&key);
        }
    }

    /// Takes in how a claim went.
    pub(crate) fn claimed(&mut self, id: ActionId, outcome: ClaimOutcome, now: Timestamp) {
        let Some(Flight::Claim(at)) = self.flights.get(&id).cloned() else {
            return;
        };
        self.flights.remove(&id);
        let Some(known) = self.live.exact_mut(&at) else {
            return;
        };
        known.claiming = false;
        match outcome {
            ClaimOutcome::Granted | ClaimOutcome::AlreadyMine => {
                self.live.grant(&at, &self.settings.owner, now);
            }
            ClaimOutcome::OwnedBy(owner) => {
                known.claimable = false;
                known.live.owner = Some(owner);
            }
            ClaimOutcome::NoSuchController => {
                known.claimable = false;
                self.outbox.rescan();
            }
            ClaimOutcome::Failed(message) => {
                let bound = known.bound.clone();
                for key in bound {
                    if let Some(connection) = self.connections.get_mut(&key) {
                        connection.last_error = Some(message.clone());
                    }
                }
                let timer = Timer::Claim(at.device.clone());
                self.timers.set(timer, now.after_ms(CLAIM_RETRY_MS));
            }
        }
        self.decide_all_of(&at.device, now);
        self.start_unit(&at.device);
    }

    /// Decides about all connections that a controller may be.
    pub(crate) fn decide_all_of(&mut self, device: &DeviceName, now: Timestamp) {
        let Some(known) = self.live.get(device) else {
            return;
        };
        let mut keys = self.connections.leading_to(&known.live);
        keys.extend(known.bound.iter().cloned());
        for key in keys {
            self.decide(&key, now);
        }
    }

    /// The connector says that `live` is the connection `key`.
    fn made(&mut self, key: &Key, live: LiveController, now: Timestamp) {
        let at = Incarnation {
            device: live.device.clone(),
            sysfs_ino: live.sysfs_ino,
        };
        if let Some(connection) = self.connections.get_mut(key) {
            connection.made = Some(at.clone());
        }
        match self.live.exact(&at) {
            // what was sighted says more
            Some(known) if known.live.class.is_some() => {
                let mut sighted = known.live.clone();
                sighted.owner = live.owner.or(sighted.owner);
                sighted.cntlid = sighted.cntlid.or(live.cntlid);
                self.sighted(sighted, now);
            }
            Some(_) => self.sighted(live, now),
            None => {
                // its end may have been sighted before this news arrived
                self.sighted(live, now);
                self.outbox.rescan();
            }
        }
    }

    fn look_later(&mut self, now: Timestamp) {
        let later = now.after_ms(SIGHTING_LAG_MS);
        self.timers.set_once(Timer::Look, later);
    }
}
