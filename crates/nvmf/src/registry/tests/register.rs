//! The entries of new controllers.

use super::{NQN, attr, host, owner};
use crate::registry::{Registered, RegistryErrorKind};

#[test]
fn registering_a_new_controller() {
    let (host, registry, device) = host();
    let ino = host.sysfs_ino("nvme3");
    let me = owner("me");
    assert_eq!(
        registry.register(&device, ino, None, None, &[]).unwrap(),
        Registered::Unowned
    );
    assert!(
        !host.path("run/nvme").exists(),
        "nothing to register, nothing to create"
    );

    host.foreign_entry(
        "nvme3",
        &[("owner", "old\n"), ("sysfs-ino", "1\n"), ("note", "old\n")],
    );
    let notes = [(attr("why"), "boot \"table\"".to_owned())];
    assert_eq!(
        registry
            .register(&device, ino, None, Some(&me), &notes)
            .unwrap(),
        Registered::Owned
    );
    let entry = registry.entries().unwrap().remove(0);
    let names: Vec<_> = entry.attributes.keys().map(String::as_str).collect();
    assert_eq!(names, ["owner", "seqnum", "sysfs-ino", "why"]);
    assert_eq!(entry.attributes["why"], "boot \"table\"");

    let other = registry
        .register(&device, ino, None, Some(&owner("other")), &[])
        .unwrap();
    assert_eq!(other, Registered::OwnedBy(me.clone()), "claimed meanwhile");
    assert_eq!(
        registry.register(&device, ino, None, None, &[]).unwrap(),
        Registered::OwnedBy(me)
    );

    let gone = registry
        .register(&device, ino + 1, None, Some(&owner("x")), &[])
        .unwrap_err();
    assert!(matches!(gone.kind, RegistryErrorKind::NoSuchController(_)));

    host.replace_tcp("nvme3", NQN);
    let ino = host.sysfs_ino("nvme3");
    assert_eq!(
        registry.register(&device, ino, None, None, &[]).unwrap(),
        Registered::Unowned
    );
    assert_eq!(
        host.registry_names(),
        Vec::<String>::new(),
        "the stale entry is gone"
    );
}

#[test]
fn what_other_tools_wrote_while_it_was_being_connected() {
    let (host, registry, device) = host();
    let ino = host.sysfs_ino("nvme3");
    let register = |since| {
        registry
            .register(&device, ino, since, Some(&owner("me")), &[])
            .unwrap()
    };
    for (seqnum, since, meant) in [
        ("12\n", Some(11), true),
        ("12\n", Some(12), false),
        ("12\n", None, false),
        ("junk\n", Some(11), false),
    ] {
        host.foreign_entry("nvme3", &[("owner", "stas\n"), ("seqnum", seqnum)]);
        let expected = match meant {
            true => Registered::OwnedBy(owner("stas")),
            false => Registered::Owned,
        };
        assert_eq!(register(since), expected, "{seqnum:?} {since:?}");
        registry.delete(&device).unwrap();
    }
}
