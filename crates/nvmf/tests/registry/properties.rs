//! What must hold for any name, any value and any order of operations.

use std::collections::BTreeMap;
use std::fs;

use nvmf::registry::{Claim, RegistryErrorKind, Release};
use nvmf_types::{AttrName, DeviceName, Owner};
use proptest::prelude::*;
use proptest::sample::select;

use crate::host::{Host, attr, device, owner};
use crate::reference::{Op, World};

/// Texts that are names, nearly names, or anything.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "(/dev/|/dev|dev/|)nvme[0-9]{0,12}",
        "[A-Za-z0-9._-]{0,70}",
        "[a-z/. \n]{0,8}",
        any::<String>(),
    ]
}

/// Values that may be written: one line of anything.
fn value() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,40}", " *\"?[a-z]*'? *", "\\PC{0,2000}"]
        .prop_map(|text| text.chars().filter(|c| !c.is_control()).collect())
}

fn made_of(text: &str, others: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

proptest! {
    #[test]
    fn names_are_what_the_format_says(text in name()) {
        let short = text.strip_prefix("/dev/").unwrap_or(&text);
        let digits = short.strip_prefix("nvme").unwrap_or_default();
        let is_device = (1..=10).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        let device = text.parse::<DeviceName>().ok();
        prop_assert_eq!(device.as_ref().map(DeviceName::as_str), is_device.then_some(short));

        let fits = (1..=64).contains(&text.len());
        let attribute = text.parse::<AttrName>().ok();
        let is_attribute = fits && made_of(&text, "_-");
        prop_assert_eq!(attribute.as_ref().map(AttrName::as_str), is_attribute.then_some(&*text));

        let owner = text.parse::<Owner>().ok();
        let is_owner = fits && made_of(&text, "._-");
        prop_assert_eq!(owner.as_ref().map(Owner::as_str), is_owner.then_some(&*text));
    }

    #[test]
    fn devices_sort_by_number(mut numbers in prop::collection::vec(any::<u32>(), 0..20)) {
        let mut devices: Vec<DeviceName> = numbers.iter().map(|n| DeviceName::from_number(*n)).collect();
        devices.sort();
        numbers.sort_unstable();
        let sorted: Vec<DeviceName> = numbers.into_iter().map(DeviceName::from_number).collect();
        prop_assert_eq!(devices, sorted);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_value_comes_back_byte_for_byte(
        values in prop::collection::vec((select(vec!["note", "a-b_c", "X"]), value()), 1..8),
    ) {
        let host = Host::new();
        host.connect("nvme0");
        let (registry, device) = (host.registry(), device("nvme0"));
        let mut expected = BTreeMap::new();
        for (name, value) in values {
            registry.set(&device, &attr(name), &value).unwrap();
            let file = fs::read(host.path("run/nvme/registry/nvme0").join(name)).unwrap();
            prop_assert_eq!(file, format!("{value}\n").into_bytes());
            expected.insert(name, value);
        }
        for (name, value) in expected {
            prop_assert_eq!(registry.attribute(&device, &attr(name)).unwrap(), Some(value));
        }
    }

    #[test]
    fn a_control_character_is_refused(
        before in value(), bad in select(('\0'..'\u{100}').filter(|c| c.is_control()).collect::<Vec<_>>()),
        after in value(),
    ) {
        let host = Host::new();
        let ino = host.connect("nvme0");
        let (registry, device) = (host.registry(), device("nvme0"));
        registry.set(&device, &attr("note"), "old").unwrap();
        let untouched = host.registry_paths();
        let value = format!("{before}{bad}{after}");
        let notes = [(attr("other"), value.clone())];
        let errors = [
            registry.set(&device, &attr("note"), &value).unwrap_err(),
            registry.register(&device, ino, None, None, &notes).unwrap_err(),
        ];
        for error in errors {
            prop_assert!(matches!(error.kind, RegistryErrorKind::Value(at) if at == before.len()));
            prop_assert!(!error.to_string().contains(bad));
        }
        prop_assert_eq!(registry.attribute(&device, &attr("note")).unwrap().unwrap(), "old");
        prop_assert_eq!(host.registry_paths(), untouched);
    }

    #[test]
    fn what_others_wrote_is_read_somehow(
        files in prop::collection::btree_map(
            prop_oneof![
                select(vec!["owner", "seqnum", "sysfs-ino", "note", ".hidden", "owner.tmp.x", "a b"])
                    .prop_map(str::to_owned),
                "[ -.0-~]{1,20}".prop_filter("a file's name", |name| name != "." && name != ".."),
            ],
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                "[a-z\r\n\0 .]{0,80}".prop_map(String::into_bytes),
            ],
            0..6,
        ),
    ) {
        let host = Host::new();
        host.connect("nvme0");
        let folder = host.path("run/nvme/registry/nvme0");
        fs::create_dir_all(&folder).unwrap();
        for (name, content) in &files {
            fs::write(folder.join(name), content).unwrap();
        }
        let (registry, device) = (host.registry(), device("nvme0"));
        let seen = registry.owner(&device).unwrap();
        prop_assert!(seen.as_ref().is_none_or(|o| o.as_str().parse::<Owner>().is_ok()));
        let says_something = |content: &Vec<u8>| content.iter().any(|b| !b"\r\n".contains(b));
        let stamped = files.get("sysfs-ino").is_some_and(|content| !content.is_empty());
        let owned = files.get("owner").is_some_and(says_something) && !stamped;
        prop_assert_eq!(seen.is_some(), owned);
        for entry in registry.all_entries().unwrap() {
            prop_assert!(entry.attributes.keys().all(|name| name.parse::<AttrName>().is_ok()));
            let count = files.iter().filter(|(n, c)| n.parse::<AttrName>().is_ok() && !c.is_empty());
            prop_assert_eq!(entry.attributes.len(), count.count());
        }
        // Whatever it is, it can be worked with.
        let claim = registry.claim(&device, &owner("me")).unwrap();
        match seen {
            Some(other) => prop_assert_eq!(claim, Claim::OwnedBy(other)),
            None => prop_assert_eq!(claim, Claim::Granted),
        }
        registry.set(&device, &attr("owner"), "you").unwrap();
        prop_assert_eq!(registry.release(&device, &owner("you")).unwrap(), Release::Released);
        registry.delete(&device).unwrap();
        prop_assert_eq!(host.registry_paths(), Vec::<String>::new());
    }

    #[test]
    fn one_process_sees_what_it_did(operations in prop::collection::vec(operation(), 0..40)) {
        let mut world = World::default();
        for operation in operations {
            world.perform(&operation);
        }
    }
}

fn operation() -> impl Strategy<Value = (DeviceName, Op)> {
    let by = || select(vec!["a", "b"]).prop_map(owner);
    let note = || select(vec!["note", "x"]).prop_map(attr);
    let operation = prop_oneof![
        3 => Just(Op::Connect),
        2 => Just(Op::Disconnect),
        3 => by().prop_map(Op::Claim),
        2 => (by(), any::<bool>()).prop_map(|(by, right)| Op::ClaimOf(by, right)),
        2 => (prop::option::of(by()), prop::option::of(value()))
            .prop_map(|(by, note)| Op::Register(by, note)),
        2 => by().prop_map(Op::Release),
        1 => by().prop_map(Op::SetOwner),
        2 => (note(), value()).prop_map(|(name, value)| Op::Set(name, value)),
        2 => select(vec!["note", "x", "owner"]).prop_map(|name| Op::Remove(attr(name))),
        1 => Just(Op::Delete),
        1 => Just(Op::Reap),
        1 => Just(Op::Collect),
    ];
    (select(vec!["nvme0", "nvme10"]).prop_map(device), operation)
}
