//! The decision about one connection: desired − connected − excluded − others' = to connect.

use crate::connection::Life;
use crate::core::{Core, Flight, Phase};
use crate::desired::Diff;
use crate::key::Key;
use crate::outbox::Urgency;
use crate::timers::Timer;
use crate::visits::Visit;
use crate::{ActionKind, ConnectRequest, State, Timestamp};

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
        if std::mem::take(&mut self.desired.changed) {
            self.connections.touch_all();
        }
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
            let others = self.desired.alternatives(key);
            self.connections.set_others(key, others);
            self.judge(key, now);
            self.decide(key, now);
        }
    }

    /// Takes in that sources changed which say more than that something is desired.
    pub(crate) fn sources_changed(&mut self, now: Timestamp) {
        for key in self.connections.keys() {
            let others = self.desired.alternatives(&key);
            self.connections.set_others(&key, others);
            self.options_changed(&key);
            let kept = self.desired.is_kept(&key);
            if let Some(connection) = self.connections.get_mut(&key) {
                connection.visit.only &= !(kept && connection.desired);
            }
            self.decide(&key, now);
        }
    }

    /// If the options of a waiting attempt changed, it need not wait.
    fn options_changed(&mut self, key: &Key) {
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

    /// There is no controller that is this connection.
    fn miss(&mut self, key: &Key, now: Timestamp) {
        let retry = Timer::Retry(key.clone());
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        if connection.life.controller().is_some() || connection.life == Life::Excluded {
            connection.missing_since = now;
        }
        let gone = connection.life.ours().cloned();
        let gave_up = connection.life == Life::GaveUp;
        let left = connection.visit.left && !self.desired.is_kept(key);
        let lasted_ms = connection.end(now);
        let excluded = connection.excluded.clone();
        if gone.is_some() {
            self.abandon_page(key);
            if !left {
                self.fc_lost(key);
            }
        }
        let rests = self.rests(key, now);
        if let Some(origin) = excluded {
            self.timers.clear(&retry);
            let reason = format!("excluded by {origin}");
            self.enter(key, Life::Excluded, reason, now);
        } else if self.phase != Phase::Running {
            self.timers.clear(&retry);
            self.enter(key, Life::Waiting, SHUTTING_DOWN.to_owned(), now);
        } else if rests {
            self.go_on_resting(key, now);
        } else if gone.is_some() && left {
            self.rest(key, now);
        } else if let Some(at) = gone {
            let reason = format!("{at} is gone after {} s", lasted_ms / 1000);
            if let Some(connection) = self.connections.get_mut(key) {
                connection.last_error = Some(reason.clone());
                connection.failure = None;
            }
            match self.not_kept(key, lasted_ms) {
                None => self.retry(key, reason, now),
                Some(delay) => {
                    let reason = format!("{reason}: it keeps no connection, and is asked in turns");
                    self.retry_after(key, delay, reason, now);
                }
            }
        } else if gave_up && self.desired.is_dynamic(key) {
            // until something revives it
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
        let (options, owner) = (self.desired.options(key), self.owner_of(key));
        let (urgency, kept) = (self.urgency(key), self.desired.is_kept(key));
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        connection.attempts = connection.attempts.saturating_add(1);
        connection.tried_at = Some(now);
        connection.tried = Some(Box::new(options.clone()));
        connection.visit = Visit {
            only: !kept,
            ..Visit::default()
        };
        if !connection.unanswered {
            connection.asked_at = now;
        }
        let attempt = connection.attempts;
        let request = ConnectRequest {
            tid: key.tid().clone(),
            alternatives: connection.others.clone(),
            class: key.class(),
            options,
            owner: owner.clone(),
            probe_timeout_ms: self.settings.probe_timeout_ms,
            deep_probe: connection.suspect,
        };
        let kind = ActionKind::Connect(Box::new(request));
        let id = self.outbox.push(urgency, kind);
        self.flights.insert(id, Flight::Connect(key.clone(), owner));
        let reason = format!("connecting, attempt {attempt}");
        self.enter(key, Life::Starting(id), reason, now);
    }

    /// Before whom an attempt's turn comes.
    pub(crate) fn urgency(&self, key: &Key) -> Urgency {
        if self.connections.get(key).is_some_and(|c| c.suspect) {
            Urgency::Suspect
        } else if self.desired.is_boot(key) {
            Urgency::Boot
        } else if key.is_discovery() {
            Urgency::Discovery
        } else if self.desired.is_configured(key) {
            Urgency::Configured
        } else {
            Urgency::Discovered
        }
    }
}
