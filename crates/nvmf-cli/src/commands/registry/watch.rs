//! `nvmf registry watch`

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use nvmf::Root;
use nvmf::registry;
use nvmf_types::DeviceName;
use serde::Serialize;

use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::hangup;
use crate::output::{Output, Reader, clean};

/// Show what changes in the registry, until stopped
///
/// Prints a line for each change at once, and nothing for what there is at the start:
///
///   nvme3 added owner=discoverd
///   nvme3 note: - -> some text
///   nvme3 owner: discoverd -> me
///   nvme3 removed owner=me
///
/// `-` stands for none. What is undone quickly may not be shown. A controller's removal shows when
/// its entry is cleaned up. With -v entries of controllers that are gone are shown too, as stale.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Watch {
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// What `-o json` shows, a line each.
#[derive(Debug, Serialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
enum Change {
    Added(Entry),
    Changed {
        device: DeviceName,
        attribute: String,
        before: Option<String>,
        after: Option<String>,
    },
    Removed(Entry),
}

#[derive(Debug, Serialize)]
struct Entry {
    device: DeviceName,
    stale: bool,
    attributes: BTreeMap<String, String>,
}

impl Watch {
    #[expect(clippy::unused_self, reason = "the form of every command")]
    pub(super) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let mut watch = registry::Registry::open(root).watch()?;
        let mut stale = Stale::of(watch.entries());
        hangup::exit_when_nobody_reads();
        loop {
            if stale.show(watch.wait(None)?, out)? == Reader::Gone {
                return Ok(Outcome::Done);
            }
        }
    }
}

/// The controllers whose entries are stale, and shown with `-v` only.
#[derive(Debug)]
struct Stale(BTreeSet<DeviceName>);

impl Stale {
    fn of<'a>(entries: impl Iterator<Item = &'a registry::Entry>) -> Self {
        let stale = entries.filter(|entry| entry.stale);
        Self(stale.map(|entry| entry.device.clone()).collect())
    }

    fn show(&mut self, changes: Vec<registry::Change>, out: &mut Output) -> anyhow::Result<Reader> {
        for change in changes {
            let hidden = self.is_about_stale(&change) && !out.verbose();
            if !hidden && out.record(&Change::from(change), render)? == Reader::Gone {
                return Ok(Reader::Gone);
            }
        }
        Ok(Reader::There)
    }

    fn is_about_stale(&mut self, change: &registry::Change) -> bool {
        match change {
            registry::Change::Appeared(entry) => entry.stale && self.0.insert(entry.device.clone()),
            registry::Change::Gone(entry) => self.0.remove(&entry.device),
            registry::Change::Changed { device, .. } => self.0.contains(device),
        }
    }
}

fn render(change: &Change) -> String {
    let whole = |what: &str, entry: &Entry| {
        let owner = text(entry.attributes.get("owner"));
        let stale = if entry.stale { " (stale)" } else { "" };
        format!("{} {what}{stale} owner={owner}", entry.device)
    };
    match change {
        Change::Added(entry) => whole("added", entry),
        Change::Removed(entry) => whole("removed", entry),
        Change::Changed {
            device,
            attribute,
            before,
            after,
        } => {
            let (before, after) = (text(before.as_ref()), text(after.as_ref()));
            format!("{device} {attribute}: {before} -> {after}")
        }
    }
}

fn text(value: Option<&String>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| clean(value).into_owned())
}

impl From<registry::Change> for Change {
    fn from(change: registry::Change) -> Self {
        match change {
            registry::Change::Appeared(entry) => Self::Added(entry.into()),
            registry::Change::Gone(entry) => Self::Removed(entry.into()),
            registry::Change::Changed {
                device,
                attribute,
                before,
                after,
            } => Self::Changed {
                device,
                attribute,
                before,
                after,
            },
        }
    }
}

impl From<registry::Entry> for Entry {
    fn from(entry: registry::Entry) -> Self {
        Self {
            device: entry.device,
            stale: entry.stale,
            attributes: entry.attributes,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::args::Format;
    use crate::testing::FakeHost;

    /// What is shown of what `act` does to an owned and an unowned controller.
    fn shown(format: Format, act: impl Fn(&FakeHost)) -> String {
        let host = FakeHost::new();
        host.tcp("nvme3", "nqn.2014-08.org.example:a");
        host.tcp("nvme10", "nqn.2014-08.org.example:a");
        host.own("nvme10", "stas");
        let mut watch = registry::Registry::open(&host.root()).watch().unwrap();
        let mut stale = Stale::of(watch.entries());
        act(&host);
        let mut out = Output::captured(format, false);
        let changes = watch.wait(Some(Duration::from_secs(10))).unwrap();
        assert_eq!(stale.show(changes, &mut out).unwrap(), Reader::There);
        out.stdout().to_owned()
    }

    #[test]
    fn stale_entries_are_shown_to_who_wants_them() {
        let host = FakeHost::new();
        for device in ["nvme1", "nvme2"] {
            host.tcp(device, "nqn.2014-08.org.example:a");
            host.own(device, "stas");
        }
        host.remove("nvme2");
        let mut watch = registry::Registry::open(&host.root()).watch().unwrap();
        let [mut few, mut all] = [(); 2].map(|()| Stale::of(watch.entries()));
        let [mut brief, mut verbose] = [false, true].map(|v| Output::captured(Format::Normal, v));
        let mut follow = || {
            let changes = watch.wait(Some(Duration::from_secs(10))).unwrap();
            let _ = few.show(changes.clone(), &mut brief).unwrap();
            let _ = all.show(changes, &mut verbose).unwrap();
        };
        let note = host.file("run/nvme/registry/nvme2/note", "x\n");
        follow();
        std::fs::remove_file(note).unwrap();
        follow();
        host.remove("nvme1");
        host.file("run/nvme/registry/nvme1/note", "x\n");
        follow();
        for device in ["nvme1", "nvme2"] {
            let folder = host.root().run().join("nvme/registry").join(device);
            std::fs::rename(folder, host.root().run().join(device)).unwrap();
        }
        follow();
        assert_eq!(brief.stdout(), "nvme1 removed owner=stas\n");
        assert_eq!(
            verbose.stdout(),
            "nvme2 note: - -> x\n\
             nvme2 note: x -> -\n\
             nvme1 removed owner=stas\n\
             nvme1 added (stale) owner=stas\n\
             nvme1 removed (stale) owner=stas\n\
             nvme2 removed (stale) owner=stas\n"
        );
    }

    #[test]
    fn one_line_a_change() {
        let add = |host: &FakeHost| {
            host.own("nvme3", "me");
            host.set("nvme10", "note", "some text");
        };
        assert_eq!(
            shown(Format::Normal, add),
            "nvme3 added owner=me\nnvme10 note: - -> some text\n"
        );
        let note = |host: &FakeHost| {
            host.set("nvme3", "note", "x");
            host.set("nvme10", "owner", "me");
        };
        assert_eq!(
            shown(Format::Normal, note),
            "nvme3 added owner=-\nnvme10 owner: stas -> me\n"
        );
        let delete = |host: &FakeHost| {
            let device = "nvme10".parse().unwrap();
            registry::Registry::open(&host.root())
                .delete(&device)
                .unwrap();
        };
        assert_eq!(shown(Format::Normal, delete), "nvme10 removed owner=stas\n");
    }

    #[test]
    fn one_json_object_a_line() {
        let text = shown(Format::Json, |host| {
            host.own("nvme3", "me");
            host.set("nvme10", "note", "\"x\"");
        });
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let [added, changed] = lines.as_slice() else {
            panic!("{text}");
        };
        assert_eq!(added["change"], "added");
        assert_eq!(added["device"], "nvme3");
        assert_eq!(added["stale"], false);
        assert_eq!(added["attributes"]["owner"], "me");
        assert_eq!(
            *changed,
            serde_json::json!({
                "change": "changed", "device": "nvme10", "attribute": "note", "before": null, "after": "\"x\""
            })
        );
    }
}
