//! The registry with other writers and readers at the same time.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, RenameFlags};

use super::tests::{NQN, attr, host, owner};
use super::{Claim, Registered};
use crate::testing::FakeHost;

#[test]
fn of_many_claimants_one_is_granted() {
    let (host, registry, device) = host();
    for round in 0..40 {
        match round % 4 {
            0 => {}
            1 => host.foreign_entry("nvme3", &[("owner", "old\n"), ("sysfs-ino", "1\n")]),
            2 => host.foreign_entry("nvme3", &[("note", "unstamped\n")]),
            _ => registry.set(&device, &attr("note"), "stamped").unwrap(),
        }
        let start = Barrier::new(16);
        let claim = |number: usize| {
            start.wait();
            registry
                .claim(&device, &owner(&format!("owner-{number}")))
                .unwrap()
        };
        let outcomes: Vec<Claim> = std::thread::scope(|scope| {
            let claims: Vec<_> = (0..16).map(|n| scope.spawn(move || claim(n))).collect();
            claims
                .into_iter()
                .map(|claim| claim.join().unwrap())
                .collect()
        });
        let granted: Vec<usize> = (0..16).filter(|n| outcomes[*n] == Claim::Granted).collect();
        assert_eq!(granted.len(), 1, "round {round}: {outcomes:?}");
        let winner = owner(&format!("owner-{}", granted[0]));
        assert!(
            outcomes
                .iter()
                .all(|o| *o == Claim::Granted || *o == Claim::OwnedBy(winner.clone())),
            "{outcomes:?}"
        );
        assert_eq!(registry.owner(&device).unwrap(), Some(winner));
        registry.delete(&device).unwrap();
    }
    assert_eq!(host.registry_names(), Vec::<String>::new());
}

/// Another tool's claim, which knows nothing of our lock: a whole entry, or an owner in an entry
/// without one, put into place only where there is none.
fn foreign_claim(host: &FakeHost, number: usize) -> bool {
    let dir = host.path("run/nvme/registry");
    let hidden = dir.join(format!(".nvme3.tmp.foreign{number}"));
    std::fs::create_dir_all(&hidden).unwrap();
    std::fs::write(hidden.join("owner"), format!("foreign-{number}\n")).unwrap();
    let entry = dir.join("nvme3");
    let (from, to) = match entry.exists() {
        true => (hidden.join("owner"), entry.join("owner")),
        false => (hidden.clone(), entry),
    };
    let won = rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE).is_ok();
    let _ = std::fs::remove_dir_all(hidden);
    won
}

#[test]
fn tools_without_the_lock_lose_nothing() {
    let (host, registry, device) = host();
    for round in 0..100 {
        host.foreign_entry("nvme3", &[("note", "unowned\n")]);
        if round % 2 == 0 {
            registry.delete(&device).unwrap();
        }
        let start = Barrier::new(6);
        let winners: Vec<String> = std::thread::scope(|scope| {
            let (host, registry, device, start) = (&host, &registry, &device, &start);
            let claims: Vec<_> = (0..6)
                .map(|number| {
                    scope.spawn(move || {
                        start.wait();
                        if number % 2 == 0 {
                            let won = foreign_claim(host, number);
                            return won.then(|| format!("foreign-{number}"));
                        }
                        let me = owner(&format!("own-{number}"));
                        let claim = registry.claim(device, &me).unwrap();
                        (claim == Claim::Granted).then(|| me.to_string())
                    })
                })
                .collect();
            claims
                .into_iter()
                .filter_map(|claim| claim.join().unwrap())
                .collect()
        });
        let now = registry
            .owner(&device)
            .unwrap()
            .map(|owner| owner.to_string());
        assert_eq!(winners.len(), 1, "round {round}: {winners:?}, now {now:?}");
        assert_eq!(now.as_ref(), winners.first());
        registry.delete(&device).unwrap();
    }
    assert_eq!(host.registry_names(), Vec::<String>::new());
}

#[test]
fn a_replaced_entry_is_never_absent_or_half() {
    let (host, registry, device) = host();
    let stop = AtomicBool::new(false);
    let replace = |text: &str| {
        // What a reader must never see beside the stamp of the other.
        host.replace_tcp("nvme3", NQN);
        let ino = host.sysfs_ino("nvme3");
        let notes = [(attr("copy"), text.to_owned())];
        let done = registry
            .register(&device, ino, None, Some(&owner(text)), &notes)
            .unwrap();
        assert_eq!(done, Registered::Owned);
    };
    replace("a");
    std::thread::scope(|scope| {
        let reader = || {
            let mut reads = 0_u32;
            while !stop.load(Ordering::Relaxed) {
                let entries = registry.all_entries().unwrap();
                let [entry] = entries.as_slice() else {
                    panic!("absent after {reads}")
                };
                assert_eq!(entry.attributes["owner"], entry.attributes["copy"]);
                assert_eq!(entry.attributes.len(), 4);
                reads += 1;
            }
            reads
        };
        let readers = [scope.spawn(reader), scope.spawn(reader)];
        for round in 0..300 {
            replace(if round % 2 == 0 { "b" } else { "a" });
        }
        stop.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().unwrap() > 0);
        }
    });
}
