//! The decision about one connection: desired − connected − excluded − others' = to connect.

use nvmf_types::ControllerState;

use crate::connection::{Connection, Life};
use crate::core::{Core, Flight, Phase};
use crate::desired::Diff;
use crate::key::Key;
use crate::live::{Incarnation, SIGHTING_LAG_MS};
use crate::outbox::Urgency;
use crate::timers::Timer;
use crate::{ActionKind, Change, ConnectRequest, State, Timestamp};

const SHUTTING_DOWN: &str = "the machine is shutting down: nothing is connected any more";

impl Core {
    /// Decides what is to be done about one connection. Deciding twice does no harm.
    pub(crate) fn decide(&mut self, key: &Key, now: Timestamp) {
        if matches!(self.phase, Phase::Starting { .. } | Phase::Stopped) {
            return;
        }
        let found = self.find(key);
        let Some(connection) = self.connections.get(key).filter(|c| c.desired) else {
            return;
        };
        if let Some(id) = connection.life.attempt() {
            let still_right =
                found.is_none() && connection.excluded.is_none() && self.phase == Phase::Running;
            if still_right || !self.outbox.take_back(id) {
                return self.attempt_goes_on(key, id, now);
            }
            self.flights.remove(&id);
        }
        match found {
            Some(at) => self.meet(key, at, now),
            None => self.miss(key, now),
        }
    }

    /// Takes in a change of what is desired. `at_start`: what is new may claim what was there.
    pub(crate) fn apply(&mut self, diff: Diff, at_start: bool, now: Timestamp) {
        for key in &diff.removed {
            self.forget(key);
        }
        if at_start {
            let dcs = diff.added.iter().filter(|key| key.is_discovery());
            self.first_pages.extend(dcs.cloned());
        }
        for key in &diff.added {
            let connection = self.connections.entry(key, now);
            connection.desired = true;
            connection.may_claim |= at_start;
            self.outbox.status_changed = true;
            self.judge(key, now);
            self.decide(key, now);
        }
    }

    /// If the options of a waiting attempt changed, it need not wait.
    pub(crate) fn options_changed(&mut self, key: &Key) {
        let options = self.desired.options(key);
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let tried = connection.tried.as_deref();
        if connection.life == Life::Retrying && tried.is_some_and(|tried| *tried != options) {
            connection.forget_failures();
            self.timers.clear(&Timer::Retry(key.clone()));
        }
    }

    /// Goes on to another state, and tells.
    pub(crate) fn enter(&mut self, key: &Key, life: Life, reason: String, now: Timestamp) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        if connection.life == life && connection.reason == reason {
            return;
        }
        self.outbox.status_changed = true;
        let (state, ours) = (life.state(), life.ours());
        if state != connection.life.state() || ours != connection.life.ours() {
            connection.since = now;
            self.outbox.changes.push_back(Change {
                connection: key.tid().log_form(),
                state,
                reason: reason.clone(),
            });
        }
        let before = std::mem::replace(&mut connection.life, life.clone());
        connection.reason = reason;
        if let Some(known) = before.controller().and_then(|at| self.live.exact_mut(at)) {
            known.bound.remove(key);
        }
        if let Some(known) = life.controller().and_then(|at| self.live.exact_mut(at)) {
            known.bound.insert(key.clone());
        }
    }

    /// Plans another attempt.
    pub(crate) fn retry(&mut self, key: &Key, reason: String, now: Timestamp) {
        let (initial, max) = (self.settings.retry_initial_ms, self.settings.retry_max_ms);
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let delay = connection
            .backoff
            .next_delay_ms(initial, max, &mut self.jitter);
        let timer = Timer::Retry(key.clone());
        self.timers.set(timer, now.after_ms(delay));
        self.enter(key, Life::Retrying, reason, now);
    }

    /// Words anew why a connection is connected or lost.
    pub(crate) fn refresh(&mut self, key: &Key, now: Timestamp) {
        let Some(connection) = self.connections.get(key) else {
            return;
        };
        let life = connection.life.clone();
        if life.ours().is_some() {
            let reason = self.wording(connection, &life);
            self.enter(key, life, reason, now);
        }
    }

    fn wording(&self, connection: &Connection, life: &Life) -> String {
        let excluded = connection.excluded.as_ref();
        if let Life::Lost(at) = life {
            let known = self.live.exact(at);
            let doing = known.map_or("is gone", |known| doing(known.live.state));
            return match excluded {
                None => format!("{at} {doing}"),
                Some(origin) => {
                    format!("{at} {doing}; excluded by {origin}: will not be reconnected by us")
                }
            };
        }
        let at = life
            .controller()
            .map(ToString::to_string)
            .unwrap_or_default();
        match excluded {
            None => format!("connected as {at}{}", connection.page),
            Some(origin) => {
                format!("connected, excluded: will not be reconnected ({origin})")
            }
        }
    }

    /// The controller that is this connection: ours before others', the one that the connector named
    /// for it before another, and the one that it was.
    fn find(&self, key: &Key) -> Option<Incarnation> {
        let connection = self.connections.get(key)?;
        let made = connection.made.as_ref().and_then(|at| self.live.exact(at));
        let satisfying = self.live.satisfying(key, &self.identity);
        let best = satisfying.chain(made).max_by_key(|known| {
            let at = known.incarnation();
            let owner = known.live.owner.as_ref();
            let ours = owner == Some(&self.settings.owner);
            let named = connection.made.as_ref() == Some(&at);
            let same = connection.life.controller() == Some(&at);
            let free = owner.is_none() && known.claimable;
            (ours, named, same, free)
        })?;
        Some(best.incarnation())
    }

    /// There is a controller that is this connection.
    fn meet(&mut self, key: &Key, at: Incarnation, now: Timestamp) {
        let (Some(known), Some(connection)) = (self.live.exact(&at), self.connections.get(key))
        else {
            return;
        };
        let before = (connection.life.clone(), connection.reason.clone());
        let (life, reason) = match &known.live.owner {
            Some(owner) if *owner == self.settings.owner => return self.bind(key, at, now),
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
            self.timers.set_once(Timer::Look, later);
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
            connection.last_error = None;
            self.timers.clear(&Timer::Retry(key.clone()));
            self.abandon_page(key);
        }
        let Some(connection) = self.connections.get(key) else {
            return;
        };
        let back = matches!(connection.life, Life::Lost(_)) && !lost;
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
        let Some(known) = self.live.exact_mut(&at) else {
            return;
        };
        if !std::mem::replace(&mut known.claiming, true) {
            let kind = ActionKind::Claim {
                device: at.device.clone(),
                sysfs_ino: at.sysfs_ino,
                owner: self.settings.owner.clone(),
            };
            let id = self.outbox.push(Urgency::Now, kind);
            self.flights.insert(id, Flight::Claim(at.clone()));
        }
        let reason = format!("claiming {at}, which nobody owns");
        self.enter(key, Life::Claiming(at), reason, now);
    }

    /// There is no controller that is this connection.
    fn miss(&mut self, key: &Key, now: Timestamp) {
        let retry = Timer::Retry(key.clone());
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let gone = connection.life.ours().cloned();
        let lasted_ms = connection.end(now);
        let excluded = connection.excluded.clone();
        if gone.is_some() {
            self.abandon_page(key);
        }
        if let Some(origin) = excluded {
            self.timers.clear(&retry);
            let reason = format!("excluded by {origin}");
            self.enter(key, Life::Excluded, reason, now);
        } else if self.phase != Phase::Running {
            self.timers.clear(&retry);
            self.enter(key, Life::Waiting, SHUTTING_DOWN.to_owned(), now);
        } else if let Some(at) = gone {
            let reason = format!("{at} is gone after {} s", lasted_ms / 1000);
            if let Some(connection) = self.connections.get_mut(key) {
                connection.last_error = Some(reason.clone());
            }
            self.retry(key, reason, now);
        } else if self.timers.due(&retry).is_none() {
            if self.unsure.contains_key(key) {
                self.outbox.rescan();
                let reason = "unknown whether the last attempt succeeded; looking".to_owned();
                self.retry(key, reason, now);
            } else {
                self.connect(key, now);
            }
        } else if self.state(key) != Some(State::Retrying) {
            let reason = "not connected; an attempt failed before".to_owned();
            self.enter(key, Life::Retrying, reason, now);
        }
    }

    fn connect(&mut self, key: &Key, now: Timestamp) {
        let options = self.desired.options(key);
        let urgency = if key.is_discovery() {
            Urgency::Discovery
        } else if self.desired.is_configured(key) {
            Urgency::Configured
        } else {
            Urgency::Discovered
        };
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        connection.attempts = connection.attempts.saturating_add(1);
        connection.tried = Some(Box::new(options.clone()));
        if !connection.unanswered {
            connection.asked_at = now;
        }
        let attempt = connection.attempts;
        let request = ConnectRequest {
            tid: key.tid().clone(),
            class: key.class(),
            options,
            owner: self.settings.owner.clone(),
            probe_timeout_ms: self.settings.probe_timeout_ms,
        };
        let kind = ActionKind::Connect(Box::new(request));
        let id = self.outbox.push(urgency, kind);
        self.flights.insert(id, Flight::Connect(key.clone()));
        let reason = format!("connecting, attempt {attempt}");
        self.enter(key, Life::Starting(id), reason, now);
    }

    /// Drops a connection that is not desired any more. Its controller stays.
    fn forget(&mut self, key: &Key) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        if let Some(id) = connection.life.attempt() {
            if !self.outbox.take_back(id) {
                connection.desired = false;
                return;
            }
            self.flights.remove(&id);
        }
        self.drop_connection(key);
    }

    /// Drops a connection with all that was planned for it.
    pub(crate) fn drop_connection(&mut self, key: &Key) {
        self.abandon_page(key);
        self.timers.clear(&Timer::Retry(key.clone()));
        self.first_pages.remove(key);
        let Some(connection) = self.connections.remove(key) else {
            return;
        };
        let known = connection.life.controller();
        if let Some(known) = known.and_then(|at| self.live.exact_mut(at)) {
            known.bound.remove(key);
        }
        self.outbox.status_changed = true;
        let reason = match connection.life.ours() {
            Some(at) => format!("no longer desired: {at} stays, and will not be reconnected"),
            None => "no longer desired".to_owned(),
        };
        self.outbox.changes.push_back(Change {
            connection: key.tid().log_form(),
            state: connection.life.state(),
            reason,
        });
    }

    fn state(&self, key: &Key) -> Option<State> {
        let connection = self.connections.get(key)?;
        Some(connection.life.state())
    }
}

/// What the kernel is doing with a controller that is not usable; empty if it is usable.
pub(crate) const fn doing(state: ControllerState) -> &'static str {
    match state {
        ControllerState::New => "is being set up",
        ControllerState::Connecting => "lost its target; the kernel is reconnecting it",
        ControllerState::Resetting => "is being reset",
        ControllerState::Deleting => "is being removed",
        ControllerState::Dead => "was given up by the kernel",
        _ => "",
    }
}
