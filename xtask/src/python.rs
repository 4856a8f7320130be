//! `cargo xtask python`: the Python module, built and tested in a virtual environment.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, ensure};
use clap::Args;

use crate::{host, out};

/// What it takes, by its name on the Python package index: the builder, the test runner, and the
/// checker of type stubs. Nothing of it is shipped.
const TOOLS: [&str; 3] = ["maturin>=1.8,<2", "pytest", "mypy"];

/// The module's package.
const PACKAGE: &str = "crates/nvmf-python";

/// Nothing to choose.
#[derive(Debug, Args)]
pub(crate) struct Python {}

/// Builds and tests; failure if a test or the comparison with the type stubs fails.
pub(crate) fn run(_: &Python) -> anyhow::Result<ExitCode> {
    let environment = environment()?;
    let python = environment.join("bin/python");
    let package = host::workspace().join(PACKAGE);
    let wheel = wheel(&environment, &package)?;
    let mut install = pip(&python);
    host::run(install.args(["--force-reinstall", "--no-deps"]).arg(wheel))?;

    let module = |name: &str| {
        let mut command = Command::new(&python);
        command.current_dir(&package).args(["-m", name]);
        // what Python would write beside the sources
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    };
    let mut stubs = module("mypy.stubtest");
    stubs.args(["nvmf", "--allowlist", "stubtest-allowlist.txt"]);
    host::run(&mut stubs).context("nvmf.pyi does not say what the module has")?;
    let mut tests = module("pytest");
    host::run(tests.args(["-q", "-x", "-p", "no:cacheprovider"]))
        .context("tests of the module failed")?;
    Ok(ExitCode::SUCCESS)
}

/// A virtual environment with the tools in it.
fn environment() -> anyhow::Result<PathBuf> {
    host::install_packages(&[("python3", "python3")])?;
    // Debian has a Python without the module that environments are made with.
    if !quiet("python3", &["-c", "import ensurepip, venv"]) {
        host::install(&["python3-venv"])?;
    }
    let folder = host::target_dir().join("python");
    if !quiet(folder.join("bin/python"), &["-m", "pip", "--version"]) {
        host::run(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(&folder),
        )?;
    }
    let progress = out::Progress::start("installing maturin, pytest and mypy");
    let installed = host::output(pip(&folder.join("bin/python")).args(TOOLS));
    installed.context("cannot install what builds and tests Python modules")?;
    progress.done("maturin, pytest and mypy are there");
    Ok(folder)
}

/// Builds the module.
fn wheel(environment: &Path, package: &Path) -> anyhow::Result<PathBuf> {
    let wheels = environment.join("wheels");
    // of an earlier version, perhaps
    if wheels.exists() {
        fs::remove_dir_all(&wheels)?;
    }
    let mut build = Command::new(environment.join("bin/maturin"));
    build.args(["build", "--quiet", "--locked", "--profile", "dev"]);
    build
        .arg("--interpreter")
        .arg(environment.join("bin/python"));
    build.arg("--out").arg(&wheels);
    build.arg("--manifest-path").arg(package.join("Cargo.toml"));
    build.env("CARGO_TARGET_DIR", host::target_dir());
    host::run(&mut build)?;
    let built = fs::read_dir(&wheels)?.collect::<Result<Vec<_>, _>>()?;
    ensure!(
        built.len() == 1,
        "maturin built {} wheels, not one",
        built.len()
    );
    Ok(built.first().context("no wheel")?.path())
}

fn pip(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    command
}

/// Whether a command succeeds; nobody wants to read what it says.
fn quiet(program: impl AsRef<OsStr>, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
