//! The project's own commands: `cargo xtask demo`, `cargo xtask test`, `cargo xtask install`.

mod bench;
mod cli;
mod deb;
mod demo;
mod guest;
mod host;
mod image;
mod install;
mod kvm;
mod library;
mod manuals;
mod out;
mod picture;
mod programs;
mod python;
mod qemu;
mod runner;
mod session;
mod shell;
mod stage;
mod steps;
mod vmrun;
mod vmtest;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run().unwrap_or_else(|error| {
        out::error(&error);
        ExitCode::FAILURE
    })
}
