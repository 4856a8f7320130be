//! Building what runs in the guest, and asking cargo where it put it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::host;

/// One executable that cargo built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Executable {
    /// Name of the binary or of the test file.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) path: PathBuf,
}

/// Packages whose binaries are shipped.
const SHIPPED: &[&str] = &["nvmf-cli", "nvme-discoverd", "nvmf-connector"];

/// How cargo is told to build a program as it is shipped.
const RELEASE: [&str; 2] = ["--profile", "shipped"];

/// Builds what is shipped.
pub(crate) fn build_shipped(release: bool) -> anyhow::Result<Vec<Executable>> {
    let mut arguments = vec!["build", "--bins"];
    for package in SHIPPED {
        arguments.extend(["-p", package]);
    }
    if release {
        arguments.extend(RELEASE);
    }
    build(&arguments)
}

/// Builds one binary of one package.
pub(crate) fn build_one(package: &str, name: &str, release: bool) -> anyhow::Result<Executable> {
    let mut arguments = vec!["build", "-p", package, "--bin", name];
    if release {
        arguments.extend(RELEASE);
    }
    let built = build(&arguments)?;
    built
        .into_iter()
        .find(|it| it.name == name)
        .with_context(|| format!("cargo built no `{name}`"))
}

/// Runs cargo for what leaves no executable.
pub(crate) fn cargo(arguments: &[&str]) -> anyhow::Result<()> {
    build(arguments).map(|_| ())
}

/// Builds one example of one package, for use on this machine.
pub(crate) fn build_example(package: &str, name: &str) -> anyhow::Result<Executable> {
    let built = build(&["build", "-p", package, "--example", name])?;
    let found = built.into_iter().find(|it| it.name == name);
    found.with_context(|| format!("cargo built no example `{name}`"))
}

/// Builds the tests that run in the guest.
pub(crate) fn build_vm_tests() -> anyhow::Result<Vec<Executable>> {
    let mut tests = build(&["test", "--no-run", "-p", "vm-tests", "--tests"])?;
    tests.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tests)
}

/// Copies an executable into a folder, without its debug information if `strip` is there: the
/// guest reads it over a slow line.
pub(crate) fn copy_stripped(from: &Path, to: &Path) -> anyhow::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut strip = Command::new("strip");
    strip
        .arg("--strip-debug")
        .arg("-o")
        .arg(to)
        .arg(from)
        .stderr(Stdio::null());
    if !strip.status().is_ok_and(|status| status.success()) {
        fs::copy(from, to)
            .with_context(|| format!("cannot copy `{}` to `{}`", from.display(), to.display()))?;
    }
    fs::set_permissions(to, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn build(arguments: &[&str]) -> anyhow::Result<Vec<Executable>> {
    let mut command = host::cargo();
    command
        .args(arguments)
        .args(["--quiet", "--message-format=json-render-diagnostics"]);
    let done = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    if !done.status.success() {
        bail!("`cargo {}` failed: {}", arguments.join(" "), done.status);
    }
    Ok(executables(&String::from_utf8_lossy(&done.stdout)))
}

/// The executables in cargo's messages.
fn executables(messages: &str) -> Vec<Executable> {
    #[derive(Deserialize)]
    struct Message {
        executable: Option<PathBuf>,
        target: Option<Target>,
    }
    #[derive(Deserialize)]
    struct Target {
        name: String,
    }
    let parsed = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok());
    parsed
        .filter_map(|message| {
            Some(Executable {
                path: message.executable?,
                name: message.target?.name,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_executables_are_taken_from_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"nvmf","kind":["lib"]},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"smoke","kind":["test"]},"executable":"/t/smoke-1f"}"#,
            "\nnot json\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        let found = executables(messages);
        assert_eq!(
            found,
            [Executable {
                name: "smoke".to_owned(),
                path: "/t/smoke-1f".into()
            }]
        );
    }

    #[test]
    fn a_copy_can_be_executed() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("script");
        fs::write(&from, "#!/bin/sh\n").unwrap();
        let to = dir.path().join("bin/script");
        copy_stripped(&from, &to).unwrap();
        assert_eq!(
            fs::metadata(&to).unwrap().permissions().mode() & 0o777,
            0o755
        );
    }
}
