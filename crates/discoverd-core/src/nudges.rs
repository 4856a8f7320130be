//! Reasons not to wait any longer, and another way to behave.

use nvmf_types::TransportId;

use crate::connection::Life;
use crate::core::{Core, Settings};
use crate::key::Key;
use crate::timers::Timer;
use crate::{State, Timestamp};

impl Core {
    /// Attempts over IP may succeed now.
    pub(crate) fn network_changed(&mut self, now: Timestamp) {
        for key in self.connections.keys() {
            if key.tid().transport.is_ip() {
                self.hurry(&key, now);
            }
        }
    }

    /// Somebody wants to see the attempt at `which`, or at all, now.
    pub(crate) fn retry_now(&mut self, which: Option<&TransportId>, now: Timestamp) {
        for key in self.connections.keys() {
            if which.is_some_and(|tid| tid != key.tid()) {
                continue;
            }
            self.revive(&key, now);
            let Some(connection) = self.connections.get_mut(&key) else {
                continue;
            };
            if matches!(connection.life, Life::Retrying | Life::Idle) {
                connection.life = Life::Retrying;
                connection.visit.resting = false;
                connection.forget_failures();
                self.timers.clear(&Timer::Retry(key.clone()));
                self.decide(&key, now);
            }
        }
    }

    /// Takes in how to behave. What waits already waits for as long as it was told.
    pub(crate) fn settings_loaded(&mut self, settings: Settings, now: Timestamp) {
        let interval = self.settings.fc_kickstart_interval_minutes;
        self.settings = Settings {
            owner: self.settings.owner.clone(),
            seed: self.settings.seed,
            ..settings
        };
        if self.settings.fc_kickstart_interval_minutes != interval {
            self.plan_kick(now);
        }
        self.plan_visits();
    }

    /// A waiting attempt may succeed now: it is made at once, but not sooner after the last one than
    /// the first retry would be, and its failures stay counted. So neither a flapping link nor a
    /// babbling discovery controller makes attempts as fast as it goes.
    pub(crate) fn hurry(&mut self, key: &Key, now: Timestamp) {
        let retry = Timer::Retry(key.clone());
        let Some(connection) = self.connections.get(key) else {
            return;
        };
        let soon = connection.ended_at.after_ms(self.settings.retry_initial_ms);
        let due = self.timers.due(&retry);
        if connection.life.state() != State::Retrying || due.is_none_or(|due| due <= soon) {
            return;
        }
        if soon > now {
            self.timers.set(retry, soon);
            self.outbox.status_changed = true;
        } else {
            self.timers.clear(&retry);
            self.decide(key, now);
        }
    }

    /// Something that may have changed its mind names a connection again.
    pub(crate) fn named_again(&mut self, key: &Key, now: Timestamp) {
        self.revive(key, now);
        self.hurry(key, now);
    }

    /// What counts until it is given up starts over, and what was given up is wanted again.
    pub(crate) fn revive(&mut self, key: &Key, now: Timestamp) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        connection.missing_since = now;
        if connection.life == Life::GaveUp {
            connection.life = Life::Retrying;
            connection.forget_failures();
            self.decide(key, now);
        }
    }
}
