//! The configuration as several programs change it: many processes, kills, a full disk.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests may panic and say why"
)]

mod failures;
mod host;
mod processes;
#[path = "../common/small_file_system.rs"]
mod small_file_system;
