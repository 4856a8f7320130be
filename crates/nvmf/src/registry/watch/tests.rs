//! A watch, and what it says about what others do.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nvmf_types::DeviceName;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, RenameFlags};

use super::{Change, Watch};
use crate::registry::tests::{NQN, attr, host, owner};
use crate::registry::{Entry, Reaped, Registry};
use crate::testing::FakeHost;

pub(super) const NONE: [&str; 0] = [];

pub(super) type Mirror = BTreeMap<DeviceName, Entry>;

/// A watch whose reports are checked: applied to what was there they give what is there.
pub(super) struct Checked {
    pub(super) watch: Watch,
    replayed: Mirror,
}

impl Checked {
    pub(super) fn new(registry: &Registry) -> Self {
        let watch = registry.watch().unwrap();
        let replayed = mirror(&watch);
        Self { watch, replayed }
    }

    /// What changed, a line each.
    pub(super) fn lines(&mut self) -> Vec<String> {
        let changes = self.watch.changes().unwrap();
        self.apply(&changes)
    }

    pub(super) fn apply(&mut self, changes: &[Change]) -> Vec<String> {
        for change in changes.iter().cloned() {
            match change {
                Change::Appeared(entry) => {
                    let there = self.replayed.insert(entry.device.clone(), entry);
                    assert_eq!(there, None);
                }
                Change::Gone(entry) => {
                    assert_eq!(self.replayed.remove(&entry.device), Some(entry));
                }
                Change::Changed {
                    device,
                    attribute,
                    before,
                    after,
                } => {
                    assert_ne!(before, after);
                    let attributes = &mut self.replayed.get_mut(&device).unwrap().attributes;
                    let there = match after {
                        Some(after) => attributes.insert(attribute, after),
                        None => attributes.remove(&attribute),
                    };
                    assert_eq!(there, before);
                }
            }
        }
        assert_eq!(self.replayed, mirror(&self.watch));
        changes.iter().map(ToString::to_string).collect()
    }

    pub(super) fn is_readable(&self) -> bool {
        let mut fds = [PollFd::new(&self.watch, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec::default())).unwrap() == 1
    }
}

fn mirror(watch: &Watch) -> Mirror {
    let own = |entry: &Entry| (entry.device.clone(), entry.clone());
    watch.entries().map(own).collect()
}

impl FakeHost {
    pub(super) fn entry(&self, relative: &str) -> PathBuf {
        self.path("run/nvme/registry").join(relative)
    }
}

fn exchange(host: &FakeHost, a: &str, b: &str) {
    let (a, b) = (host.entry(a), host.entry(b));
    rustix::fs::renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE).unwrap();
}

#[test]
fn what_the_registry_itself_does() {
    let (host, registry, device) = host();
    let mut watch = Checked::new(&registry);
    let (a, note) = (owner("a"), attr("note"));
    assert!(!watch.is_readable());
    assert_eq!(watch.lines(), NONE);

    let _ = registry.claim(&device, &a).unwrap();
    assert!(watch.is_readable());
    assert_eq!(watch.lines(), ["nvme3 appeared, owned by `a`"]);
    assert!(!watch.is_readable());
    registry.set(&device, &note, "x").unwrap();
    assert_eq!(watch.lines(), ["nvme3 note set to `x`"]);
    registry.set(&device, &note, "x").unwrap();
    assert_eq!(watch.lines(), NONE, "the same");
    registry.set(&device, &note, "y").unwrap();
    registry.remove(&device, &note).unwrap();
    assert_eq!(watch.lines(), ["nvme3 note removed, was `x`"], "net");
    let _ = registry.release(&device, &a).unwrap();
    assert_eq!(watch.lines(), ["nvme3 owner removed, was `a`"]);
    let _ = registry.claim(&device, &owner("b")).unwrap();
    assert_eq!(watch.lines(), ["nvme3 owner set to `b`"]);

    // Exchanged, not removed and made: the successor's entry.
    host.replace_tcp("nvme3", NQN);
    assert_eq!(watch.lines(), NONE, "nobody tells us about the controller");
    let _ = registry.claim(&device, &a).unwrap();
    let swapped = [
        "nvme3 gone, was owned by `b`",
        "nvme3 appeared, owned by `a`",
    ];
    assert_eq!(watch.lines(), swapped);
    assert_eq!(watch.lines(), NONE, "the old directory is watched no more");
    registry.set(&device, &note, "z").unwrap();
    assert_eq!(watch.lines(), ["nvme3 note set to `z`"], "the new one is");

    host.remove_controller("nvme3");
    assert_eq!(registry.reap(&device, None).unwrap(), Reaped::Removed);
    assert_eq!(watch.lines(), ["nvme3 gone, was owned by `a`"]);
    assert_eq!(watch.watch.places.devices().next(), None);
}

#[test]
fn what_other_tools_do() {
    let (host, registry, device) = host();
    host.foreign_entry("nvme3", &[("owner", "stas\n")]);
    host.foreign_entry("nvme9", &[("owner", "gone\n"), ("sysfs-ino", "1\n")]);
    let mut watch = Checked::new(&registry);
    let entry = |name: &str| host.entry(name);
    assert!(watch.watch.entries().nth(1).unwrap().stale);

    fs::write(entry("nvme3/owner"), "other\n").unwrap();
    assert_eq!(watch.lines(), ["nvme3 owner is `other`, was `stas`"]);
    let mut file = fs::OpenOptions::new()
        .append(true)
        .open(entry("nvme3/owner"))
        .unwrap();
    file.write_all(b"x\n").unwrap();
    assert_eq!(watch.lines(), ["nvme3 owner is `other\\nx`, was `other`"]);
    file.set_len(0).unwrap();
    assert_eq!(
        watch.lines(),
        ["nvme3 owner removed, was `other\\nx`"],
        "still open, now empty"
    );
    fs::write(entry("nvme3/.owner"), "moved\n").unwrap();
    fs::write(entry("nvme3/owner.tmp.1"), "moved\n").unwrap();
    assert_eq!(watch.lines(), NONE);
    fs::rename(entry("nvme3/owner.tmp.1"), entry("nvme3/owner")).unwrap();
    assert_eq!(watch.lines(), ["nvme3 owner set to `moved`"]);
    drop(file);
    fs::hard_link(entry("nvme3/owner"), entry("nvme3/copy")).unwrap();
    assert_eq!(watch.lines(), ["nvme3 copy set to `moved`"]);
    fs::remove_file(entry("nvme3/copy")).unwrap();
    assert_eq!(watch.lines(), ["nvme3 copy removed, was `moved`"]);

    // Moved aside, changed there and back: its directory is watched again.
    fs::rename(entry("nvme3"), entry(".hidden")).unwrap();
    assert_eq!(watch.lines(), ["nvme3 gone, was owned by `moved`"]);
    assert_eq!(watch.lines(), NONE);
    fs::write(entry(".hidden/owner"), "back\n").unwrap();
    assert!(!watch.is_readable(), "it is watched no more");
    fs::rename(entry(".hidden"), entry("nvme3")).unwrap();
    assert_eq!(watch.lines(), ["nvme3 appeared, owned by `back`"]);
    fs::write(entry("nvme3/note"), "n\n").unwrap();
    assert_eq!(watch.lines(), ["nvme3 note set to `n`"]);
    fs::remove_dir_all(entry("nvme3")).unwrap();
    assert_eq!(watch.lines(), ["nvme3 gone, was owned by `back`"]);

    // Made in place, seen between the steps.
    fs::create_dir(entry("nvme3")).unwrap();
    assert_eq!(watch.lines(), ["nvme3 appeared, unowned"]);
    fs::write(entry("nvme3/owner"), "slow\n").unwrap();
    assert_eq!(watch.lines(), ["nvme3 owner set to `slow`"]);
    fs::remove_file(entry("nvme3/owner")).unwrap();
    assert_eq!(watch.lines(), ["nvme3 owner removed, was `slow`"]);
    fs::remove_dir(entry("nvme3")).unwrap();
    fs::write(entry("nvme3"), "a file").unwrap();
    fs::create_dir(entry("lost+found")).unwrap();
    std::os::unix::fs::symlink(entry("lost+found"), entry("nvme4")).unwrap();
    fs::write(entry("lost+found/owner"), "nobody\n").unwrap();
    assert_eq!(watch.lines(), ["nvme3 gone, was unowned"]);
    assert_eq!(watch.lines(), NONE);
    fs::write(entry("lost+found/owner"), "still\n").unwrap();
    assert!(!watch.is_readable(), "no link is followed");
    assert_eq!(watch.watch.owner(&device).unwrap(), None);
}

#[test]
fn entries_that_change_places() {
    let (host, registry, three) = host();
    let five = host.tcp("nvme5", NQN);
    for (name, text) in [("nvme3", "three\n"), ("nvme5", "five\n")] {
        host.foreign_entry(name, &[("owner", text)]);
    }
    let mut watch = Checked::new(&registry);
    let both = |watch: &mut Checked, round: &str| {
        for device in [&three, &five] {
            let note = host.entry(device.as_str()).join("note");
            fs::write(note, format!("{round}-{device}\n")).unwrap();
            let seen = watch.lines();
            assert_eq!(seen.len(), 1, "{seen:?}");
            assert!(seen[0].contains(&format!("`{round}-{device}`")), "{seen:?}");
        }
    };
    both(&mut watch, "first");
    exchange(&host, "nvme3", "nvme5");
    let exchanged = [
        "nvme3 note is `first-nvme5`, was `first-nvme3`",
        "nvme3 owner is `five`, was `three`",
        "nvme5 note is `first-nvme3`, was `first-nvme5`",
        "nvme5 owner is `three`, was `five`",
    ];
    assert_eq!(watch.lines(), exchanged);
    both(&mut watch, "exchanged");
    // A watch goes along with its directory, to the smaller and to the greater number.
    for (from, to) in [("nvme5", "nvme3"), ("nvme3", "nvme5")] {
        fs::remove_dir_all(host.entry(to)).unwrap();
        fs::rename(host.entry(from), host.entry(to)).unwrap();
        watch.lines();
        fs::write(host.entry(to).join("owner"), format!("{to}\n")).unwrap();
        let [line] = &watch.lines()[..] else {
            panic!("one change")
        };
        assert!(line.starts_with(&format!("{to} owner is `{to}`")), "{line}");
        host.foreign_entry(from, &[("owner", "again\n")]);
        let again = format!("{from} appeared, owned by `again`");
        assert_eq!(watch.lines(), [again]);
    }
    both(&mut watch, "moved");
}

#[test]
fn the_owner_is_the_registrys_at_once() {
    let (host, registry, device) = host();
    let mut watch = Checked::new(&registry);
    let aside = host.path("sys/aside");
    // The directory of before stays, or the next one could have its inode.
    let remove = || fs::rename(host.path("sys/class/nvme/nvme3"), &aside).unwrap();
    let odd = [("owner", "odd owner\n"), ("sysfs-ino", "")];
    type Act<'a> = &'a dyn Fn();
    let steps: [(&str, Act<'_>); 10] = [
        ("nothing", &|| {}),
        ("claimed", &|| drop(registry.claim(&device, &owner("a")))),
        ("note", &|| drop(registry.set(&device, &attr("n"), "1"))),
        ("recycled", &|| host.replace_tcp("nvme3", NQN)),
        ("claimed again", &|| {
            drop(registry.claim(&device, &owner("b")));
        }),
        ("gone", &remove),
        ("back", &|| drop(host.tcp("nvme3", NQN))),
        ("by hand", &|| host.foreign_entry("nvme3", &odd)),
        ("recycled, no stamp", &|| host.replace_tcp("nvme3", NQN)),
        ("deleted", &|| registry.delete(&device).unwrap()),
    ];
    let mut seen = Vec::new();
    for (step, act) in steps {
        act();
        let expected = registry.owner(&device).unwrap();
        assert_eq!(watch.watch.owner(&device).unwrap(), expected, "{step}");
        watch.lines();
        assert!(!watch.is_readable());
        assert_eq!(
            watch.watch.owner(&device).unwrap(),
            expected,
            "{step}, seen"
        );
        seen.push(expected.map(|owner| owner.to_string()));
    }
    let expected = [None, Some("a"), Some("a"), None, Some("b"), None, None];
    assert_eq!(
        seen.iter()
            .map(Option::as_deref)
            .take(7)
            .collect::<Vec<_>>(),
        expected
    );
    assert_eq!(seen[7].as_deref(), Some("odd_owner"));
    assert_eq!(seen[8..], [seen[7].clone(), None]);

    let _ = registry.claim(&device, &owner("c")).unwrap();
    watch.watch.owner(&device).unwrap();
    assert!(watch.is_readable(), "asking takes nothing away");
    assert_eq!(watch.lines(), ["nvme3 appeared, owned by `c`"]);
}

#[test]
fn waiting() {
    let (_host, registry, device) = host();
    let mut watch = Checked::new(&registry);
    for timeout in [Duration::ZERO, Duration::from_millis(30)] {
        let start = Instant::now();
        assert_eq!(watch.watch.wait(Some(timeout)).unwrap(), []);
        assert!(start.elapsed() >= timeout);
    }
    for timeout in [Some(Duration::from_secs(60)), Some(Duration::MAX), None] {
        let changes = std::thread::scope(|scope| {
            let work = || {
                let _ = registry.claim(&device, &owner("a")).unwrap();
            };
            scope.spawn(work);
            watch.watch.wait(timeout).unwrap()
        });
        assert_eq!(watch.apply(&changes), ["nvme3 appeared, owned by `a`"]);
        registry.delete(&device).unwrap();
        let gone = watch.watch.wait(timeout).unwrap();
        assert_eq!(watch.apply(&gone), ["nvme3 gone, was owned by `a`"]);
    }
}
