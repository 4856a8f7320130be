//! Live or stale: whose incarnation an entry is about.

use std::collections::BTreeMap;

use nvmf_types::DeviceName;
use rustix::io::{Errno, Result};

use crate::Root;

/// `/sys/kernel/uevent_seqnum` when the entry was written, for tools that compare it with a
/// remove event.
pub(super) const SEQNUM: &str = "seqnum";

/// Inode of the controller's sysfs directory.
pub(super) const SYSFS_INO: &str = "sysfs-ino";

/// The attribute that this is all about.
pub(super) const OWNER: &str = "owner";

/// Whether only the registry itself writes the attribute.
pub(super) fn is_reserved(attribute: &str) -> bool {
    matches!(attribute, SEQNUM | SYSFS_INO)
}

/// Whether an entry is about the controller `current` (`None`: there is none). An entry without
/// `sysfs-ino`, another tool's, is believed as long as there is a controller.
pub(super) fn is_live(sysfs_ino: Option<&str>, current: Option<u64>) -> bool {
    match (current, sysfs_ino) {
        (None, _) => false,
        (Some(current), Some(stamp)) => stamp.parse() == Ok(current),
        (Some(_), None) => true,
    }
}

/// The attributes that mark an entry as being about the controller `sysfs_ino`.
pub(super) fn stamp(root: &Root, sysfs_ino: u64) -> BTreeMap<String, String> {
    let mut stamp = BTreeMap::from([(SYSFS_INO.to_owned(), sysfs_ino.to_string())]);
    if let Ok(text) = std::fs::read_to_string(root.sys().join("kernel/uevent_seqnum")) {
        let digits = text.trim();
        if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
            stamp.insert(SEQNUM.to_owned(), digits.to_owned());
        }
    }
    stamp
}

/// The incarnation that has the name `device` now.
pub(super) fn current(root: &Root, device: &DeviceName) -> Result<Option<u64>> {
    match rustix::fs::stat(root.sys().join("class/nvme").join(device.as_str())) {
        Ok(stat) => Ok(Some(stat.st_ino)),
        Err(Errno::NOENT | Errno::NODEV) => Ok(None),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_or_stale() {
        for (stamp, current, live) in [
            (Some("12"), Some(12), true),
            (Some("12"), Some(13), false),
            (Some("12"), None, false),
            (Some("junk"), Some(12), false),
            (None, Some(12), true),
            (None, None, false),
        ] {
            assert_eq!(is_live(stamp, current), live, "{stamp:?} {current:?}");
        }
    }
}
