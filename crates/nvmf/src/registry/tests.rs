//! The registry in a temporary root.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use nvmf_types::{AttrName, DeviceName, Owner};

use super::{Claim, Collected, Registry, RegistryErrorKind, Release};
use crate::testing::FakeHost;

mod reap;
mod register;

pub(super) const NQN: &str = "nqn.2014-08.org.example:a";

pub(super) fn owner(text: &str) -> Owner {
    text.parse().unwrap()
}

pub(super) fn attr(text: &str) -> AttrName {
    text.parse().unwrap()
}

/// A host with the controller `nvme3`.
pub(super) fn host() -> (FakeHost, Registry, DeviceName) {
    let host = FakeHost::new();
    let device = host.tcp("nvme3", NQN);
    let registry = Registry::open(&host.root());
    (host, registry, device)
}

impl FakeHost {
    /// An entry as another tool writes it.
    pub(super) fn foreign_entry(&self, device: &str, attributes: &[(&str, &str)]) {
        let entry = self.path(&format!("run/nvme/registry/{device}"));
        fs::create_dir_all(&entry).unwrap();
        for (name, content) in attributes {
            fs::write(entry.join(name), content).unwrap();
        }
    }

    pub(super) fn registry_names(&self) -> Vec<String> {
        let listing = fs::read_dir(self.path("run/nvme/registry")).unwrap();
        let mut names: Vec<String> = listing
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn an_entry_on_disk() {
    let (host, registry, device) = host();
    assert_eq!(registry.owner(&device).unwrap(), None);
    assert!(!host.path("run/nvme").exists(), "reading creates nothing");

    assert_eq!(
        registry.claim(&device, &owner("stas")).unwrap(),
        Claim::Granted
    );
    let entry = host.path("run/nvme/registry/nvme3");
    let text = |name: &str| fs::read_to_string(entry.join(name)).unwrap();
    assert_eq!(text("owner"), "stas\n");
    assert_eq!(text("seqnum"), "4711\n");
    assert_eq!(text("sysfs-ino"), format!("{}\n", host.sysfs_ino("nvme3")));
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&entry), 0o755);
    assert_eq!(mode(&entry.join("owner")), 0o644);
    assert_eq!(mode(&host.path("run/nvme/registry")), 0o755);
    assert_eq!(mode(&host.path("run/nvme/registry.lock")), 0o600);
    assert_eq!(host.registry_names(), ["nvme3"], "nothing left over");
}

#[test]
fn claim_and_release() {
    let (_host, registry, device) = host();
    let (a, b) = (owner("a"), owner("b"));
    assert_eq!(registry.release(&device, &a).unwrap(), Release::NotOwned);
    assert_eq!(registry.claim(&device, &a).unwrap(), Claim::Granted);
    assert_eq!(registry.claim(&device, &a).unwrap(), Claim::AlreadyMine);
    assert_eq!(
        registry.claim(&device, &b).unwrap(),
        Claim::OwnedBy(a.clone())
    );
    assert_eq!(
        registry.release(&device, &b).unwrap(),
        Release::OwnedBy(a.clone())
    );
    assert_eq!(registry.release(&device, &a).unwrap(), Release::Released);
    assert_eq!(registry.owner(&device).unwrap(), None);
    assert_eq!(registry.claim(&device, &b).unwrap(), Claim::Granted);
    let nowhere = DeviceName::from_number(9);
    assert_eq!(
        registry.claim(&nowhere, &a).unwrap(),
        Claim::NoSuchController
    );
}

#[test]
fn a_recycled_number_shows_nothing_of_its_predecessor() {
    let (host, registry, device) = host();
    let first = host.sysfs_ino("nvme3");
    let _ = registry.claim(&device, &owner("a")).unwrap();
    registry.set(&device, &attr("note"), "old").unwrap();

    host.replace_tcp("nvme3", NQN);
    assert_eq!(registry.owner(&device).unwrap(), None);
    assert_eq!(registry.attribute(&device, &attr("note")).unwrap(), None);
    assert_eq!(
        registry.owner_of(&device, first).unwrap(),
        Some(owner("a")),
        "who asks for it"
    );
    assert!(registry.all_entries().unwrap()[0].stale);
    assert_eq!(registry.entries().unwrap(), []);
    assert_eq!(
        registry.release(&device, &owner("a")).unwrap(),
        Release::NotOwned
    );

    assert_eq!(
        registry.claim(&device, &owner("b")).unwrap(),
        Claim::Granted
    );
    assert_eq!(registry.owner(&device).unwrap(), Some(owner("b")));
    assert_eq!(registry.attribute(&device, &attr("note")).unwrap(), None);
    assert_eq!(registry.owner_of(&device, first).unwrap(), None);
    assert_eq!(host.registry_names(), ["nvme3"]);

    host.remove_controller("nvme3");
    assert_eq!(registry.owner(&device).unwrap(), None);
}

#[test]
fn entries_of_tools_that_do_not_stamp() {
    let (host, registry, device) = host();
    host.foreign_entry("nvme3", &[("owner", "autoconnect\r\n"), ("seqnum", "12\n")]);
    assert_eq!(registry.owner(&device).unwrap(), Some(owner("autoconnect")));
    let ino = host.sysfs_ino("nvme3");
    assert_eq!(
        registry.owner_of(&device, ino).unwrap(),
        Some(owner("autoconnect"))
    );
    assert_eq!(registry.owner_of(&device, ino + 1).unwrap(), None);
    let claim = registry.claim(&device, &owner("me")).unwrap();
    assert_eq!(claim, Claim::OwnedBy(owner("autoconnect")));

    host.foreign_entry("nvme3", &[("owner", "not an owner!\n")]);
    assert_eq!(
        registry.owner(&device).unwrap(),
        Some(owner("not_an_owner_")),
        "still theirs"
    );

    for nothing in ["\n", "\r\n", ""] {
        host.foreign_entry("nvme3", &[("owner", nothing), ("note", "kept\n")]);
        assert_eq!(registry.owner(&device).unwrap(), None, "{nothing:?}");
        let claim = registry.claim(&device, &owner("me")).unwrap();
        assert_eq!(claim, Claim::Granted, "{nothing:?}");
    }
    assert_eq!(
        registry.claim(&device, &owner("me")).unwrap(),
        Claim::AlreadyMine
    );
    let entry = &registry.entries().unwrap()[0];
    let shown: Vec<_> = entry
        .attributes
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    let ino = ino.to_string();
    assert_eq!(
        shown,
        [
            ("note", "kept"),
            ("owner", "me"),
            ("seqnum", "12"),
            ("sysfs-ino", ino.as_str())
        ]
    );
}

#[test]
fn attributes() {
    let (host, registry, device) = host();
    let note = attr("note");
    for value in [
        "",
        "plain",
        " two  words ",
        "\"quoted\" 'text' \\n #x",
        "ümläut",
    ] {
        registry.set(&device, &note, value).unwrap();
        assert_eq!(
            registry.attribute(&device, &note).unwrap().as_deref(),
            Some(value)
        );
    }
    let stamp = registry.attribute(&device, &attr("sysfs-ino")).unwrap();
    assert_eq!(
        stamp,
        Some(host.sysfs_ino("nvme3").to_string()),
        "stamped without an owner too"
    );
    registry.set(&device, &attr("owner"), "a").unwrap();
    registry.set(&device, &attr("owner"), "b").unwrap();
    assert_eq!(registry.owner(&device).unwrap(), Some(owner("b")));
    assert!(
        registry.attribute(&device, &note).unwrap().is_some(),
        "notes stay"
    );

    for (name, value, message) in [
        (
            "note",
            "two\nlines",
            "the value contains a control character (byte 3)",
        ),
        (
            "note",
            "nul\0",
            "the value contains a control character (byte 3)",
        ),
        ("owner", "a b", "`a b` is not an owner"),
        ("seqnum", "1", "`seqnum` is reserved"),
        ("sysfs-ino", "1", "`sysfs-ino` is reserved"),
    ] {
        let error = registry
            .set(&device, &attr(name), value)
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("cannot change `"), "{error}");
        assert!(error.contains(message), "{error}");
    }
    assert_eq!(
        registry.owner(&device).unwrap(),
        Some(owner("b")),
        "errors change nothing"
    );

    registry.remove(&device, &note).unwrap();
    let twice = registry.remove(&device, &note).unwrap_err();
    assert!(matches!(twice.kind, RegistryErrorKind::NoSuchAttribute(_)));
    let reserved = registry.remove(&device, &attr("seqnum")).unwrap_err();
    assert!(matches!(reserved.kind, RegistryErrorKind::Reserved(_)));
    registry.delete(&device).unwrap();
    let twice = registry.delete(&device).unwrap_err();
    assert!(matches!(twice.kind, RegistryErrorKind::NoSuchEntry(_)));
    assert_eq!(host.registry_names(), Vec::<String>::new());
}

#[test]
fn only_fabrics_controllers_have_entries() {
    let (host, registry, _) = host();
    let (nowhere, pcie) = (DeviceName::from_number(9), host.pcie("nvme0"));
    let error = registry.set(&nowhere, &attr("note"), "x").unwrap_err();
    assert!(matches!(error.kind, RegistryErrorKind::NoSuchController(_)));
    let error = registry.remove(&nowhere, &attr("note")).unwrap_err();
    assert!(matches!(error.kind, RegistryErrorKind::NoSuchAttribute(_)));
    for error in [
        registry.set(&pcie, &attr("note"), "x").unwrap_err(),
        registry.claim(&pcie, &owner("a")).unwrap_err(),
    ] {
        assert!(
            error.to_string().contains("managed by the kernel"),
            "{error}"
        );
    }
    assert!(!host.path("run/nvme").exists(), "errors create nothing");
}

#[test]
fn foreign_names_and_links_are_not_entries() {
    let (host, registry, device) = host();
    host.foreign_entry("elsewhere", &[("owner", "evil\n")]);
    host.foreign_entry("lost+found", &[]);
    host.foreign_entry(".nvme4.tmp.abc", &[("owner", "half\n")]);
    let dir = host.path("run/nvme/registry");
    fs::write(dir.join("nvme7"), "a file").unwrap();
    symlink("elsewhere", dir.join("nvme3")).unwrap();
    assert_eq!(registry.owner(&device).unwrap(), None);
    assert_eq!(registry.entries().unwrap(), []);

    fs::remove_file(dir.join("nvme3")).unwrap();
    host.foreign_entry("nvme3", &[("owner.tmp.abcdef", "half\n"), ("a.b", "x\n")]);
    symlink("../elsewhere/owner", dir.join("nvme3/owner")).unwrap();
    assert_eq!(registry.owner(&device).unwrap(), None);
    assert!(registry.entries().unwrap()[0].attributes.is_empty());
}

#[test]
fn garbage_is_collected_and_the_living_stay() {
    let (host, registry, device) = host();
    assert_eq!(registry.collect_garbage().unwrap(), Collected::default());
    let _ = registry.claim(&device, &owner("me")).unwrap();
    host.foreign_entry("nvme8", &[("owner", "gone\n")]);
    host.foreign_entry(".nvme3.tmp.young1", &[("owner", "half\n")]);
    let collected = Collected {
        stale: vec![DeviceName::from_number(8)],
        leftovers: 0,
        young: 1,
    };
    assert_eq!(registry.collect_garbage().unwrap(), collected);
    assert_eq!(host.registry_names(), [".nvme3.tmp.young1", "nvme3"]);
    host.foreign_entry(".trash.abcdef", &[("owner", "gone\n")]);
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(120);
    assert_eq!(registry.collect_garbage_at(later).unwrap().leftovers, 2);
    assert_eq!(host.registry_names(), ["nvme3"]);
    assert_eq!(registry.owner(&device).unwrap(), Some(owner("me")));
}

#[test]
fn what_cannot_be_written_is_one_clear_error() {
    let (host, registry, device) = host();
    fs::create_dir_all(host.path("run/nvme")).unwrap();
    fs::write(host.path("run/nvme/registry"), "in the way").unwrap();
    let error = registry.claim(&device, &owner("me")).unwrap_err();
    let shown = error.to_string();
    assert!(shown.starts_with("cannot claim `"), "{shown}");
    assert!(shown.contains("Not a directory"), "{shown}");
}

#[test]
fn a_writer_that_never_ends_is_not_waited_for_forever() {
    let (host, registry, device) = host();
    let _ = registry.claim(&device, &owner("me")).unwrap();
    let file = fs::File::open(host.path("run/nvme/registry.lock")).unwrap();
    file.lock().unwrap();
    let error = registry.release(&device, &owner("me")).unwrap_err();
    assert!(
        error.to_string().contains("has held its lock for 2 s"),
        "{error}"
    );
    assert_eq!(registry.owner(&device).unwrap(), Some(owner("me")));
    file.unlock().unwrap();
    let released = registry.release(&device, &owner("me")).unwrap();
    assert_eq!(released, Release::Released);
}
