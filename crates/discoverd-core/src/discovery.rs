//! Discovery log pages: when they are read, and what they name.

use std::collections::BTreeSet;
use std::fmt;

use nvmf_types::config::Persistence;
use nvmf_types::log_page::{DiscoveryLog, Named, TlsUse};
use nvmf_types::{ControllerClass, DeviceName};

use crate::backoff::Backoff;
use crate::connection::Life;
use crate::core::{Core, Flight};
use crate::desired;
use crate::key::Key;
use crate::outbox::Urgency;
use crate::timers::Timer;
use crate::{ActionId, ActionKind, Sentence, Timestamp};

/// The discovery log page of one discovery controller.
#[derive(Debug, Default)]
pub(crate) struct Page {
    flight: Option<ActionId>,
    /// It changed while it was being read.
    again: bool,
    /// Failed reads.
    backoff: Backoff,
    /// Reads that found another generation than the one before.
    restless: Backoff,
    /// The generation that was read last, from the controller that there is.
    generation: Option<u64>,
    /// Whether the discovery controller says that it keeps connections and tells of changes.
    keeps: Option<bool>,
    /// The generation that was read last, whichever controller that was from.
    known: Option<u64>,
    /// How often in a row it did not keep a connection until its page would have been read again.
    brief: u8,
    /// Connections named by the last one that could be read.
    names: Option<usize>,
    /// Why the last attempt to read it failed.
    pub(crate) error: Option<String>,
    /// Entries that name no possible connection.
    pub(crate) problems: Vec<String>,
}

const MINUTE_MS: u64 = 60_000;

/// A log page may have 65,536 entries that are of no use: so many are told of one by one.
const MAX_PROBLEMS: usize = 16;

impl Core {
    /// A discovery controller says that its log page changed, or that it is back.
    pub(crate) fn discovery_changed(&mut self, device: &DeviceName) {
        let Some(known) = self.live.get(device) else {
            return;
        };
        for key in known.bound.clone() {
            if let Some(connection) = self.connections.get_mut(&key) {
                connection.visit.left = false;
            }
            self.fetch(&key);
        }
    }

    /// Reads the log page of a connected discovery controller; once more if it is being read.
    pub(crate) fn fetch(&mut self, key: &Key) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let Life::Connected(at) = &connection.life else {
            return;
        };
        if !key.is_discovery() {
            return;
        }
        if connection.page.flight.is_some() {
            connection.page.again = true;
            return;
        }
        let kind = ActionKind::FetchLog {
            device: at.device.clone(),
            sysfs_ino: at.sysfs_ino,
        };
        let id = self.outbox.push(Urgency::Now, kind);
        connection.page.flight = Some(id);
        self.timers.clear(&Timer::Fetch(key.clone()));
        self.flights.insert(id, Flight::Fetch(key.clone()));
    }

    /// Takes in a log page, or why there is none. A failure empties nothing.
    pub(crate) fn log_fetched(
        &mut self,
        id: ActionId,
        result: Result<DiscoveryLog, String>,
        now: Timestamp,
    ) {
        let Some(Flight::Fetch(key)) = self.flights.get(&id).cloned() else {
            return;
        };
        self.flights.remove(&id);
        let Some(connection) = self.connections.get_mut(&key) else {
            return;
        };
        let page = &mut connection.page;
        page.flight = None;
        let again = std::mem::take(&mut page.again);
        let was_read = result.is_ok();
        match result {
            Ok(log) => {
                page.error = None;
                page.backoff.reset();
                let moved = page.generation.replace(log.genctr) != Some(log.genctr);
                let new = page.known.replace(log.genctr) != Some(log.genctr);
                let is_visit = connection.visit.only;
                self.plan_next_read(&key, &log, moved && !is_visit, now);
                // what a visit finds as it was says nothing anew
                self.read(&key, log, moved && (new || !is_visit), now);
            }
            Err(message) => {
                page.error = Some(message);
                let (initial, max) = (self.settings.retry_initial_ms, self.settings.retry_max_ms);
                let delay = page.backoff.next_delay_ms(initial, max, &mut self.jitter);
                let timer = Timer::Fetch(key.clone());
                self.timers.set(timer, now.after_ms(delay));
                self.outbox.status_changed = true;
            }
        }
        self.refresh(&key, now);
        if again {
            self.fetch(&key);
        } else if was_read {
            self.leave(&key);
        }
    }

    /// A generation that moved is read once more: a change that came while it was read may have
    /// raised no event. A page that is not told of is read again in a while.
    fn plan_next_read(&mut self, dc: &Key, log: &DiscoveryLog, moved: bool, now: Timestamp) {
        let promised = log.stays(Persistence::Auto, &self.desired.via(dc));
        let keeps = promised && self.desired.is_kept(dc);
        let (initial, max) = (self.settings.retry_initial_ms, self.settings.retry_max_ms);
        let recheck_ms = self.recheck_ms();
        let Some(connection) = self.connections.get_mut(dc) else {
            return;
        };
        let page = &mut connection.page;
        page.keeps = Some(keeps);
        let delay = if moved {
            page.restless.next_delay_ms(initial, max, &mut self.jitter)
        } else {
            page.restless.reset();
            match recheck_ms {
                Some(ms) if !keeps => ms,
                _ => return,
            }
        };
        let timer = Timer::Fetch(dc.clone());
        self.timers.set(timer, now.after_ms(delay));
    }

    /// How often a page is read that is not told of.
    pub(crate) fn recheck_ms(&self) -> Option<u64> {
        let minutes = u64::from(self.settings.dc_recheck_minutes);
        (minutes > 0).then(|| minutes.saturating_mul(MINUTE_MS))
    }

    /// A discovery controller of ours is gone after that many milliseconds. Gives how long to wait
    /// until it is asked again, if it seems to keep no connection: once may be an accident.
    pub(crate) fn not_kept(&mut self, dc: &Key, lasted_ms: u64) -> Option<u64> {
        let recheck_ms = self.recheck_ms()?;
        let page = &mut self.connections.get_mut(dc)?.page;
        if page.keeps == Some(false) && lasted_ms < recheck_ms {
            page.brief = page.brief.saturating_add(1);
        } else {
            page.brief = 0;
        }
        (page.brief > 1).then_some(recheck_ms)
    }

    /// What is being read comes from a controller that is not this connection any more.
    pub(crate) fn abandon_page(&mut self, key: &Key) {
        self.timers.clear(&Timer::Fetch(key.clone()));
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let page = &mut connection.page;
        page.again = false;
        page.error = None;
        page.generation = None;
        page.backoff.reset();
        page.restless.reset();
        if let Some(id) = page.flight.take() {
            self.flights.remove(&id);
        }
    }

    fn read(&mut self, dc: &Key, log: DiscoveryLog, moved: bool, now: Timestamp) {
        let via = self.desired.via(dc);
        let (connections, mut problems) = log.connections(&via);
        let mut page = desired::Page::default();
        let mut named = BTreeSet::new();
        for Named { class, tid, tls } in connections {
            let key = Key::new(class, tid);
            if tls == TlsUse::Required {
                page.secured.insert(key.clone());
            }
            let of_its_class = match class {
                ControllerClass::Io => &mut page.io,
                ControllerClass::Discovery => &mut page.referrals,
            };
            of_its_class.insert(key.clone());
            named.insert(key);
        }
        let more = problems.len().saturating_sub(MAX_PROBLEMS);
        if more > 0 {
            problems.truncate(MAX_PROBLEMS);
            problems.push(format!("{more} more entries cannot be used"));
        }
        if let Some(connection) = self.connections.get_mut(dc) {
            connection.page.names = Some(named.len());
            connection.page.problems = problems;
        }
        let diff = self.desired.set_page(dc, page);
        let at_start = self.first_pages.remove(dc);
        self.outbox.status_changed = true;
        self.apply(diff, at_start, now);
        for key in named.iter().filter(|_| at_start) {
            if let Some(connection) = self.connections.get_mut(key) {
                connection.may_claim = true;
                self.decide(key, now);
            }
        }
        for key in named.iter().filter(|_| moved) {
            self.named_again(key, now);
        }
    }
}

impl Page {
    /// Whether it is being read, or about to be.
    pub(crate) const fn is_being_read(&self) -> bool {
        self.flight.is_some()
    }

    /// Whether it was read from the controller that there is, and nothing more is to be read.
    pub(crate) const fn is_read(&self) -> bool {
        self.generation.is_some() && self.flight.is_none()
    }

    /// What is to be said of it; nothing before it was read.
    pub(crate) fn sentence(&self) -> Option<Sentence> {
        match &self.error {
            Some(error) => Some(Sentence::Page(Err(error.clone()))),
            None => self.names.map(|n| Sentence::Page(Ok(n))),
        }
    }
}

impl fmt::Display for Page {
    /// What follows `connected as nvme0` and the like; nothing for I/O controllers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.error, self.names) {
            (Some(_), _) => f.write_str("; its discovery log page cannot be read"),
            (None, Some(1)) => f.write_str("; its discovery log page names 1 connection"),
            (None, Some(n)) => write!(f, "; its discovery log page names {n} connections"),
            (None, None) => Ok(()),
        }
    }
}
