//! From what is wanted to what is connected: how `connect-all` and `discover` go about it.
//!
//! [`Walker`] decides; it is pure: events in, actions out, no I/O and no clock. [`drive`] carries
//! its actions out, each on a thread of its own, and brings back what came of them.
//!
//! ```text
//!            excluded, connected already, another owner's ─────────────────────────┐
//!            │                                                                     │
//!   wanted ──┴─► waiting ──► ready ──► connecting ──► reading ──► leaving ──► done ◄┘
//!      ▲      for the probe  for its    one at a      the log      a controller that
//!      │      of its place   turn       time          page         was for the moment
//!      │         │                        │             │
//!      │         │ silent                 │ failed      │ names others,
//!      │         ▼                        ▼             │ each once, at most
//!      │       the next address of the same target,     │ 8 referrals away
//!      │       or done                                  │
//!      └────────────────────────────────────────────────┘
//! ```
//!
//! - A *place* (address, port, and where from) is probed once, however many targets are there. A
//!   connect that fails on the way there makes it doubtful, and it is probed again; one that hung
//!   the kernel fails all that wait for the same place, so that nobody waits for it twice.
//! - The kernel takes one connect at a time: discovery controllers first, so that their log pages
//!   are read while I/O controllers are being connected.
//! - What the user typed is connected whatever the exclusions say; everything else is compared
//!   with them, and so is each address of it.

mod drive;
pub(crate) mod interrupt;
mod known;
mod lanes;
mod live;
mod places;
#[cfg(test)]
mod tests;
mod walker;
mod wish;
pub(crate) mod words;
mod work;

pub(crate) use drive::{Hand, Listener, drive};
pub(crate) use walker::{Host, Policy, Walker};
pub(crate) use wish::{Outcome, Target, Wish};
pub(crate) use work::{Action, Device, Event, Fault, Made, Page, Request};
