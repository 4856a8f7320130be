//! The decisions of nvme-discoverd: events in, actions out.
//!
//! [`Core`] knows what is desired ([`Source`]: boot tables, configuration, announcements, and the
//! discovery log pages of the desired discovery controllers), what the kernel has, what is excluded and who owns what, and says what
//! is to be done. It is pure: no I/O, no clock, no randomness but a seed, so a run repeats exactly
//! from its events. The shell around it carries out:
//!
//! 1. Subscribe to uevents, then send one [`Event::ConfigLoaded`] or [`Event::ConfigRejected`],
//!    one [`Event::BootTablesLoaded`], one [`Event::ExclusionsLoaded`] and one [`Event::Listed`],
//!    in any order. Nothing is decided before all four are there.
//! 2. After every [`Core::handle`] and [`Core::tick`] call [`Core::poll_action`] until it gives
//!    `None` and carry the actions out; their results come back as events with the action's id.
//!    [`Core::poll_change`] gives the lines for the log, [`Core::status_changes`] what is to be shown anew.
//! 3. Call [`Core::tick`] when [`Core::next_deadline`] has come.
//!
//! The state machine of a connection is drawn in [`connection`].

mod action;
mod adopt;
mod announcements;
mod backoff;
pub mod connection;
mod core;
mod decide;
mod desired;
mod discovery;
mod event;
mod exclusions;
mod explain;
mod footprint;
mod key;
mod live;
mod nudges;
mod outbox;
mod outcomes;
mod plan;
mod report;
mod sightings;
mod source;
mod span;
mod states;
mod status;
mod timers;
mod units;
mod visits;

pub use self::core::{Core, Settings};
pub use action::{Action, ActionId, ActionKind, ConnectRequest, UnitSpec};
pub use event::{ClaimOutcome, ConnectOutcome, Event, FailureKind, Service, UnitOutcome};
pub use explain::{Explained, Explanation, Next, Remedy, Sentence, Subject, SubjectError, Whose};
pub use footprint::Footprint;
pub use plan::{PlannedStep, PlannedWork, StepView};
pub use report::StatusId;
pub use source::Source;
pub use status::{Change, ConnectionStatus, Counts, State, Status, StatusChanges, UnitState};
pub use timers::Timestamp;
