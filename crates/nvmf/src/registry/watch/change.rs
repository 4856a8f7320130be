//! What changed in the registry; `Display` is the line for the log.

use std::collections::BTreeSet;
use std::fmt;

use nvmf_types::DeviceName;

use crate::registry::Entry;
use crate::registry::stamp::{OWNER, SYSFS_INO};
use crate::registry::steps::Attributes;
use crate::registry::text::believed_owner;

/// One change of the registry. An entry that is about another controller than before (another
/// `sysfs-ino`), or whose controller went or came between two readings, is [`Change::Gone`] and
/// then [`Change::Appeared`]: what it said before means nothing for what it says now.
///
/// All changes applied in turn to [`Watch::entries`](super::Watch::entries) of before give those
/// of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// There is a new entry. It may be stale: what there was to read when it was read.
    Appeared(Entry),
    /// An attribute of an entry, a bookkeeping one perhaps, was set, changed or removed.
    Changed {
        /// The controller's name.
        device: DeviceName,
        /// The attribute's name.
        attribute: String,
        /// Its value before; `None`: there was none.
        before: Option<String>,
        /// Its value now; `None`: there is none any more.
        after: Option<String>,
    },
    /// The entry is gone; this is what it said last, `stale` included.
    Gone(Entry),
}

impl Change {
    /// The controller whose entry it is.
    #[must_use]
    pub fn device(&self) -> &DeviceName {
        match self {
            Self::Appeared(entry) | Self::Gone(entry) => &entry.device,
            Self::Changed { device, .. } => device,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Appeared(entry) => {
                let stale = if entry.stale { "stale, " } else { "" };
                write!(f, "{} appeared, {stale}{}", entry.device, owned(entry))
            }
            Self::Gone(entry) => write!(f, "{} gone, was {}", entry.device, owned(entry)),
            Self::Changed {
                device,
                attribute,
                before,
                after,
            } => {
                write!(f, "{device} {attribute} ")?;
                match (before, after) {
                    (Some(before), Some(after)) => {
                        write!(f, "is `{}`, was `{}`", line(after), line(before))
                    }
                    (None, Some(after)) => write!(f, "set to `{}`", line(after)),
                    (Some(before), None) => write!(f, "removed, was `{}`", line(before)),
                    (None, None) => f.write_str("unchanged"),
                }
            }
        }
    }
}

/// What turns `before` into `after`.
pub(super) fn between(before: Option<Entry>, after: Option<Entry>) -> Vec<Change> {
    match (before, after) {
        (None, None) => Vec::new(),
        (None, Some(after)) => vec![Change::Appeared(after)],
        (Some(before), None) => vec![Change::Gone(before)],
        (Some(before), Some(after)) if another(&before, &after) => {
            vec![Change::Gone(before), Change::Appeared(after)]
        }
        (Some(before), Some(after)) => attributes(&after.device, before.attributes, &after),
    }
}

fn another(before: &Entry, after: &Entry) -> bool {
    let stamp = |entry: &Entry| entry.attributes.get(SYSFS_INO).cloned();
    // A stamp that is added or removed does not make it another controller's.
    let stamps = stamp(before).zip(stamp(after));
    before.stale != after.stale || stamps.is_some_and(|(before, after)| before != after)
}

fn attributes(device: &DeviceName, mut before: Attributes, after: &Entry) -> Vec<Change> {
    let names: BTreeSet<String> = before
        .keys()
        .chain(after.attributes.keys())
        .cloned()
        .collect();
    let changes = names.into_iter().map(|attribute| {
        let (before, after) = (
            before.remove(&attribute),
            after.attributes.get(&attribute).cloned(),
        );
        (before != after).then(|| Change::Changed {
            device: device.clone(),
            attribute,
            before,
            after,
        })
    });
    changes.flatten().collect()
}

fn owned(entry: &Entry) -> String {
    let owner = entry.attributes.get(OWNER);
    owner
        .and_then(|text| believed_owner(text))
        .map_or_else(|| "unowned".to_owned(), |o| format!("owned by `{o}`"))
}

/// Another tool's value may have control characters: they must not break the line.
fn line(value: &str) -> String {
    let shown = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    value.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(stale: bool, attributes: &[(&str, &str)]) -> Entry {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Entry {
            device: DeviceName::from_number(3),
            attributes: attributes.iter().map(own).collect(),
            stale,
        }
    }

    fn lines(before: Option<Entry>, after: Option<Entry>) -> Vec<String> {
        let changes = between(before, after);
        changes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn one_line_each() {
        let a = || Some(entry(false, &[("owner", "a"), ("sysfs-ino", "7")]));
        let notes = || {
            let more = [("note", "x\ny"), ("owner", "b"), ("sysfs-ino", "7")];
            Some(entry(false, &more))
        };
        assert_eq!(lines(None, None), Vec::<String>::new());
        assert_eq!(lines(a(), a()), Vec::<String>::new());
        assert_eq!(lines(None, a()), ["nvme3 appeared, owned by `a`"]);
        assert_eq!(lines(a(), None), ["nvme3 gone, was owned by `a`"]);
        let there = ["nvme3 note set to `x\\ny`", "nvme3 owner is `b`, was `a`"];
        assert_eq!(lines(a(), notes()), there);
        let back = [
            "nvme3 note removed, was `x\\ny`",
            "nvme3 owner is `a`, was `b`",
        ];
        assert_eq!(lines(notes(), a()), back);
    }

    #[test]
    fn another_controller_is_another_entry() {
        let a = || Some(entry(false, &[("owner", "a"), ("sysfs-ino", "7")]));
        let appeared = |after: Entry| {
            let shown = lines(a(), Some(after));
            assert_eq!(shown.len(), 2, "{shown:?}");
            assert_eq!(shown[0], "nvme3 gone, was owned by `a`");
            shown[1].clone()
        };
        let other = entry(false, &[("sysfs-ino", "8")]);
        assert_eq!(appeared(other), "nvme3 appeared, unowned");
        let dead = entry(true, &[("owner", "a"), ("sysfs-ino", "7")]);
        assert_eq!(appeared(dead), "nvme3 appeared, stale, owned by `a`");

        let bare = || Some(entry(false, &[("owner", "a")]));
        assert_eq!(lines(bare(), a()), ["nvme3 sysfs-ino set to `7`"]);
        assert_eq!(lines(a(), bare()), ["nvme3 sysfs-ino removed, was `7`"]);
    }
}
