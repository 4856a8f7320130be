//! The exclusion files as other programs meet them: many processes, kills, anything in a list's
//! place, a system that says no.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests may panic and say why"
)]

mod editing;
mod failures;
mod host;
mod lists;
mod loading;
mod obstacles;
mod processes;
#[path = "../common/small_file_system.rs"]
mod small_file_system;
