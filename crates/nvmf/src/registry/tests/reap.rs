//! Clean-up after the kernel.

use super::{NQN, attr, host, owner};
use crate::registry::{Claim, Reaped};

#[test]
fn only_the_entry_of_the_removed_controller_goes() {
    let (host, registry, device) = host();
    assert_eq!(registry.reap(&device, Some(1)).unwrap(), Reaped::NoEntry);
    assert_eq!(
        registry.claim(&device, &owner("me")).unwrap(),
        Claim::Granted
    );
    assert_eq!(
        registry.reap(&device, Some(u64::MAX)).unwrap(),
        Reaped::Kept,
        "it lives"
    );
    host.replace_tcp("nvme3", NQN);
    assert_eq!(
        registry.reap(&device, None).unwrap(),
        Reaped::Removed,
        "its successor lives"
    );
    assert_eq!(
        registry.claim(&device, &owner("me")).unwrap(),
        Claim::Granted
    );
    host.remove_controller("nvme3");
    assert_eq!(registry.reap(&device, None).unwrap(), Reaped::Removed);
    assert!(host.registry_names().is_empty());
}

#[test]
fn entries_without_a_stamp_go_by_sequence_number() {
    let (host, registry, device) = host();
    host.foreign_entry("nvme3", &[("owner", "stas\n"), ("seqnum", "12\n")]);
    for (removed, outcome) in [
        (None, Reaped::Kept),
        (Some(11), Reaped::Kept),
        (Some(12), Reaped::Kept),
        (Some(13), Reaped::Removed),
    ] {
        assert_eq!(
            registry.reap(&device, removed).unwrap(),
            outcome,
            "{removed:?}"
        );
    }
    host.foreign_entry("nvme3", &[("owner", "stas\n"), ("seqnum", "junk\n")]);
    assert_eq!(registry.reap(&device, Some(99)).unwrap(), Reaped::Kept);
    assert!(
        registry
            .attribute(&device, &attr("owner"))
            .unwrap()
            .is_some()
    );
    host.remove_controller("nvme3");
    assert_eq!(registry.reap(&device, None).unwrap(), Reaped::Removed);
}
