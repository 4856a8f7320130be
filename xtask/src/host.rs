//! The machine xtask runs on: where things are, what is installed, who we are.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::out;

/// What is needed on the host, a program or an absolute path, and the Debian package it is in.
pub(crate) type Needed = &'static [(&'static str, &'static str)];

/// What the virtual machine needs.
pub(crate) const FOR_GUEST: Needed = &[
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("qemu-img", "qemu-utils"),
    ("mmdebstrap", "mmdebstrap"),
    ("mkfs.ext4", "e2fsprogs"),
    ("xz", "xz-utils"),
    ("setpriv", "util-linux"),
    (
        "/usr/share/keyrings/debian-archive-keyring.gpg",
        "debian-archive-keyring",
    ),
];

/// What the quick tests need: of manual pages, completions, packages, programs in C and in Python.
pub(crate) const FOR_TESTS: Needed = &[
    ("man", "man-db"),
    ("groff", "groff"),
    ("zsh", "zsh"),
    ("fish", "fish"),
    ("rpmspec", "rpm"),
    ("cc", "gcc"),
    ("/usr/include/stdio.h", "libc6-dev"),
    ("readelf", "binutils"),
    ("pkg-config", "pkgconf"),
    ("valgrind", "valgrind"),
    ("python3", "python3"),
    ("lintian", "lintian"),
    ("dpkg-shlibdeps", "dpkg-dev"),
];

/// What packages are made with.
pub(crate) const FOR_PACKAGES: Needed = &[
    ("dpkg-deb", "dpkg"),
    ("dpkg-shlibdeps", "dpkg-dev"),
    ("python3", "python3"),
    ("lintian", "lintian"),
];

/// The root of the workspace: that of the `cargo run` that started us, because two checkouts may
/// share one target folder, else the one we were built in.
pub(crate) fn workspace() -> PathBuf {
    let here = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().unwrap_or(&here).to_owned()
}

/// Where cargo builds.
pub(crate) fn target_dir() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    workspace().join(target)
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace());
    command
}

/// Where images are kept: `$XDG_CACHE_HOME/nvmf-vm`, or `~/.cache/nvmf-vm`.
pub(crate) fn cache() -> anyhow::Result<PathBuf> {
    let base = match env::var_os("XDG_CACHE_HOME").filter(|value| Path::new(value).is_absolute()) {
        Some(base) => PathBuf::from(base),
        None => env::home_dir()
            .context("neither XDG_CACHE_HOME nor HOME is set")?
            .join(".cache"),
    };
    Ok(base.join("nvmf-vm"))
}

/// Whether we are root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A command that runs as root: itself if we are root, through sudo otherwise.
pub(crate) fn as_root(program: impl AsRef<OsStr>) -> anyhow::Result<Command> {
    if is_root() {
        return Ok(Command::new(program));
    }
    if find("sudo").is_none() {
        bail!(
            "`{}` needs root: run this as root, or install sudo",
            Path::new(&program).display()
        );
    }
    let mut command = Command::new("sudo");
    command.arg("--").arg(program);
    Ok(command)
}

/// Runs a command to its end; its output goes where ours goes.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("cannot start `{program}`"))?;
    if !status.success() {
        bail!("`{program}` failed: {status}");
    }
    Ok(())
}

/// Runs a command to its end and returns its standard output; on failure its standard error is the cause.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let done = command.stdin(Stdio::null()).output();
    let done = done.with_context(|| format!("cannot start `{program}`"))?;
    if !done.status.success() {
        bail!(
            "`{program}` failed: {}: {}",
            done.status,
            String::from_utf8_lossy(&done.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

/// How often apt is asked: packages of another release may have to make room for those that are
/// installed, and are then missing themselves.
const ROUNDS: usize = 2;

/// Sees to it that everything is installed that is needed.
///
/// On Debian and its children it is installed by apt; elsewhere the error names the packages.
pub(crate) fn install_packages(needed: Needed) -> anyhow::Result<()> {
    let still_missing = || missing(needed, |name| find(name).is_some());
    for _ in 0..ROUNDS {
        match still_missing().as_slice() {
            [] => return Ok(()),
            packages => install(packages)?,
        }
    }
    match still_missing().as_slice() {
        [] => Ok(()),
        packages => bail!(
            "apt installed `{}`, and what is needed of it is not there",
            packages.join(" ")
        ),
    }
}

/// Installs packages by apt.
pub(crate) fn install(packages: &[&str]) -> anyhow::Result<()> {
    let list = packages.join(" ");
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    if !is_debian(&release) || find("apt-get").is_none() {
        bail!(
            "this is no Debian, so nothing was installed; install what Debian calls `{list}` and try again"
        );
    }
    let progress = out::Progress::start(&format!("installing {list}"));
    let apt = || -> anyhow::Result<Command> {
        let mut command = as_root("env")?;
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]);
        Ok(command)
    };
    progress.note("reading package lists");
    output(apt()?.arg("update"))?;
    progress.note("installing");
    output(
        apt()?
            .args(["install", "--no-install-recommends"])
            .args(packages),
    )
    .with_context(|| format!("cannot install `{list}`"))?;
    progress.done(&format!("installed {list}"));
    Ok(())
}

/// The packages that are missing, each once.
fn missing(needed: Needed, is_there: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let missing = needed.iter().filter(|(name, _)| !is_there(name));
    let mut packages: Vec<_> = missing.map(|&(_, package)| package).collect();
    packages.dedup();
    packages
}

/// Whether `/etc/os-release` names Debian or one of its children.
fn is_debian(os_release: &str) -> bool {
    os_release.lines().any(|line| {
        line.split_once('=').is_some_and(|(key, value)| {
            matches!(key, "ID" | "ID_LIKE")
                && value
                    .trim_matches('"')
                    .split_whitespace()
                    .any(|id| id == "debian")
        })
    })
}

/// Where a program is: in `PATH`, or in the folders of root that a user's `PATH` lacks; an absolute
/// path is there or not.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_and_its_children_are_recognised() {
        assert!(is_debian(
            "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n"
        ));
        assert!(is_debian("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"));
        assert!(!is_debian("NAME=\"not debian\"\nID=fedora\n"));
        assert!(!is_debian(""));
    }

    #[test]
    fn what_is_missing_is_named_by_package_and_once() {
        let nothing = missing(FOR_GUEST, |_| true);
        assert_eq!(nothing, Vec::<&str>::new());
        let all = missing(FOR_GUEST, |_| false);
        assert!(all.contains(&"qemu-system-x86") && all.contains(&"debian-archive-keyring"));
        let one = missing(FOR_GUEST, |name| name != "mmdebstrap");
        assert_eq!(one, ["mmdebstrap"]);
    }
}
