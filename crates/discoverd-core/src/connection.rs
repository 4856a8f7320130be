//! The life of one connection.
//!
//! ```text
//!                    desired
//!                       │
//!                       ▼        an exclusion says so
//!                    waiting ───────────────────────────► excluded
//!                       │  ▲                                │   ▲
//!    not there, or gone │  │ not to be connected now:       │   │ excluded meanwhile, or by the
//!                       │  │ the machine shuts down         │   │ files right before the write
//!                       ▼  │                                │   │
//!   ┌─────────────► starting ◄──────────────────────────────┘   │
//!   │ backoff over      │  │         no longer excluded         │
//!   │                   │  │ failed                             │
//!   │                   │  ▼                                    │
//!   ├────────────── retrying ───────────────────────────────────┤
//!   │                   ▲                                       │
//!   │        gone       │      gone                             │
//!   │       ┌───────────┴───────────┐                           │
//!   │       │   kernel reconnects   │                           │
//!   │   connected ───────────────► lost ── gone, and excluded ──┘
//!   │       ▲     ◄───────────────
//!   │       │        live again
//!   │       │ made by us, found to be ours, or claimed at the start (starting: claiming)
//!   │       │
//!   └── foreign      whenever a controller that is this connection belongs to somebody else;
//!         gone       it goes on as soon as that one is gone, or becomes ours
//! ```
//!
//! - *idle* is a discovery controller that is not to stay connected (`persistent = no`) between two
//!   reads of its log page. Only what the connector made, and nothing else needs, is disconnected
//!   for that.
//! - *gave up* is where *retrying* ends for a discovery controller that only announcements or
//!   referrals name, when it could not be connected for [`crate::Settings::dc_giveup_hours`]. It
//!   starts over when it is announced anew, or somebody asks for it.
//! - Ours is what has our owner, and what has the owner `nbft` and is a boot table's connection.
//!   Those are also connected and claimed as `nbft`, and have no unit: the root file system may be
//!   on them, and so they are left at shutdown.
//! - *starting* is the only state that ignores sightings: its controller appears before the
//!   connect's result says whose it is. If an exclusion comes meanwhile, it is shown as *excluded*
//!   already, and does the same (stopping): the connector asks the files before the kernel.
//! - What is no longer desired leaves the table at once; while it is *starting*, with the result.
//!   Its controller stays connected and keeps its unit, unless it was connected only to be read.
//! - What is found at the start is claimed if it is desired and unowned. That goes for the
//!   controllers that the first listing had, and for connections that the first good configuration
//!   named, or the first log page of a discovery controller desired since then (by referral, too),
//!   however late that one answers. All other unowned controllers were made by somebody else:
//!   foreign.
//! - A connect whose result was lost with the connector is repeated only after a listing. What it
//!   may have made, an unowned controller that appeared since, is claimed: the connector died
//!   between the kernel's answer and the registry entry.
//! - A registry entry can appear a moment after its controller. So an unowned controller gets a
//!   second look, [`crate::ActionKind::Rescan`], before foreign is the last word.

use std::collections::{BTreeMap, BTreeSet};

use nvmf_types::{ConnectOptions, LiveController, Origin, TransportId};

use crate::backoff::Backoff;
use crate::discovery::Page;
use crate::key::Key;
use crate::live::{Incarnation, Spot};
use crate::visits::Visit;
use crate::{ActionId, FailureKind, State, Timestamp};

/// A connection that lasted so many milliseconds was a good one.
const LASTED_MS: u64 = 60_000;

/// Where a connection is, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Waiting,
    Starting(ActionId),
    /// Excluded while an attempt is under way.
    Stopping(ActionId),
    Claiming(Incarnation),
    Connected(Incarnation),
    Lost(Incarnation),
    Retrying,
    Excluded,
    Foreign(Incarnation),
    Idle,
    GaveUp,
}

/// One connection of the table.
#[derive(Debug)]
pub(crate) struct Connection {
    /// False: only the result of a connect is awaited.
    pub(crate) desired: bool,
    /// It may claim what was there at the start.
    pub(crate) may_claim: bool,
    pub(crate) life: Life,
    pub(crate) reason: String,
    pub(crate) since: Timestamp,
    /// When it became connected, lost or not since.
    pub(crate) bound_at: Timestamp,
    /// When the last attempt ended, or the controller was gone.
    pub(crate) ended_at: Timestamp,
    /// Since when there is no controller that is this connection, and nothing forbids it.
    pub(crate) missing_since: Timestamp,
    /// Further ways to the same controller.
    pub(crate) others: Vec<TransportId>,
    /// The controller that the connector says is this connection; it may be gone since.
    pub(crate) made: Option<Incarnation>,
    pub(crate) excluded: Option<Origin>,
    /// `excluded` is what the connector said when so many reads of the exclusion files had begun:
    /// only a later one knows better.
    pub(crate) stopped_in: Option<u64>,
    /// The connector said so, and the next read of the files did not.
    pub(crate) doubted: bool,
    pub(crate) backoff: Backoff,
    pub(crate) attempts: u32,
    /// It passed the probe and still hung the kernel: it waits behind all others, and is probed
    /// deeper.
    pub(crate) suspect: bool,
    /// When the last attempt began, or the first of those whose result was lost.
    pub(crate) asked_at: Timestamp,
    /// The result of an attempt was lost: what appeared since `asked_at` may be its work.
    pub(crate) unanswered: bool,
    /// The options of the last attempt.
    pub(crate) tried: Option<Box<ConnectOptions>>,
    /// Whether it is connected only to read the discovery log page.
    pub(crate) visit: Visit,
    pub(crate) last_error: Option<String>,
    /// Of what kind that was, if it was a connect.
    pub(crate) failure: Option<FailureKind>,
    /// When the last attempt began.
    pub(crate) tried_at: Option<Timestamp>,
    /// The discovery log page, of a discovery controller.
    pub(crate) page: Page,
}

/// All connections, found by name and by where they lead.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    table: BTreeMap<Key, Connection>,
    by_spot: BTreeMap<Spot, BTreeSet<Key>>,
    /// Those whose status may be other than it was last asked for.
    pub(crate) touched: BTreeSet<Key>,
}

impl Life {
    /// The state that people see.
    pub(crate) const fn state(&self) -> State {
        match self {
            Self::Waiting => State::Waiting,
            Self::Starting(_) | Self::Claiming(_) => State::Starting,
            Self::Connected(_) => State::Connected,
            Self::Lost(_) => State::Lost,
            Self::Retrying => State::Retrying,
            Self::Stopping(_) | Self::Excluded => State::Excluded,
            Self::Foreign(_) => State::Foreign,
            Self::Idle => State::Idle,
            Self::GaveUp => State::GaveUp,
        }
    }

    /// The attempt whose result is awaited.
    pub(crate) const fn attempt(&self) -> Option<ActionId> {
        match self {
            Self::Starting(id) | Self::Stopping(id) => Some(*id),
            _ => None,
        }
    }

    /// The controller that it is about.
    pub(crate) const fn controller(&self) -> Option<&Incarnation> {
        match self {
            Self::Claiming(at) | Self::Connected(at) | Self::Lost(at) | Self::Foreign(at) => {
                Some(at)
            }
            _ => None,
        }
    }

    /// The controller of ours that it is.
    pub(crate) const fn ours(&self) -> Option<&Incarnation> {
        match self {
            Self::Connected(at) | Self::Lost(at) => Some(at),
            _ => None,
        }
    }
}

impl Connection {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            desired: true,
            may_claim: false,
            life: Life::Waiting,
            reason: "waiting for the first look at configuration, exclusions and controllers"
                .to_owned(),
            since: now,
            bound_at: now,
            ended_at: now,
            missing_since: now,
            others: Vec::new(),
            made: None,
            excluded: None,
            stopped_in: None,
            doubted: false,
            backoff: Backoff::default(),
            attempts: 0,
            suspect: false,
            asked_at: now,
            unanswered: false,
            tried: None,
            visit: Visit::default(),
            last_error: None,
            failure: None,
            tried_at: None,
            page: Page::default(),
        }
    }

    /// Its controller is gone, if there was one; gives the milliseconds that it lasted. Failures
    /// before a good one are forgotten.
    pub(crate) fn end(&mut self, now: Timestamp) -> u64 {
        let lasted_ms = now.since_ms(self.bound_at);
        if self.life.ours().is_some() && lasted_ms >= LASTED_MS {
            self.forget_failures();
        }
        lasted_ms
    }

    /// Starts over after good times or a change of circumstances.
    pub(crate) const fn forget_failures(&mut self) {
        self.backoff.reset();
        self.attempts = 0;
    }
}

impl Connections {
    pub(crate) fn get(&self, key: &Key) -> Option<&Connection> {
        self.table.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &Key) -> Option<&mut Connection> {
        let connection = self.table.get_mut(key)?;
        self.touched.insert(key.clone());
        Some(connection)
    }

    /// What is desired, and by whom, changed: that may be shown of each.
    pub(crate) fn touch_all(&mut self) {
        self.touched.extend(self.table.keys().cloned());
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Key, &Connection)> {
        self.table.iter()
    }

    pub(crate) fn keys(&self) -> Vec<Key> {
        self.table.keys().cloned().collect()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// The connection of that name; a new one if there is none.
    pub(crate) fn entry(&mut self, key: &Key, now: Timestamp) -> &mut Connection {
        self.list(key, key.tid());
        self.touched.insert(key.clone());
        let connection = self.table.entry(key.clone());
        connection.or_insert_with(|| Connection::new(now))
    }

    /// Replaces the further ways to the controller.
    pub(crate) fn set_others(&mut self, key: &Key, others: Vec<TransportId>) {
        let Some(connection) = self.table.get_mut(key).filter(|c| c.others != others) else {
            return;
        };
        let before = std::mem::replace(&mut connection.others, others.clone());
        before.iter().for_each(|tid| self.unlist(key, tid));
        others.iter().for_each(|tid| self.list(key, tid));
        self.list(key, key.tid());
    }

    pub(crate) fn remove(&mut self, key: &Key) -> Option<Connection> {
        let connection = self.table.remove(key)?;
        self.touched.insert(key.clone());
        self.unlist(key, key.tid());
        let others = connection.others.iter();
        others.for_each(|tid| self.unlist(key, tid));
        Some(connection)
    }

    fn list(&mut self, key: &Key, tid: &TransportId) {
        let spot = Spot::wanted(tid, key.class());
        self.by_spot.entry(spot).or_default().insert(key.clone());
    }

    fn unlist(&mut self, key: &Key, tid: &TransportId) {
        let spot = Spot::wanted(tid, key.class());
        if let Some(keys) = self.by_spot.get_mut(&spot) {
            keys.remove(key);
            if keys.is_empty() {
                self.by_spot.remove(&spot);
            }
        }
    }

    /// The connections that a controller may be.
    pub(crate) fn leading_to(&self, live: &LiveController) -> BTreeSet<Key> {
        let spots = Spot::of(live);
        let keys = spots.iter().filter_map(|spot| self.by_spot.get(spot));
        keys.flatten().cloned().collect()
    }
}
