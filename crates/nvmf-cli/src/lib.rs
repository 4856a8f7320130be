//! nvmf: the command line of an NVMe over Fabrics host.
//!
//! Exit status: 0 only if all that was asked was done, 1 if not, 2 for wrong usage.
//!
//! A library so that the manual pages are made of the same definitions that the program reads its
//! command line by; see `examples/nvmf-manuals`.

mod args;
mod cli;
mod commands;
mod completion;
mod hangup;
mod interrupts;
mod output;
mod privilege;
mod prompt;
mod snippet;
mod table;
#[cfg(test)]
mod testing;
mod walk;

pub use cli::main;
pub use completion::{COMPLETE, command};
