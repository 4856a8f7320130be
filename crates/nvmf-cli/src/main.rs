//! nvmf: the command line of an NVMe over Fabrics host.
//!
//! Exit status: 0 only if all that was asked was done, 1 if not, 2 for wrong usage.

mod args;
mod cli;
mod commands;
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

fn main() -> std::process::ExitCode {
    cli::main()
}
