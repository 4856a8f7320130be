//! The core: its inputs and outputs.

use nvmf_types::Owner;

use crate::{Action, Change, Event, Status, Timestamp};

/// What can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whose name new controllers get and whose controllers are ours.
    pub owner: Owner,
    /// How long exclusion files must rest before they are read, in milliseconds.
    pub exclusion_soak_ms: u64,
    /// How long a target may take to answer the probe, in milliseconds.
    pub probe_timeout_ms: u64,
    /// The first delay before another attempt, in milliseconds.
    pub retry_initial_ms: u64,
    /// The longest delay before another attempt, in milliseconds (± 20 %).
    pub retry_max_ms: u64,
    /// Where the jitter of the delays starts.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            owner: Owner::discoverd(),
            exclusion_soak_ms: 1_000,
            probe_timeout_ms: 2_000,
            retry_initial_ms: 1_000,
            retry_max_ms: 300_000,
            seed: 0,
        }
    }
}

/// The decisions. See the crate's documentation for how to drive it.
#[derive(Debug)]
pub struct Core {
    settings: Settings,
}

impl Core {
    /// A core that knows nothing yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Takes in what happened. Call [`Core::poll_action`] and [`Core::next_deadline`] again
    /// afterwards.
    pub fn handle(&mut self, event: Event, now: Timestamp) {
        let _ = (event, now);
    }

    /// Lets due timers fire. Calling it early or often does no harm.
    pub fn tick(&mut self, now: Timestamp) {
        let _ = now;
    }

    /// The next thing to do; `None`: nothing for now. What is urgent comes first.
    pub fn poll_action(&mut self) -> Option<Action> {
        None
    }

    /// The next change of a connection's state, for the log.
    pub fn poll_change(&mut self) -> Option<Change> {
        None
    }

    /// When to call [`Core::tick`]; `None`: only events matter.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        None
    }

    /// What to show people.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        let _ = now;
        Status::default()
    }
}
