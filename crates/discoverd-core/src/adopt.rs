//! Whose a controller is, and what that means for the connection that it is.

use nvmf_types::Owner;

use crate::ActionKind;
use crate::Timestamp;
use crate::connection::Life;
use crate::core::{Core, Flight};
use crate::key::Key;
use crate::live::{Incarnation, Known, SIGHTING_LAG_MS};
use crate::outbox::Urgency;
use crate::states::doing;
use crate::timers::Timer;

impl Core {
    /// The controller that is this connection: ours before others', the one that the connector named
    /// for it before another, and the one that it was.
    pub(crate) fn find(&self, key: &Key) -> Option<Incarnation> {
        let connection = self.connections.get(key)?;
        let made = connection.made.as_ref().and_then(|at| self.live.exact(at));
        let ways = [key.tid()].into_iter().chain(&connection.others);
        let satisfying =
            ways.flat_map(|tid| self.live.satisfying(tid, key.class(), &self.identity));
        let best = satisfying.chain(made).max_by_key(|known| {
            let at = known.incarnation();
            let ours = self.is_ours(known);
            let named = connection.made.as_ref() == Some(&at);
            let same = connection.life.controller() == Some(&at);
            let free = known.live.owner.is_none() && known.claimable;
            (ours, named, same, free)
        })?;
        Some(best.incarnation())
    }

    /// Whether the controller is ours: by its owner, or because it is the boot tables' and one of
    /// their connections.
    pub(crate) fn is_ours(&self, known: &Known) -> bool {
        match &known.live.owner {
            Some(owner) if *owner == self.settings.owner => true,
            Some(owner) if *owner == Owner::nbft() => self.is_boot(known),
            _ => false,
        }
    }

    /// Whether a boot table desires the controller.
    fn is_boot(&self, known: &Known) -> bool {
        let leading = self.connections.leading_to(&known.live);
        let mut boot = leading.iter().filter(|key| self.desired.is_boot(key));
        boot.any(|key| {
            let others = self.connections.get(key).map(|c| c.others.as_slice());
            let others = others.unwrap_or_default();
            let mut ways = [key.tid()].into_iter().chain(others);
            ways.any(|tid| tid.is_satisfied_by(key.class(), &known.live, &self.identity))
        })
    }

    /// In whose name a connection is made.
    pub(crate) fn owner_of(&self, key: &Key) -> Owner {
        if self.desired.is_boot(key) {
            Owner::nbft()
        } else {
            self.settings.owner.clone()
        }
    }

    /// For whom a controller is claimed: whichever of its connections came first, the boot tables'
    /// counts.
    pub(crate) fn claims_for(&self, known: &Known) -> Owner {
        if self.is_boot(known) {
            Owner::nbft()
        } else {
            self.settings.owner.clone()
        }
    }

    /// There is a controller that is this connection.
    pub(crate) fn meet(&mut self, key: &Key, at: Incarnation, now: Timestamp) {
        let (Some(known), Some(connection)) = (self.live.exact(&at), self.connections.get(key))
        else {
            return;
        };
        let before = (connection.life.clone(), connection.reason.clone());
        let (life, reason) = match &known.live.owner {
            Some(_) if self.is_ours(known) => return self.bind(key, at, now),
            Some(owner) => {
                let reason = format!("connected as {at}, which {owner} owns: left alone");
                return self.enter(key, Life::Foreign(at), reason, now);
            }
            None if known.live.class.is_none() => {
                let reason = format!("being connected as {at} by somebody else");
                (Life::Foreign(at), reason)
            }
            None if known.claimable && connection.may_claim => return self.claim(key, at, now),
            None if connection.unanswered && known.since >= connection.asked_at => {
                return self.claim(key, at, now);
            }
            None => {
                let reason =
                    format!("connected by hand as {at}; unowned, left alone until it goes");
                (Life::Foreign(at), reason)
            }
        };
        if before != (life.clone(), reason.clone()) {
            // its owner may be written just now
            let later = now.after_ms(SIGHTING_LAG_MS);
            let timer = Timer::Look(known.live.device.clone());
            self.timers.set_once(timer, later);
        }
        self.enter(key, life, reason, now);
    }

    /// The controller is ours.
    fn bind(&mut self, key: &Key, at: Incarnation, now: Timestamp) {
        let lost = self
            .live
            .exact(&at)
            .is_some_and(|known| !doing(known.live.state).is_empty());
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let new = connection.life.ours() != Some(&at);
        if new {
            connection.end(now);
            connection.bound_at = now;
            connection.unanswered = false;
            connection.doubted = false;
            connection.suspect = false;
            connection.last_error = None;
            connection.failure = None;
            connection.visit.left = false;
            connection.visit.resting = false;
            self.timers.clear(&Timer::Retry(key.clone()));
            self.abandon_page(key);
        }
        let Some(connection) = self.connections.get(key) else {
            return;
        };
        let back = matches!(connection.life, Life::Lost(_)) && !lost;
        if lost && !connection.visit.left && !matches!(connection.life, Life::Lost(_)) {
            self.fc_lost(key);
        }
        let Some(connection) = self.connections.get(key) else {
            return;
        };
        let device = at.device.clone();
        let life = if lost {
            Life::Lost(at)
        } else {
            Life::Connected(at)
        };
        let reason = self.wording(connection, &life);
        self.enter(key, life, reason, now);
        self.start_unit(&device);
        if key.is_discovery() && (new || back) {
            self.fetch(key);
        }
    }

    fn claim(&mut self, key: &Key, at: Incarnation, now: Timestamp) {
        let timer = Timer::Claim(at.device.clone());
        if self.timers.due(&timer).is_some() {
            let reason = format!("{at} is unowned, and to be claimed in a moment");
            return self.enter(key, Life::Waiting, reason, now);
        }
        let Some(known) = self.live.exact(&at) else {
            return;
        };
        if !known.claiming {
            let owner = self.claims_for(known);
            let kind = ActionKind::Claim {
                device: at.device.clone(),
                sysfs_ino: at.sysfs_ino,
                owner: owner.clone(),
            };
            let id = self.outbox.push(Urgency::Now, kind);
            self.flights.insert(id, Flight::Claim(at.clone(), owner));
        }
        if let Some(known) = self.live.exact_mut(&at) {
            known.claiming = true;
        }
        let reason = format!("claiming {at}, which nobody owns");
        self.enter(key, Life::Claiming(at), reason, now);
    }
}
