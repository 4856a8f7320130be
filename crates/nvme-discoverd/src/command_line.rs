//! The command line and the program's frame.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use nvmf::Root;

use crate::startup::{self, Place};

/// Keeps the NVMe over Fabrics controllers of this host connected, as /etc/nvme/nvme-fabrics.conf
/// and the discovery controllers named there say.
///
/// Started by systemd as nvme-discoverd.service. SIGHUP reads the configuration again; SIGTERM
/// ends the daemon and disconnects nothing. `nvmf status` shows what it does and why.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    /// Program that a controller's unit runs to disconnect it
    #[arg(long, value_name = "PATH", default_value_os_t = beside_this_program())]
    connector: PathBuf,
    /// Folder that stands for the root of the system, for tests
    #[arg(long, value_name = "DIR", default_value = "/", hide = true)]
    root: PathBuf,
}

/// Threads for what blocks. Log pages have a share of their own, so a target that keeps one of
/// them waiting holds up no reading of sysfs.
const BLOCKING_THREADS: usize = 32;

/// Runs the daemon until it is told to stop: status 0, or 1 with a line on standard error.
pub(crate) fn run() -> ExitCode {
    match start(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // with standard error closed there is nobody to tell
            let _ = writeln!(std::io::stderr(), "nvme-discoverd: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: Arguments) -> anyhow::Result<()> {
    anyhow::ensure!(rustix::process::geteuid().is_root(), "must run as root");
    let place = Place {
        root: Root::new(arguments.root),
        connector: arguments.connector,
    };
    let settings = startup::settings(&place.root);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .context("cannot start the event loop")?;
    let done = runtime.block_on(startup::run(place, settings));
    // what still blocks in the kernel ends by itself
    runtime.shutdown_timeout(Duration::ZERO);
    done
}

/// `PREFIX/libexec/nvmf/connector` for a daemon in `PREFIX/sbin`.
fn beside_this_program() -> PathBuf {
    let this = std::env::current_exe().unwrap_or_else(|_| "/usr/sbin/nvme-discoverd".into());
    let prefix = this.ancestors().nth(2).map(PathBuf::from);
    prefix
        .unwrap_or_else(|| "/usr".into())
        .join("libexec/nvmf/connector")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
        assert!(beside_this_program().ends_with("libexec/nvmf/connector"));
    }
}
