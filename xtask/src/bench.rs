//! `cargo xtask bench`: how fast controllers are connected and disconnected, compared in the guest.
//! The comparison itself is the program `nvmf-bench`; here it gets its machine.

use std::process::ExitCode;

use clap::Args;

use crate::guest::{Exit, Run};
use crate::image::Image;
use crate::session::Session;
use crate::{host, out, stage};

/// Longest time it may take.
const LIMIT_MS: u64 = 60 * 60 * 1000;

/// Controllers are made and removed by several workers, so there must be several processors to measure
/// what that is worth.
const PROCESSORS: u8 = 2;

/// What to compare.
#[derive(Debug, Args)]
pub(crate) struct Bench {
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
}

/// Compares; failure if a goal is missed.
pub(crate) fn run(args: &Bench) -> anyhow::Result<ExitCode> {
    host::install_packages(host::FOR_GUEST)?;
    let image = Image::ensure()?;
    let mut session = Session::new(image)?.with_processors(PROCESSORS);
    let share = session.share();
    stage::agent(&share)?;
    stage::released("nvmf-cli", "nvmf", &share)?;
    stage::released("nvmf-testkit", "nvmf-bench", &share)?;

    stage::shipped(&share, true)?;

    let vm = session.vm()?;
    let mut argv = vec![
        "/host/bin/nvmf-bench".to_owned(),
        format!("--rounds={}", args.rounds),
        format!("--subsystems={}", args.subsystems),
    ];
    argv.extend(args.command_only.then(|| "--command-only".to_owned()));
    argv.extend(args.daemon_only.then(|| "--daemon-only".to_owned()));
    let run = Run {
        argv,
        env: stage::environment(),
        timeout_ms: Some(LIMIT_MS),
        ..Run::default()
    };
    match vm.guest.run(run, |_, line| out::line(line)) {
        Ok(Exit::Status(0)) => Ok(ExitCode::SUCCESS),
        Ok(exit) => {
            out::warn(format_args!("not all goals were met: {exit}"));
            Ok(ExitCode::FAILURE)
        }
        Err(lost) => anyhow::bail!("{lost}\n{}", crate::session::tail(&vm.qemu.console())),
    }
}
