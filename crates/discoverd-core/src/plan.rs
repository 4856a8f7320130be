//! What the core would do from now on, as a value that can be printed.

mod view;

pub use view::StepView;

use std::fmt;

use nvmf_types::{ControllerClass, DeviceName, Origin, Owner, TransportId};

use crate::Timestamp;
use crate::connection::{Connection, Life};
use crate::core::Core;
use crate::key::Key;
use crate::outbox::Urgency;
use crate::span::Span;
use crate::timers::Timer;

/// One thing that the core would do, or leave, about one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedStep {
    /// The connection.
    pub tid: TransportId,
    /// I/O or discovery.
    pub class: ControllerClass,
    /// What would be done.
    pub work: PlannedWork,
    /// In how many milliseconds; 0: now.
    pub in_ms: u64,
    /// Who desires the connection, by the nearest chain of [`crate::Source`]s.
    pub because: String,
}

/// What would be done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlannedWork {
    /// Connect it.
    Connect {
        /// In whose name.
        owner: Owner,
        /// The how many-th attempt it is.
        attempt: u32,
        /// Only after a deep probe ([`crate::ConnectRequest::deep_probe`]).
        deep_probe: bool,
    },
    /// Await the result of an attempt.
    Await,
    /// Claim the controller, which nobody owns.
    Claim {
        /// The controller.
        device: DeviceName,
        /// For whom.
        owner: Owner,
    },
    /// Read its discovery log page, and connect what that names.
    ReadLogPage {
        /// The discovery controller.
        device: DeviceName,
    },
    /// Nothing: it is connected.
    Keep {
        /// The controller.
        device: DeviceName,
    },
    /// Nothing: the controller is somebody else's.
    LeaveAlone {
        /// The controller.
        device: DeviceName,
        /// Its owner; `None`: nobody's.
        owner: Option<Owner>,
    },
    /// Nothing: it is excluded.
    Exclude(Origin),
    /// Nothing: it was given up.
    GiveUp,
    /// Nothing yet: it cannot be decided now, and why.
    Wait(String),
}

impl Core {
    /// What would be done from now on if nothing happened but time: one step for each desired
    /// connection, the next one first, of those at one moment the most urgent one. Without a daemon,
    /// a new core that was told what there is answers for it.
    #[must_use]
    pub fn plan(&self, now: Timestamp) -> Vec<PlannedStep> {
        let desired = self.connections.iter().filter(|(_, c)| c.desired);
        let mut steps: Vec<(u64, Urgency, PlannedStep)> = desired
            .map(|(key, connection)| {
                let (work, in_ms) = self.planned(key, connection, now);
                let source = self.desired.sources(key).into_iter().next();
                let step = PlannedStep {
                    tid: key.tid().clone(),
                    class: key.class(),
                    work,
                    in_ms,
                    because: source.map(|s| s.to_string()).unwrap_or_default(),
                };
                let idle = if step.work.is_idle() { u64::MAX } else { in_ms };
                (idle, self.urgency(key), step)
            })
            .collect();
        // stable: by name where all is equal
        steps.sort_by_key(|(in_ms, urgency, _)| (*in_ms, *urgency));
        steps.into_iter().map(|(_, _, step)| step).collect()
    }

    fn planned(&self, key: &Key, connection: &Connection, now: Timestamp) -> (PlannedWork, u64) {
        let wait = |timer: Timer| self.timers.due(&timer).map(|at| at.since_ms(now));
        let connect = |attempt| PlannedWork::Connect {
            owner: self.owner_of(key),
            attempt,
            deep_probe: connection.suspect,
        };
        match &connection.life {
            Life::Starting(id) if self.outbox.waits(*id) => (connect(connection.attempts), 0),
            Life::Starting(_) | Life::Stopping(_) => (PlannedWork::Await, 0),
            Life::Retrying => {
                let in_ms = wait(Timer::Retry(key.clone())).unwrap_or(0);
                (connect(connection.attempts.saturating_add(1)), in_ms)
            }
            Life::Idle => match wait(Timer::Retry(key.clone())) {
                Some(in_ms) => (connect(1), in_ms),
                None => (PlannedWork::Wait(connection.reason.clone()), 0),
            },
            Life::Claiming(at) => {
                let known = self.live.exact(at);
                let device = at.device.clone();
                let owner =
                    known.map_or_else(|| self.owner_of(key), |known| self.claims_for(known));
                (PlannedWork::Claim { device, owner }, 0)
            }
            Life::Connected(at) | Life::Lost(at) => {
                let device = at.device.clone();
                if connection.page.is_being_read() {
                    return (PlannedWork::ReadLogPage { device }, 0);
                }
                match wait(Timer::Fetch(key.clone())) {
                    Some(in_ms) => (PlannedWork::ReadLogPage { device }, in_ms),
                    None => (PlannedWork::Keep { device }, 0),
                }
            }
            Life::Foreign(at) => {
                let known = self.live.exact(at);
                let owner = known.and_then(|known| known.live.owner.clone());
                let device = at.device.clone();
                (PlannedWork::LeaveAlone { device, owner }, 0)
            }
            Life::GaveUp => (PlannedWork::GiveUp, 0),
            Life::Excluded | Life::Waiting => match &connection.excluded {
                Some(origin) => (PlannedWork::Exclude(origin.clone()), 0),
                None => (PlannedWork::Wait(connection.reason.clone()), 0),
            },
        }
    }
}

impl PlannedWork {
    /// Whether nothing would be done.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        !matches!(
            self,
            Self::Connect { .. } | Self::Await | Self::Claim { .. } | Self::ReadLogPage { .. }
        )
    }
}

impl fmt::Display for PlannedStep {
    /// `in 3 s: connect (tcp, …) as discoverd, attempt 2, because of f:1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.in_ms {
            _ if self.work.is_idle() => {}
            0 => f.write_str("now: ")?,
            ms => write!(f, "in {}: ", Span(ms))?,
        }
        let name = self.tid.log_form();
        match &self.work {
            PlannedWork::Connect {
                owner,
                attempt,
                deep_probe,
            } => {
                write!(f, "connect {name} as {owner}")?;
                if *attempt > 1 {
                    write!(f, ", attempt {attempt}")?;
                }
                if *deep_probe {
                    f.write_str(", after a deep probe")?;
                }
            }
            PlannedWork::Await => write!(f, "await the connect of {name}")?,
            PlannedWork::Claim { device, owner } => {
                write!(
                    f,
                    "claim {device}, which is {name} and nobody's, for {owner}"
                )?;
            }
            PlannedWork::ReadLogPage { device } => {
                write!(
                    f,
                    "read the discovery log page of {device}, which is {name}"
                )?;
            }
            PlannedWork::Keep { device } => write!(f, "keep {device}, which is {name}")?,
            PlannedWork::LeaveAlone { device, owner } => {
                let owner = owner.as_ref().map_or("nobody's", |owner| owner.as_str());
                write!(f, "leave {device} alone, which is {name} and {owner}")?;
                if owner != "nobody's" {
                    f.write_str("'s")?;
                }
            }
            PlannedWork::Exclude(origin) => {
                write!(f, "do not connect {name}, excluded by {origin}")?;
            }
            PlannedWork::GiveUp => write!(f, "do not try {name} any more, it was given up")?,
            PlannedWork::Wait(why) => write!(f, "do nothing about {name}: {why}")?,
        }
        write!(f, ", because of {}", self.because)
    }
}
