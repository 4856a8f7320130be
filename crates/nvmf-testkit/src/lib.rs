//! Worlds for tests: kernel targets, daemons and conditions in the guest; fake targets
//!
//! A test says what world it wants in a few lines: [`target`] makes targets of the real kernel,
//! [`fake`] makes targets that lie or stay silent, [`World`] holds configuration, daemon and
//! the deadlines within which things must become true. All of it undoes itself when it is dropped.
//!
//! What is true is read from sysfs and the registry by code of its own ([`host`]), not by the code
//! under test.
#![expect(
    clippy::panic,
    reason = "a test framework: a world that cannot be built fails the test"
)]
#![expect(
    clippy::print_stderr,
    reason = "a test framework: a failed test prints its world"
)]

pub mod agent;
pub mod bench;
pub mod demo;
pub mod fake;
mod files;
pub mod host;
pub mod nbft;
pub mod registry;
pub mod sim;
pub mod stage;
pub mod steady;
pub mod target;
pub mod uevent;
mod world;

pub use files::OrFail;
pub use world::{
    HOST_MODULES, LATER, Moment, Ran, SOON, Status, Stopped, Terminal, TimedOut, World,
};
