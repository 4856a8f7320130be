//! Exclusions: when they are read, and what they forbid.

use nvmf_types::exclusion::ExclusionSet;
use nvmf_types::{ControllerClass, HostIdentity, Origin, TransportId};

use crate::connection::Life;
use crate::core::{Core, Phase};
use crate::key::Key;
use crate::outbox::Urgency;
use crate::timers::Timer;
use crate::{ActionId, ActionKind, Timestamp};

/// An endless editor cannot starve the soak: after so many milliseconds the files are read.
const SOAK_LIMIT_MS: u64 = 10_000;

/// The exclusion files, as far as they were read.
#[derive(Debug)]
pub(crate) struct Lists {
    /// The settled set.
    set: ExclusionSet,
    /// What could not be read.
    unread: Vec<String>,
    /// When the files were first touched since they were read.
    touched: Option<Timestamp>,
    /// A read is under way, at first the one that the shell begins by itself. Never two, or the
    /// older one could have the last word.
    reading: bool,
    /// Another one is due after it.
    again: bool,
    /// Reads begun so far.
    reads: u64,
}

impl Default for Lists {
    fn default() -> Self {
        Self {
            set: ExclusionSet::default(),
            unread: Vec::new(),
            touched: None,
            reading: true,
            again: false,
            reads: 1,
        }
    }
}

impl Lists {
    /// The entry that excludes a connection.
    pub(crate) fn origin_against(
        &self,
        tid: &TransportId,
        class: ControllerClass,
    ) -> Option<Origin> {
        let entry = self.set.matches(tid, class)?;
        Some(entry.source.clone())
    }
}

impl Core {
    /// What is wrong with the exclusion files, one line each: what could not be read, and entries
    /// that exclude nothing.
    #[must_use]
    pub fn exclusion_problems(&self) -> Vec<String> {
        let invalid = self.lists.set.invalid().map(|entry| {
            let why = entry.kind.as_ref().err();
            let why = why.map(ToString::to_string).unwrap_or_default();
            format!(
                "{}: exclusion `{}` excludes nothing: {why}",
                entry.source, entry.text
            )
        });
        self.lists.unread.iter().cloned().chain(invalid).collect()
    }

    /// Starts or prolongs the soak.
    pub(crate) fn exclusions_touched(&mut self, now: Timestamp) {
        let soak_ms = self.settings.exclusion_soak_ms;
        let first = *self.lists.touched.get_or_insert(now);
        let last_moment = first.after_ms(SOAK_LIMIT_MS.max(soak_ms));
        let at = now.after_ms(soak_ms).min(last_moment);
        self.timers.set(Timer::Soak, at);
    }

    /// The soak is over.
    pub(crate) fn exclusions_settled(&mut self) {
        self.lists.touched = None;
        if self.lists.reading {
            self.lists.again = true;
        } else {
            self.read_exclusions();
        }
    }

    fn read_exclusions(&mut self) {
        self.lists.reading = true;
        self.lists.reads += 1;
        self.outbox.push(Urgency::Now, ActionKind::LoadExclusions);
    }

    /// Takes in the settled set and decides everything anew.
    pub(crate) fn exclusions_loaded(
        &mut self,
        set: ExclusionSet,
        unread: Vec<String>,
        now: Timestamp,
    ) {
        self.lists.set = set;
        self.lists.unread = unread;
        self.lists.reading = false;
        self.outbox.status_changed = true;
        if let Phase::Starting { exclusions, .. } = &mut self.phase {
            *exclusions = true;
            self.begin(now);
        } else {
            for key in self.connections.keys() {
                self.judge(&key, now);
                self.decide(&key, now);
            }
        }
        if std::mem::take(&mut self.lists.again) {
            self.read_exclusions();
        }
    }

    /// The connector read the files right before the write, and `origin` excludes the connection.
    pub(crate) fn stopped_by_connector(&mut self, key: &Key, origin: Origin, now: Timestamp) {
        let reads = self.lists.reads;
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        if connection.excluded.is_some() {
            return;
        }
        connection.excluded = Some(origin);
        connection.stopped_in = Some(reads);
        // the settled set does not have it yet, even if nobody watches the files
        if self.lists.touched.is_none() {
            self.exclusions_touched(now);
        }
    }

    /// Notes whether the settled set excludes a connection. One that just became free forgets its
    /// failures, so that it is connected at once.
    pub(crate) fn judge(&mut self, key: &Key, now: Timestamp) {
        let excluded = self.exclusion(key);
        let reads = self.lists.reads;
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        if excluded.is_none() && connection.stopped_in == Some(reads) {
            // what the connector saw is newer than the settled set
            return;
        }
        let was = std::mem::replace(&mut connection.excluded, excluded);
        let only_the_connector = connection.stopped_in.take().is_some();
        if was.is_none() || connection.excluded.is_some() {
            return;
        }
        let doubted = std::mem::replace(&mut connection.doubted, only_the_connector);
        if doubted && only_the_connector && connection.life == Life::Excluded {
            // whoever is right: not as fast as it goes
            let reason = "was excluded right before the write, and is not any more".to_owned();
            self.retry(key, reason, now);
        } else {
            connection.forget_failures();
            self.timers.clear(&Timer::Retry(key.clone()));
        }
    }

    /// An attempt was handed out, and goes on or is no longer wanted. The connector reads the
    /// files itself, and does not write for what is excluded.
    pub(crate) fn attempt_goes_on(&mut self, key: &Key, id: ActionId, now: Timestamp) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        if let Some(origin) = &connection.excluded {
            let reason = format!("excluded by {origin}; an attempt under way ends first");
            self.enter(key, Life::Stopping(id), reason, now);
        } else if connection.life == Life::Stopping(id) {
            // forgotten with the failures
            connection.attempts = connection.attempts.max(1);
            let reason = format!("connecting, attempt {}", connection.attempts);
            self.enter(key, Life::Starting(id), reason, now);
        }
    }

    /// The entry that excludes a connection. An unset host identity is the default one.
    fn exclusion(&self, key: &Key) -> Option<Origin> {
        if self.lists.set.is_empty() {
            return None;
        }
        let tid = as_host(key.tid(), &self.identity);
        self.lists.origin_against(&tid, key.class())
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
