//! The process that connects and disconnects controllers for nvme-discoverd.
//!
//! `nvmf-connector` serves the socket that systemd hands over, `--socket PATH` one of its own;
//! `disconnect DEVICE SYSFS_INO OWNER` disconnects exactly that controller and ends.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(std::env::args().skip(1).collect())
}
