//! A file system that has hardly any room.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs `child` in a mount namespace of its own in which `folder` is a file system of 128 KiB and 40
/// inodes, or says why it cannot.
pub(crate) fn run(folder: &Path, child: &Command) {
    let mut unshare = vec!["unshare", "-m"];
    if !rustix::process::geteuid().is_root() {
        unshare.push("-r");
    }
    let namespace = |script: &str| {
        let mut command = Command::new(unshare[0]);
        command.args(&unshare[1..]);
        command.args(["sh", "-c", script, "sh"]).arg(folder);
        command
    };
    let mount = r#"mount -t tmpfs -o size=128k,nr_inodes=40 small "$1""#;
    let possible = namespace(mount).output().unwrap();
    if !possible.status.success() {
        let why = String::from_utf8_lossy(&possible.stderr).into_owned();
        eprintln!("SKIP: no mount namespace: {}", why.trim());
        return;
    }
    let script = format!(r#"{mount} && shift && exec "$@""#);
    let environment = child
        .get_envs()
        .filter_map(|(key, value)| Some((key, value?)));
    let status = namespace(&script)
        .arg(child.get_program())
        .args(child.get_args())
        .envs(environment)
        .status();
    assert!(status.unwrap().success());
}

/// Fills the file system of `folder` up, with files of one `pages` or `inodes` each, but for `free`
/// of them.
pub(crate) fn fill_up(folder: &Path, what: &str, free: usize) {
    let mut fillers: Vec<PathBuf> = Vec::new();
    loop {
        let path = folder.join(format!("filler-{}", fillers.len()));
        let text = if what == "pages" { "x" } else { "" };
        let full = fs::write(&path, text).is_err();
        if path.exists() {
            fillers.push(path);
        }
        if full {
            break;
        }
    }
    for path in fillers.drain(..).take(free) {
        fs::remove_file(path).unwrap();
    }
}
