//! `cargo xtask vm-run`: boots the guest and runs one command in it.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::guest::{Exit, Run};
use crate::image::Image;
use crate::session::Session;
use crate::{host, out, shell, stage};

/// What to run, and with what in the guest.
#[derive(Debug, Args)]
pub(crate) struct VmRun {
    /// Build nvmf and nvme-discoverd and install them in the guest first
    #[arg(long)]
    install: bool,
    /// Print the guest's console log afterwards
    #[arg(long)]
    console: bool,
    /// Open a root shell in the guest after the command
    #[arg(long)]
    shell: bool,
    /// Files to put into /host/bin of the guest, such as a test binary
    #[arg(long, value_name = "FILE")]
    file: Vec<std::path::PathBuf>,
    /// Kill the command after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
    /// Program and arguments; the shared folder is /host, and /host/bin is in PATH
    #[arg(last = true)]
    argv: Vec<String>,
}

/// Boots, runs, passes the command's exit status on.
pub(crate) fn run(args: VmRun) -> anyhow::Result<ExitCode> {
    host::install_packages(host::FOR_GUEST)?;
    let mut session = Session::new(Image::ensure()?)?;
    stage::agent_of_any_age(&session.share())?;
    if args.install {
        stage::shipped(&session.share(), false)?;
    }
    for file in &args.file {
        stage::program(file, &session.share())?;
    }
    let vm = session.vm()?;
    let mut code = ExitCode::SUCCESS;
    if !args.argv.is_empty() {
        let exit = vm.guest.run(
            Run {
                argv: args.argv,
                env: stage::environment(),
                timeout_ms: u64::try_from(Duration::from_secs(args.timeout).as_millis()).ok(),
                ..Run::default()
            },
            |_, line| out::line(line),
        );
        code = match exit {
            Ok(Exit::Status(status)) => ExitCode::from(u8::try_from(status).unwrap_or(1)),
            Ok(exit) => {
                out::warn(exit);
                ExitCode::FAILURE
            }
            Err(lost) => {
                out::warn(lost);
                ExitCode::FAILURE
            }
        };
    }
    if args.shell {
        shell::open(vm)?;
    }
    if args.console {
        out::line(vm.qemu.console());
    }
    Ok(code)
}
