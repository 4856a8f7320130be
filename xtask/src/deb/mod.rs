//! `cargo xtask deb`: Debian packages of what `cargo xtask install` lays out.

mod pack;
mod packages;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, bail, ensure};
use clap::Args;

use crate::programs::{self, Executable};
use crate::{host, install, library, manuals, out};
use pack::Release;

/// Where the packages go, and what they are called.
#[derive(Debug, Args)]
pub(crate) struct Deb {
    /// Folder for the packages [default: debian in cargo's target folder]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Version of the packages [default: the workspace's]
    #[arg(long)]
    version: Option<String>,
}

/// What the packages may weigh: the name of a program and the bytes that it has at most, stripped.
const LIMITS: &[(&str, u64)] = &[("nvme-discoverd", 3_000_000), ("nvmf", 4_000_000)];

/// Builds, packs and checks.
pub(crate) fn run(args: &Deb) -> anyhow::Result<ExitCode> {
    host::install_packages(host::FOR_PACKAGES)?;
    let progress = out::Progress::start("building the programs");
    let built = programs::build_shipped(true)?;
    progress.done("programs built");
    weigh(&built)?;
    let release = Release::current(args.version.as_deref())?;
    let output = match &args.output {
        Some(output) => output.clone(),
        None => host::target_dir().join("debian"),
    };
    let staging = tempfile::tempdir()?;
    stage(&built, staging.path())?;
    let progress = out::Progress::start("building the libraries");
    let (source, root) = (host::workspace(), staging.path());
    let mut written = Vec::new();
    let libdir = Path::new("/usr/lib").join(&release.multiarch);
    library::lay_out(&source, root, Path::new("/usr"), &libdir, &mut written)?;
    library::lay_out_python(&source, &root.join("usr"), &mut written)?;
    progress.done("libraries built");
    let packages = pack::all(staging.path(), &output, &release)?;
    for package in &packages {
        out::line(package.display());
    }
    lint(&packages)?;
    Ok(ExitCode::SUCCESS)
}

/// Lays everything out below `staging` as it is on a Debian system.
pub(crate) fn stage(built: &[Executable], staging: &Path) -> anyhow::Result<()> {
    let source = host::workspace();
    let mut written = install::lay_out(&source, built, staging, Path::new("/usr"))?;
    manuals::lay_out(&source, &staging.join("usr"), &mut written)
}

/// Packs what the guest's tests install and upgrade to: two versions of the same, one folder each.
pub(crate) fn for_guest(built: &[Executable], output: &Path) -> anyhow::Result<()> {
    host::install_packages(host::FOR_PACKAGES)?;
    let staging = tempfile::tempdir()?;
    stage(built, staging.path())?;
    for (folder, version) in [("old", "0.0.1"), ("new", "0.0.2")] {
        let release = Release::current(Some(version))?;
        pack::all(staging.path(), &output.join(folder), &release)?;
    }
    Ok(())
}

fn weigh(built: &[Executable]) -> anyhow::Result<()> {
    for (name, limit) in LIMITS {
        let program = built.iter().find(|program| program.name == *name);
        let path = &program.with_context(|| format!("no `{name}`"))?.path;
        let size = fs::metadata(path)?.len();
        out::line(format_args!("{name}: {size} bytes of {limit}"));
        ensure!(
            size <= *limit,
            "`{name}` has {size} bytes, and may have {limit}: what did it grow by?"
        );
    }
    Ok(())
}

/// Has lintian look at the packages.
fn lint(packages: &[PathBuf]) -> anyhow::Result<()> {
    let mut lintian = Command::new("lintian");
    lintian.args(["--fail-on", "error"]);
    if host::is_root() {
        lintian.arg("--allow-root");
    }
    let done = lintian.args(packages).output()?;
    for line in String::from_utf8_lossy(&done.stdout).lines() {
        out::line(line);
    }
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        bail!("lintian does not agree: {}{said}", done.status);
    }
    Ok(())
}
