//! The administrator's list of what must not be connected.
//!
//! An entry has up to eight fields, and a connection is excluded if it matches all fields of any
//! entry. An entry that cannot be understood excludes nothing (a typo must not exclude the world)
//! and says so.

mod entry;
mod rule;
mod set;

pub use entry::{Entry, Exclusions, InvalidEntry};
pub use rule::Rule;
pub use set::ExclusionSet;
