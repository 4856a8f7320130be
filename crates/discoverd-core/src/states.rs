//! States, and how a connection goes from one to another.

use nvmf_types::ControllerState;

use crate::connection::{Connection, Life};
use crate::core::Core;
use crate::key::Key;
use crate::live::Incarnation;
use crate::timers::Timer;
use crate::{Change, State, Timestamp};

const HOUR_MS: u64 = 3_600_000;

impl Core {
    /// Goes on to another state, and tells.
    pub(crate) fn enter(&mut self, key: &Key, life: Life, reason: String, now: Timestamp) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        if connection.life == life && connection.reason == reason {
            return;
        }
        let (state, ours) = (life.state(), life.ours());
        if state != connection.life.state() || ours != connection.life.ours() {
            connection.since = now;
            let at = life.controller().or(connection.life.controller()).cloned();
            self.tell(key, state, at.as_ref(), reason.clone());
        }
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let before = std::mem::replace(&mut connection.life, life.clone());
        connection.reason = reason;
        if let Some(known) = before.controller().and_then(|at| self.live.exact_mut(at)) {
            known.bound.remove(key);
        }
        if let Some(known) = life.controller().and_then(|at| self.live.exact_mut(at)) {
            known.bound.insert(key.clone());
        }
    }

    /// Plans another attempt, or gives up.
    pub(crate) fn retry(&mut self, key: &Key, reason: String, now: Timestamp) {
        let (initial, max) = (self.settings.retry_initial_ms, self.settings.retry_max_ms);
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let delay = connection
            .backoff
            .next_delay_ms(initial, max, &mut self.jitter);
        self.retry_after(key, delay, reason, now);
    }

    /// Plans another attempt after that many milliseconds. A discovery controller that only
    /// announcements or referrals name is given up when it has been missing for too long.
    pub(crate) fn retry_after(&mut self, key: &Key, delay: u64, reason: String, now: Timestamp) {
        let hours = u64::from(self.settings.dc_giveup_hours);
        let dynamic = key.is_discovery() && self.desired.is_dynamic(key);
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        connection.ended_at = now;
        let missing_ms = now.since_ms(connection.missing_since);
        let timer = Timer::Retry(key.clone());
        if dynamic && hours > 0 && missing_ms >= hours.saturating_mul(HOUR_MS) {
            self.timers.clear(&timer);
            let reason = format!("given up: not connected for {hours} hours; at last: {reason}");
            return self.enter(key, Life::GaveUp, reason, now);
        }
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

    pub(crate) fn wording(&self, connection: &Connection, life: &Life) -> String {
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

    /// Drops a connection that is not desired any more. Its controller stays.
    pub(crate) fn forget(&mut self, key: &Key) {
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
        self.end_visit(&connection);
        let reason = match connection.life.ours() {
            Some(_) if connection.visit.only => "no longer desired: disconnected".to_owned(),
            Some(at) => format!("no longer desired: {at} stays, and will not be reconnected"),
            None => "no longer desired".to_owned(),
        };
        let at = connection.life.controller();
        self.tell(key, connection.life.state(), at, reason);
    }

    /// Has a change told.
    fn tell(&mut self, key: &Key, state: State, at: Option<&Incarnation>, reason: String) {
        let known = at.and_then(|at| self.live.exact(at));
        let owner = known.and_then(|known| known.live.owner.clone());
        self.outbox.changes.push_back(Change {
            tid: key.tid().clone(),
            state,
            reason,
            device: at.map(|at| at.device.clone()),
            sysfs_ino: at.map(|at| at.sysfs_ino),
            owner,
        });
    }

    pub(crate) fn state(&self, key: &Key) -> Option<State> {
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
