//! A simulated host for the daemon's decisions.
//!
//! The world is simulated, the brain never: the real [`discoverd_core::Core`] runs beside a fake
//! kernel that hands out the lowest free number, a registry and a udev that lags, targets that
//! refuse, hang and lie, discovery controllers in rings, other tools that connect, claim, release
//! and disconnect, administrators who edit, and crashes of daemon and connector between any two
//! steps. A [`Schedule`] is made from a seed; [`Schedule::run`] takes its steps, checks every
//! single action of the core, then ends all trouble and checks that what is desired gets connected.
//! A schedule that fails is cut down by [`Schedule::shrink`] to the steps that matter.
//!
//! [`search`] runs many on all processors.

mod connector;
mod daemon;
mod damping;
mod host;
mod kernel;
mod name;
mod quiet;
mod random;
mod schedule;
mod search;
mod step;
mod story;
mod target;
#[cfg(test)]
mod tests;
mod watch;
mod worker;
mod world;

pub use name::{Name, Names};
pub use schedule::{Failure, Schedule};
pub use search::{Found, search};
pub use step::Step;
pub use target::Mode;
