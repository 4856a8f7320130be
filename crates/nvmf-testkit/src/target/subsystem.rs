//! Subsystems of the kernel's target.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{AllowedHost, BACKING, NVMET};
use crate::files::{OrFail, make_dir, names, put};

/// Makes a subsystem without a namespace that any host may use.
#[track_caller]
pub(super) fn make(nqn: &str) {
    let dir = subsystem_dir(nqn);
    make_dir(&dir);
    put(dir.join("attr_allow_any_host"), "1");
}

/// Gives it a namespace of 64 MiB.
#[track_caller]
pub(super) fn add_namespace(nqn: &str) {
    let file = backing_file(nqn);
    make_dir(BACKING);
    let backing = fs::File::create(&file).or_fail("make a namespace's file");
    backing.set_len(64 << 20).or_fail("size a namespace's file");
    let namespace = subsystem_dir(nqn).join("namespaces/1");
    make_dir(&namespace);
    put(
        namespace.join("device_path"),
        file.to_string_lossy().as_bytes(),
    );
    put(namespace.join("buffered_io"), "1");
    put(namespace.join("enable"), "1");
}

/// From now on this host may use it, and no other that was not allowed.
#[track_caller]
pub(super) fn allow(nqn: &str, host: &AllowedHost) {
    let dir = subsystem_dir(nqn);
    put(dir.join("attr_allow_any_host"), "0");
    let link = dir.join("allowed_hosts").join(host.nqn());
    symlink(host.make(), link).or_fail(format_args!("allow `{}`", host.nqn()));
}

/// Removes a subsystem; what was removed before is no failure.
pub(super) fn remove(nqn: &str) {
    let dir = subsystem_dir(nqn);
    for host in names(dir.join("allowed_hosts")) {
        let _ = fs::remove_file(dir.join("allowed_hosts").join(host));
    }
    for namespace in names(dir.join("namespaces")) {
        let namespace = dir.join("namespaces").join(namespace);
        let _ = fs::write(namespace.join("enable"), "0");
        let _ = fs::remove_dir(namespace);
    }
    let _ = fs::remove_dir(dir);
    let _ = fs::remove_file(backing_file(nqn));
}

/// Removes all subsystems that there are.
pub(super) fn remove_all() {
    for nqn in names(Path::new(NVMET).join("subsystems")) {
        remove(&nqn);
    }
}

pub(super) fn subsystem_dir(nqn: &str) -> PathBuf {
    Path::new(NVMET).join("subsystems").join(nqn)
}

fn backing_file(nqn: &str) -> PathBuf {
    Path::new(BACKING).join(nqn.replace('/', "_"))
}
