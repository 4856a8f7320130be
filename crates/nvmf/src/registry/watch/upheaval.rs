//! What a watch looks at again: nothing in vain, and everything when events are not enough.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use rustix::fs::inotify::ReadFlags;

use super::Watch;
use super::places::{self, Touched};
use super::tests::{Checked, NONE};
use crate::registry::Registry;
use crate::registry::tests::{NQN, attr, host, owner};

#[test]
fn a_registry_that_comes_and_goes() {
    let (host, registry, device) = host();
    let claim = || {
        let _ = registry.claim(&device, &owner("me")).unwrap();
    };
    let (appeared, gone) = (
        ["nvme3 appeared, owned by `me`"],
        ["nvme3 gone, was owned by `me`"],
    );
    let (nvme, dir, aside) = (
        host.path("run/nvme"),
        host.path("run/nvme/registry"),
        host.path("run/aside"),
    );
    let mut watch = Checked::new(&registry);
    for round in 0..3 {
        claim();
        assert_eq!(watch.lines(), appeared, "made, round {round}");
        // Whoever has a directory open keeps the kernel from telling its end.
        let open = [&nvme, &dir].map(|path| fs::File::open(path).unwrap());
        fs::remove_dir_all(&dir).unwrap();
        assert_eq!(watch.lines(), gone, "removed");
        claim();
        assert_eq!(watch.lines(), appeared, "made again");
        fs::remove_dir_all(&nvme).unwrap();
        claim();
        assert_eq!(watch.lines(), NONE, "removed with all and made again");
        registry.set(&device, &attr("note"), "new").unwrap();
        assert_eq!(watch.lines(), ["nvme3 note set to `new`"]);
        drop(open);
        assert_eq!(watch.lines(), NONE);

        for path in [&dir, &nvme] {
            fs::rename(path, &aside).unwrap();
            assert_eq!(watch.lines(), gone, "moved away");
            assert_eq!(watch.lines(), NONE);
            fs::create_dir_all(aside.join("nvme8")).unwrap();
            assert!(!watch.is_readable(), "it is watched no more");
            fs::remove_dir(aside.join("nvme8")).unwrap();
            fs::rename(&aside, path).unwrap();
            assert_eq!(watch.lines(), appeared, "moved back");
        }
        fs::remove_dir_all(&nvme).unwrap();
        fs::create_dir(&nvme).unwrap();
        fs::write(&dir, "a file").unwrap();
        assert_eq!(watch.lines(), gone);
        fs::remove_dir_all(&nvme).unwrap();
        assert_eq!(watch.lines(), NONE);
    }
    let bare = tempfile::tempdir().unwrap();
    let mut early = Checked::new(&Registry::open(&crate::Root::new(bare.path())));
    fs::create_dir_all(bare.path().join("run/nvme/registry/nvme3")).unwrap();
    assert_eq!(early.lines(), ["nvme3 appeared, stale, unowned"]);
    let nowhere = Registry::open(&crate::Root::new(bare.path().join("nowhere")));
    let shown = nowhere.watch().unwrap_err().to_string();
    assert!(shown.starts_with("cannot watch `"), "{shown}");
}

#[test]
fn hidden_work_touches_nothing() {
    let (host, registry, device) = host();
    let _ = registry.claim(&device, &owner("me")).unwrap();
    let Watch {
        inotify,
        mut places,
        mut touched,
        ..
    } = registry.watch().unwrap();
    for hidden in [".nvme3.tmp.abcdef", ".trash.abcdef"] {
        host.foreign_entry(hidden, &[("owner", "half\n")]);
        fs::remove_dir_all(host.entry(hidden)).unwrap();
    }
    fs::write(host.entry("nvme3/owner.tmp.abcdef"), "half\n").unwrap();
    fs::remove_file(host.entry("nvme3/owner.tmp.abcdef")).unwrap();
    fs::write(host.path("run/nvme/registry.lock"), "").unwrap();
    fs::write(host.path("run/other.pid"), "1\n").unwrap();
    assert!(rustix::io::ioctl_fionread(&inotify).unwrap() > 0);
    places::drain(&inotify, &mut places, &mut touched).unwrap();
    assert!(touched.is_empty(), "{touched:?}");

    // What could not be read perhaps, and can be now.
    for path in ["nvme3", "nvme3/owner"] {
        fs::set_permissions(host.entry(path), Permissions::from_mode(0o700)).unwrap();
        places::drain(&inotify, &mut places, &mut touched).unwrap();
        assert_eq!(std::mem::take(&mut touched.devices).len(), 1, "{path}");
    }
}

#[test]
fn of_many_entries_only_what_changed_is_read() {
    let (host, registry, _) = host();
    for number in 0..200 {
        let name = format!("nvme{number}");
        host.tcp(&name, NQN);
        host.foreign_entry(&name, &[("owner", "me\n")]);
    }
    let mut watch = Checked::new(&registry);
    let numbers: Vec<String> = (0..200).map(|n| format!("nvme{n}")).collect();
    let names =
        |watch: &Watch| -> Vec<String> { watch.entries().map(|e| e.device.to_string()).collect() };
    assert_eq!(names(&watch.watch), numbers);
    fs::write(host.entry("nvme150/owner"), "you\n").unwrap();
    let Watch {
        inotify,
        places,
        touched,
        ..
    } = &mut watch.watch;
    places::drain(inotify, places, touched).unwrap();
    assert_eq!(touched.devices.len(), 1);
    assert_eq!(watch.lines(), ["nvme150 owner is `you`, was `me`"]);
    fs::remove_dir_all(host.path("run/nvme")).unwrap();
    let gone: Vec<String> = watch.lines();
    assert_eq!(gone.len(), 200);
    assert_eq!(gone[150], "nvme150 gone, was owned by `you`");
}

/// Makes the watch lose what the kernel had to say, as an overflow does.
fn lose(watch: &mut Watch) {
    let mut lost = Touched::default();
    places::drain(&watch.inotify, &mut watch.places, &mut lost).unwrap();
    assert!(!lost.is_empty());
    let flags = ReadFlags::QUEUE_OVERFLOW;
    watch.places.note(-1, flags, None, &mut watch.touched);
}

#[test]
fn lost_events_are_made_up_for() {
    let (host, registry, device) = host();
    host.foreign_entry("nvme3", &[("owner", "a\n")]);
    host.foreign_entry("nvme5", &[("owner", "gone\n")]);
    let mut watch = Checked::new(&registry);
    fs::write(host.entry("nvme3/owner"), "b\n").unwrap();
    fs::remove_dir_all(host.entry("nvme5")).unwrap();
    host.foreign_entry("nvme7", &[("owner", "new\n")]);
    lose(&mut watch.watch);
    assert_eq!(watch.watch.owner(&device).unwrap(), Some(owner("b")));
    let expected = [
        "nvme3 owner is `b`, was `a`",
        "nvme5 gone, was owned by `gone`",
        "nvme7 appeared, stale, owned by `new`",
    ];
    assert_eq!(watch.lines(), expected);
    fs::write(host.entry("nvme7/owner"), "watched\n").unwrap();
    assert_eq!(watch.lines(), ["nvme7 owner is `watched`, was `new`"]);
    fs::rename(host.path("run/nvme"), host.path("run/aside")).unwrap();
    host.foreign_entry("nvme3", &[("owner", "c\n")]);
    lose(&mut watch.watch);
    assert_eq!(watch.lines().len(), 2);
    fs::write(host.entry("nvme3/owner"), "d\n").unwrap();
    assert_eq!(watch.lines(), ["nvme3 owner is `d`, was `c`"]);
}

#[test]
fn a_real_overflow() {
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    let (host, registry, device) = host();
    host.foreign_entry("nvme3", &[("owner", "a\n"), ("x", ""), ("y", "")]);
    let mut watch = Checked::new(&registry);
    // Equal events in a row are one: two files in turn. More than can be done in a second are
    // pretended in the test above.
    let mut files =
        ["x", "y"].map(|name| fs::File::create(host.entry("nvme3").join(name)).unwrap());
    for round in 0..limit.min(100_000) {
        files[round % 2].write_all(b".").unwrap();
    }
    fs::rename(host.entry("nvme3"), host.entry(".old")).unwrap();
    host.foreign_entry("nvme3", &[("owner", "b\n")]);
    assert_eq!(watch.watch.owner(&device).unwrap(), Some(owner("b")));
    assert_eq!(watch.lines(), ["nvme3 owner is `b`, was `a`"]);
    fs::write(host.entry("nvme3/owner"), "c\n").unwrap();
    assert_eq!(watch.lines(), ["nvme3 owner is `c`, was `b`"]);
}

#[test]
fn what_cannot_be_read_holds_up_nothing_else() {
    let (host, registry, device) = host();
    let mut watch = Checked::new(&registry);
    host.remove_controller("nvme3");
    let sysfs = host.path("sys/class/nvme/nvme3");
    std::os::unix::fs::symlink(&sysfs, &sysfs).unwrap();
    host.foreign_entry("nvme3", &[("owner", "me\n")]);
    host.foreign_entry("nvme5", &[("owner", "me\n")]);
    assert_eq!(watch.lines(), ["nvme5 appeared, stale, owned by `me`"]);
    for _ in 0..2 {
        let shown = watch.watch.changes().unwrap_err().to_string();
        assert!(shown.starts_with("cannot read `"), "{shown}");
        assert!(
            shown.contains("registry/nvme3`: Too many levels"),
            "{shown}"
        );
        watch.watch.owner(&device).unwrap_err();
    }
    fs::remove_file(&sysfs).unwrap();
    assert_eq!(watch.lines(), ["nvme3 appeared, stale, owned by `me`"]);
    assert_eq!(watch.lines(), NONE);
}
