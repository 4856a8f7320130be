//! Text of the configuration files: what is to be connected, and how the daemon behaves.
//!
//! The readers take texts, not paths, and find all problems in one pass. What they return is
//! complete: every connection carries the options that the cascade gives it.

mod controller_line;
mod daemon;
mod document;
mod edits;
mod excerpt;
mod host;
mod layer;
pub mod legacy;
mod model;
mod parse;
mod problem;
mod read;
mod report;
#[cfg(test)]
mod tests;
mod unresolved;
mod wish;

pub use daemon::{DaemonConfig, LogLevel};
pub use edits::{Added, ChangedFile, EditError, Edits, ExistingFile, Persona};
pub use model::{
    Config, ConfigFile, Connection, Origins, Persistence, Scope, SecretReference,
    UnknownPersistence,
};
pub use parse::parse;
pub use problem::{Place, Problem, Problems, Severity};
pub use unresolved::Unresolved;
pub use wish::{Wish, WishError};
