//! The registry as other programs meet it: many processes, a shell, a full disk, any input.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests may panic and say why"
)]

mod child;
mod documentation;
mod failures;
mod history;
mod host;
mod processes;
mod program;
mod properties;
mod reference;
mod shell;
mod slot;
