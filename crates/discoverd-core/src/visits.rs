//! Discovery controllers that are connected only to read their log pages (`persistent = no`).

use crate::Timestamp;
use crate::connection::{Connection, Life};
use crate::core::{Core, Phase};
use crate::key::Key;
use crate::live::Incarnation;
use crate::timers::Timer;

/// How far that is with one.
#[derive(Debug, Default)]
pub(crate) struct Visit {
    /// It was, or is being, connected only for that, and nothing wanted it otherwise since.
    pub(crate) only: bool,
    /// It was read, and is being disconnected.
    pub(crate) left: bool,
    /// It was left, and is not connected before it is to be read again.
    pub(crate) resting: bool,
}

impl Core {
    /// Disconnects a discovery controller that was read, unless something needs it.
    pub(crate) fn leave(&mut self, dc: &Key) {
        let at = self
            .connections
            .get(dc)
            .and_then(|c| c.life.ours().cloned());
        let Some(at) = at else {
            return;
        };
        let bound = self.live.exact(&at).map(|known| known.bound.clone());
        let bound = bound.unwrap_or_default();
        let connection = |key| self.connections.get(key);
        let visited = bound
            .iter()
            .any(|key| connection(key).is_some_and(|c| c.visits(&at)));
        let is_done = |key| connection(key).is_some_and(|c| c.page.is_read());
        let done = bound
            .iter()
            .all(|key| is_done(key) && !self.desired.is_kept(key));
        if !visited || !done {
            return;
        }
        for key in &bound {
            if let Some(connection) = self.connections.get_mut(key) {
                connection.visit.left = true;
            }
        }
        self.disconnect_visited(at);
    }

    /// A connection is dropped, and may have been a visit under way: then nothing else ends it.
    pub(crate) fn end_visit(&mut self, connection: &Connection) {
        let at = connection.made.clone().filter(|at| connection.visits(at));
        let Some(at) = at.filter(|_| !connection.visit.left) else {
            return;
        };
        if self
            .live
            .exact(&at)
            .is_some_and(|known| known.bound.is_empty())
        {
            self.disconnect_visited(at);
        }
    }

    fn disconnect_visited(&mut self, at: Incarnation) {
        let owner = Some(&self.settings.owner);
        let known = self.live.exact(&at);
        let ours = known.is_some_and(|known| known.live.owner.as_ref() == owner);
        if ours && self.phase == Phase::Running {
            self.disconnect(at);
        }
    }

    /// One that was left is gone. It is connected again when its log page is to be read again.
    pub(crate) fn rest(&mut self, dc: &Key, now: Timestamp) {
        let timer = Timer::Retry(dc.clone());
        match self.recheck_ms() {
            Some(ms) => self.timers.set(timer, now.after_ms(ms)),
            None => self.timers.clear(&timer),
        }
        let Some(connection) = self.connections.get_mut(dc) else {
            return;
        };
        connection.visit.resting = true;
        connection.forget_failures();
        connection.ended_at = now;
        self.go_on_resting(dc, now);
    }

    /// Shows that it rests, whatever came in between.
    pub(crate) fn go_on_resting(&mut self, dc: &Key, now: Timestamp) {
        let page = self.connections.get(dc).map(|c| c.page.to_string());
        let page = page.unwrap_or_default();
        let reason = format!("not kept connected (`persistent = no`){page}");
        self.enter(dc, Life::Idle, reason, now);
    }

    /// Whether it is not yet time to connect it again. When it is, it is no longer at rest.
    pub(crate) fn rests(&mut self, dc: &Key, now: Timestamp) -> bool {
        if self.connections.get(dc).is_none_or(|c| !c.visit.resting) {
            return false;
        }
        let timer = Timer::Retry(dc.clone());
        let waits = self.timers.due(&timer).is_some() || self.recheck_ms().is_none();
        if waits && !self.desired.is_kept(dc) {
            return true;
        }
        self.timers.clear(&timer);
        if let Some(connection) = self.connections.get_mut(dc) {
            connection.visit.resting = false;
            connection.missing_since = now;
        }
        false
    }

    /// How long one rests may have changed: those that would rest for ever may have an end now.
    pub(crate) fn plan_visits(&mut self) {
        let Some(ms) = self.recheck_ms() else {
            return;
        };
        let resting = self.connections.iter().filter(|(_, c)| c.visit.resting);
        for (key, connection) in resting {
            let timer = Timer::Retry(key.clone());
            self.timers
                .set_once(timer, connection.ended_at.after_ms(ms));
        }
    }
}

impl Connection {
    /// Whether the connector made that controller only for a visit.
    fn visits(&self, at: &Incarnation) -> bool {
        self.visit.only && self.made.as_ref() == Some(at)
    }
}
