//! The command line of xtask.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{bench, deb, demo, image, install, out, python, vmrun, vmtest};

/// The project's own commands
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the main job in a virtual machine, step by step
    ///
    /// Installs what is needed on the host, builds the guest once, boots it, runs nvme-discoverd in
    /// it against targets of the real kernel. The exit status is 0 only if each step was seen to be true.
    Demo(demo::Demo),
    /// Check formatting and lints, run all tests, those in the virtual machine last
    Test(vmtest::Test),
    /// Compare how fast controllers are connected and disconnected, in the virtual machine
    Bench(bench::Bench),
    /// Build the Python module, and test it in a virtual environment
    Python(python::Python),
    /// Build and lay out what a package would contain
    Install(install::Install),
    /// Build Debian packages, and have lintian look at them
    ///
    /// The same commit gives the same bytes: nothing in a package is younger than the commit. Fails
    /// if a program weighs more than it may.
    Deb(deb::Deb),
    /// Boot the virtual machine and run one command in it: `vm-run -- nvme list`
    VmRun(vmrun::VmRun),
    /// Build the guest's files into a folder, as root (called by xtask itself through sudo)
    #[command(hide = true)]
    BuildImage { dir: PathBuf },
}

/// Does what the command line says.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Demo(args) => demo::run(&args),
        Command::Test(args) => vmtest::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Python(args) => python::run(&args),
        Command::Install(args) => install::run(&args),
        Command::Deb(args) => deb::run(&args),
        Command::VmRun(args) => vmrun::run(args),
        Command::BuildImage { dir } => {
            image::build_into(&dir, &|note| out::line(format_args!("I: {note}")))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
