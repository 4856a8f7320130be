//! Live or stale: whose incarnation an entry is about.

use super::steps::{Attributes, Steps};

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
pub(super) fn of(steps: &impl Steps, sysfs_ino: u64) -> Attributes {
    let mut stamp = Attributes::from([(SYSFS_INO.to_owned(), sysfs_ino.to_string())]);
    if let Some(seqnum) = steps.seqnum() {
        stamp.insert(SEQNUM.to_owned(), seqnum.to_string());
    }
    stamp
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
