//! The administrator's list of what must not be connected.
//!
//! An entry has up to eight fields, and a connection is excluded if it matches all fields of any
//! entry. An entry that cannot be understood excludes nothing (a typo must not exclude the world)
//! and says so. [`ExclusionSet`] answers questions, [`Document`] is a file that can be edited.

mod document;
mod entry;
mod index;
mod matching;
mod rule;
mod set;

pub use document::{AddError, Added, Document, NoSuchEntry};
pub use entry::{Entry, Exclusions, InvalidEntry};
pub use rule::{Rule, RuleError};
pub use set::ExclusionSet;
