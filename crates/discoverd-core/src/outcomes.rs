//! Connects and claims end.

use nvmf_types::{ControllerState, LiveController};

use crate::connection::Life;
use crate::core::{Core, Flight};
use crate::key::Key;
use crate::live::{Incarnation, SIGHTING_LAG_MS};
use crate::timers::Timer;
use crate::{ActionId, ClaimOutcome, ConnectOutcome, FailureKind, Timestamp};

/// When the registry could not be written, claiming is tried again after so many milliseconds.
const CLAIM_RETRY_MS: u64 = 10_000;

impl Core {
    /// Takes in how a connect went.
    pub(crate) fn connect_finished(
        &mut self,
        id: ActionId,
        outcome: ConnectOutcome,
        now: Timestamp,
    ) {
        let Some(Flight::Connect(key, owner)) = self.flights.get(&id).cloned() else {
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
        if matches!(outcome, ConnectOutcome::AlreadyConnected(_)) {
            // somebody else may have made it, unless an attempt without an answer did
            connection.visit.only &= connection.unanswered;
        }
        // "Already connected" may be about what an attempt without an answer made.
        connection.unanswered &= matches!(outcome, ConnectOutcome::AlreadyConnected(_));
        match outcome {
            ConnectOutcome::Connected {
                device,
                sysfs_ino,
                cntlid,
            } => {
                connection.suspect = false;
                let at = Incarnation { device, sysfs_ino };
                let live = LiveController {
                    device: at.device.clone(),
                    sysfs_ino,
                    tid: key.tid().clone(),
                    class: Some(key.class()),
                    state: ControllerState::Live,
                    src_addr: None,
                    cntlid: Some(cntlid),
                    owner: Some(owner.clone()),
                };
                self.made(&key, live, now);
                self.live.grant(&at, &owner, now);
            }
            ConnectOutcome::AlreadyConnected(live) => {
                connection.suspect = false;
                self.made(&key, live, now);
            }
            ConnectOutcome::Excluded { origin } => {
                self.stopped_by_connector(&key, origin, now);
            }
            ConnectOutcome::Failed { message, kind } => {
                connection.last_error = Some(message.clone());
                connection.failure = Some(kind);
                match kind {
                    FailureKind::Hung => connection.suspect = true,
                    FailureKind::Rejected => connection.suspect = false,
                    _ => {}
                }
                if matches!(kind, FailureKind::ConnectorLost | FailureKind::Unregistered) {
                    connection.unanswered = true;
                    self.unsure.insert(key.clone(), now);
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
        let Some(Flight::Claim(at, owner)) = self.flights.get(&id).cloned() else {
            return;
        };
        self.flights.remove(&id);
        let Some(known) = self.live.exact_mut(&at) else {
            return;
        };
        known.claiming = false;
        match outcome {
            ClaimOutcome::Granted | ClaimOutcome::AlreadyMine => {
                let unclear = std::mem::take(&mut known.read_meanwhile);
                self.live.grant(&at, &owner, now);
                if unclear {
                    self.look_later(&at.device, now);
                }
            }
            ClaimOutcome::OwnedBy(other) => {
                known.claimable = false;
                known.live.owner = Some(other);
                known.heard = Some(now);
            }
            ClaimOutcome::NoSuchController => {
                known.claimable = false;
                // not again before the look has told what is there
                let timer = Timer::Claim(at.device.clone());
                self.timers.set(timer, now.after_ms(SIGHTING_LAG_MS));
                self.outbox.look(&at.device);
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

    /// The connector says that `live` is the connection `key`.
    fn made(&mut self, key: &Key, live: LiveController, now: Timestamp) {
        // it is newer than whatever is being read
        let read = now.after_ms(1);
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
                if live.owner != sighted.owner {
                    // whose it became after that may have been sighted before this news arrived
                    self.look_later(&at.device, now);
                }
                sighted.owner = live.owner.or(sighted.owner);
                sighted.cntlid = sighted.cntlid.or(live.cntlid);
                self.sighted(sighted, read, now);
            }
            Some(_) => self.sighted(live, read, now),
            None if self.live.get(&at.device).is_some() => {
                // Which of the two came later cannot be told. To take the living one for gone
                // would stop its unit, and so disconnect it.
                self.unsure.insert(key.clone(), now);
                self.outbox.rescan();
            }
            None => {
                // its end may have been sighted before this news arrived
                self.sighted(live, read, now);
                self.outbox.look(&at.device);
            }
        }
        if let Some(known) = self.live.exact_mut(&at) {
            known.heard = Some(now);
        }
    }
}
