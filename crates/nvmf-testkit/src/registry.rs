//! Entries of the ownership registry, read and written without the code under test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::files::{OrFail, attribute, names};
use crate::host::Controller;

/// Where the entries are.
pub const REGISTRY: &str = "/run/nvme/registry";

/// As nvme-cli 3.0 writes an entry: a folder under a hidden name, renamed; `owner` and `seqnum`.
/// What stood there before goes first.
const WRITE: &str = r#"
set -e
umask 022
cd "$0"
new=$(mktemp -d ".$1.tmp.XXXXXX")
echo "$2" >"$new/owner"
cat /sys/kernel/uevent_seqnum >"$new/seqnum"
chmod 755 "$new"
rm -rf "$1"
mv -T "$new" "$1"
"#;

/// The folder of a controller's entry.
#[must_use]
pub fn entry(device: &str) -> PathBuf {
    Path::new(REGISTRY).join(device)
}

/// Whether the registry says, of exactly this controller, that `owner` owns it.
#[must_use]
pub fn says(device: &str, ino: u64, owner: &str) -> bool {
    let entry = entry(device);
    attribute(entry.join("sysfs-ino")) == Some(ino.to_string())
        && attribute(entry.join("owner")).as_deref() == Some(owner)
}

/// All that is in the registry, hidden names included.
#[must_use]
pub fn all() -> Vec<String> {
    names(REGISTRY)
}

/// Writes an entry as nvme-cli 3.0 does: it does not say which incarnation it is about.
#[track_caller]
pub fn write_as_nvme_cli(controller: &Controller, owner: &str) {
    fs::create_dir_all(REGISTRY).or_fail("make the registry");
    let ran = Command::new("sh")
        .args(["-c", WRITE, REGISTRY, &controller.device, owner])
        .output()
        .or_fail("run sh");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "writing an entry: {said}");
}
