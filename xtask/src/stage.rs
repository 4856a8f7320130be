//! What goes into the folder that the guest has at `/host`.
//!
//! `bin/`: agent, demo and tests, in `PATH`. `install/`: laid over `/` before systemd starts, once
//! in a disk's life. `stage/` and `console/`: see [`crate::runner`].

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;

use crate::programs::Executable;
use crate::{deb, host, install, out, programs};

/// Variables of everything that runs in the guest.
pub(crate) fn environment() -> BTreeMap<String, String> {
    [
        (
            "PATH",
            "/host/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ),
        ("NVMF_VM_SHARE", "/host"),
        ("RUST_BACKTRACE", "1"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// Builds the agent, without which there is no guest to talk to.
pub(crate) fn agent(share: &Path) -> anyhow::Result<()> {
    built("nvmf-testkit", "guest-agent", share)
}

/// The same for a developer in the middle of a change: an agent built before will do.
pub(crate) fn agent_of_any_age(share: &Path) -> anyhow::Result<()> {
    let error = match agent(share) {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    let old = host::target_dir().join("debug/guest-agent");
    if !old.is_file() {
        return Err(error);
    }
    out::warn(format_args!(
        "{error:#}; taking the guest-agent that was built before"
    ));
    programs::copy_stripped(&old, &share.join("bin/guest-agent"))
}

/// Builds a program and puts it into the guest's `/host/bin`.
pub(crate) fn built(package: &str, name: &str, share: &Path) -> anyhow::Result<()> {
    build_into(package, name, share, false)
}

/// The same, built as it is shipped.
pub(crate) fn released(package: &str, name: &str, share: &Path) -> anyhow::Result<()> {
    build_into(package, name, share, true)
}

fn build_into(package: &str, name: &str, share: &Path, release: bool) -> anyhow::Result<()> {
    let progress = out::Progress::start(&format!("building {name}"));
    let built = programs::build_one(package, name, release)?;
    programs::copy_stripped(&built.path, &share.join("bin").join(name))?;
    progress.done(&format!("{name} built"));
    Ok(())
}

/// Builds what is shipped, for release or not, and lays it out for the guest as a package would.
pub(crate) fn shipped(share: &Path, release: bool) -> anyhow::Result<()> {
    let progress = out::Progress::start("building the programs");
    let stripped = tempfile::tempdir()?;
    let built = stripped_programs(stripped.path(), release)?;
    install::lay_out(
        &host::workspace(),
        &built,
        &share.join("install"),
        Path::new("/usr"),
    )?;
    progress.done("programs built and laid out");
    Ok(())
}

/// Packs what is shipped: the guest's tests find packages in `/host/packages`.
pub(crate) fn packages(share: &Path) -> anyhow::Result<()> {
    let progress = out::Progress::start("packing the programs");
    let stripped = tempfile::tempdir()?;
    let built = stripped_programs(stripped.path(), false)?;
    deb::for_guest(&built, &share.join("packages"))?;
    progress.done("programs packed");
    Ok(())
}

/// What is shipped, without what a debugger needs, in a folder.
fn stripped_programs(folder: &Path, release: bool) -> anyhow::Result<Vec<Executable>> {
    let mut built = programs::build_shipped(release)?;
    for program in &mut built {
        let to = folder.join(&program.name);
        programs::copy_stripped(&program.path, &to)?;
        program.path = to;
    }
    Ok(built)
}

/// Puts one more program into the guest's `/host/bin`.
pub(crate) fn program(file: &Path, share: &Path) -> anyhow::Result<()> {
    let name = file
        .file_name()
        .with_context(|| format!("`{}` is no file", file.display()))?;
    programs::copy_stripped(file, &share.join("bin").join(name))
}
