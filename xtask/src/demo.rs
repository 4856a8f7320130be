//! `cargo xtask demo`: the main job, shown in the guest. The story itself is the program
//! `nvmf-demo`; here it gets its machine.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::guest::{Exit, Run};
use crate::image::Image;
use crate::session::Session;
use crate::{host, out, picture, shell, stage};

/// Longest time the story may take.
const LIMIT_MS: u64 = 10 * 60 * 1000;

/// How to show it.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Stay at a root prompt in the guest afterwards, with everything running
    #[arg(long)]
    shell: bool,
    /// Draw the first steps into FILE, an SVG, as they look on a terminal
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
}

/// Shows it; the exit status tells whether each step was seen to be true.
pub(crate) fn run(args: &Demo) -> anyhow::Result<ExitCode> {
    if args.shell && !std::io::stdin().is_terminal() {
        anyhow::bail!("`--shell` needs a terminal on standard input");
    }
    host::install_packages(host::FOR_GUEST)?;
    let image = Image::ensure()?;
    let mut session = Session::new(image)?;
    let share = session.share();
    stage::agent(&share)?;
    stage::shipped(&share, false)?;
    stage::built("nvmf-testkit", "nvmf-demo", &share)?;

    let vm = session.vm()?;
    let mut env = stage::environment();
    if std::io::stdout().is_terminal() || args.picture.is_some() {
        env.insert("CLICOLOR_FORCE".to_owned(), "1".to_owned());
    } else {
        env.insert("NO_COLOR".to_owned(), "1".to_owned());
    }
    // How long ago the machine was switched on: the story counts from there.
    let uptime = vm.started().elapsed().as_millis().to_string();
    env.insert("NVMF_DEMO_UPTIME_MS".to_owned(), uptime);
    let mut argv = vec!["/host/bin/nvmf-demo".to_owned()];
    argv.extend(args.shell.then(|| "--keep".to_owned()));
    let run = Run {
        argv,
        env,
        timeout_ms: Some(LIMIT_MS),
        ..Run::default()
    };
    let mut said = Vec::new();
    let exit = vm.guest.run(run, |_, line| {
        out::line(line);
        said.push(line.to_owned());
    });
    if let Some(file) = &args.picture {
        picture::draw(file, &said)?;
    }
    let code = match exit {
        Ok(Exit::Status(0)) => ExitCode::SUCCESS,
        Ok(exit) => {
            out::warn(format_args!("the demo did not go as told: {exit}"));
            ExitCode::FAILURE
        }
        Err(lost) => anyhow::bail!("{lost}\n{}", crate::session::tail(&vm.qemu.console())),
    };
    if args.shell {
        shell::open(vm)?;
    }
    Ok(code)
}
