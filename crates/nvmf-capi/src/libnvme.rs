//! The names and signatures of libnvme 3, for programs that were written for it.
//!
//! They are facts of an interface, taken from its documentation; what is behind them is ours.

pub mod context;
pub mod exclusion;
mod identity;
mod lists;
pub mod registry;
pub mod tid;
