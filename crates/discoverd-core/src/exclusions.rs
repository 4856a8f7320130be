//! Exclusions: when they are read, and what they forbid.

use nvmf_types::exclusion::ExclusionSet;
use nvmf_types::{HostIdentity, Origin, TransportId};

use crate::connection::Life;
use crate::core::{Core, Phase};
use crate::key::Key;
use crate::outbox::Urgency;
use crate::timers::Timer;
use crate::{ActionKind, Timestamp};

/// An endless editor cannot starve the soak: after so many milliseconds the files are read.
const SOAK_LIMIT_MS: u64 = 10_000;

impl Core {
    /// Starts or prolongs the soak.
    pub(crate) fn exclusions_touched(&mut self, now: Timestamp) {
        let soak_ms = self.settings.exclusion_soak_ms;
        let first = *self.touched.get_or_insert(now);
        let last_moment = first.after_ms(SOAK_LIMIT_MS.max(soak_ms));
        let at = now.after_ms(soak_ms).min(last_moment);
        self.timers.set(Timer::Soak, at);
    }

    /// The soak is over.
    pub(crate) fn exclusions_settled(&mut self) {
        self.touched = None;
        self.outbox.push(Urgency::Now, ActionKind::LoadExclusions);
    }

    /// Takes in the settled set and decides everything anew.
    pub(crate) fn exclusions_loaded(
        &mut self,
        set: ExclusionSet,
        problems: Vec<String>,
        now: Timestamp,
    ) {
        self.exclusions = set;
        self.problems.exclusions = problems;
        self.outbox.status_changed = true;
        if let Phase::Starting { exclusions, .. } = &mut self.phase {
            *exclusions = true;
            self.begin(now);
            return;
        }
        for key in self.connections.keys() {
            self.judge(&key, now);
            self.decide(&key, now);
        }
    }

    /// Notes whether the settled set excludes a connection. One that just became free forgets its
    /// failures, so that it is connected at once.
    pub(crate) fn judge(&mut self, key: &Key, now: Timestamp) {
        let excluded = self.exclusion(key);
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let was = std::mem::replace(&mut connection.excluded, excluded);
        let only_the_connector = std::mem::take(&mut connection.stopped_by_connector);
        if was.is_none() || connection.excluded.is_some() {
            return;
        }
        if only_the_connector && connection.life == Life::Excluded {
            // whoever is right: not as fast as it goes
            let reason = "was excluded right before the write, and is not any more".to_owned();
            self.retry(key, reason, now);
        } else {
            connection.forget_failures();
            self.timers.clear(&Timer::Retry(key.clone()));
        }
    }

    /// The entry that excludes a connection. An unset host identity is the default one.
    fn exclusion(&self, key: &Key) -> Option<Origin> {
        if self.exclusions.is_empty() {
            return None;
        }
        let tid = as_host(key.tid(), &self.identity);
        let entry = self.exclusions.matches(&tid, key.class())?;
        Some(entry.source.clone())
    }
}

fn as_host(tid: &TransportId, default: &HostIdentity) -> TransportId {
    let mut tid = tid.clone();
    if tid.hostnqn.is_none() {
        tid.hostid = tid.hostid.or(default.hostid);
        tid.hostnqn.clone_from(&default.hostnqn);
    }
    tid
}
