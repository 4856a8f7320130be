//! Compares how fast controllers are connected and disconnected; see [`nvmf_testkit::bench`].

use std::process::ExitCode;

use clap::Parser;
use nvmf_testkit::bench::{self, Part, Plan};

/// Compare nvmf with nvme and with bare writes to the kernel, against targets of the real kernel.
///
/// Wants a machine of its own, as root: it removes all targets and fabrics controllers it finds.
/// The exit status is 0 only if each goal was met.
#[derive(Debug, Parser)]
struct Arguments {
    /// Rounds of each comparison
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Subsystems to connect
    #[arg(long, default_value_t = 64)]
    subsystems: usize,
    /// Leave nvme-discoverd out
    #[arg(long, conflicts_with = "daemon_only")]
    command_only: bool,
    /// Only nvme-discoverd
    #[arg(long)]
    daemon_only: bool,
    /// Write the lines of this file to /dev/nvme-fabrics, one after the other, and nothing else
    #[arg(long, value_name = "FILE")]
    write: Option<std::path::PathBuf>,
    /// Delete all fabrics controllers with four writers, and nothing else
    #[arg(long)]
    delete: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(file) = &arguments.write {
        return bench::write_lines(file);
    }
    if arguments.delete {
        return bench::delete_all();
    }
    let only = match (arguments.command_only, arguments.daemon_only) {
        (true, _) => Some(Part::Command),
        (_, true) => Some(Part::Daemon),
        _ => None,
    };
    bench::run(&Plan {
        only,
        rounds: arguments.rounds,
        subsystems: arguments.subsystems,
    })
}
