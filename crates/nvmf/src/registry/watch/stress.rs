//! A watch while several others write as fast as they can.

use std::fs;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nvmf_types::DeviceName;
use rustix::fs::{CWD, RenameFlags};

use super::tests::Checked;
use crate::registry::tests::{NQN, attr, owner};
use crate::registry::{Entry, Registry};
use crate::testing::FakeHost;

const DEVICES: u32 = 6;
const OPERATIONS: usize = 2000;
const ROUNDS: usize = 1000;

/// xorshift64*: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        u32::try_from(high).unwrap() % end
    }

    fn device(&mut self) -> DeviceName {
        DeviceName::from_number(self.below(DEVICES))
    }
}

/// What the registry does. That others are in the way, or an operation does not apply, is fine.
fn own(registry: &Registry, random: &mut Random) {
    let device = random.device();
    let me = owner(&format!("owner-{}", random.below(3)));
    let note = attr(["x", "y"][random.below(2) as usize]);
    match random.below(8) {
        0 | 1 => drop(registry.claim(&device, &me)),
        2 => drop(registry.release(&device, &me)),
        3 | 4 => drop(registry.set(&device, &note, me.as_str())),
        5 => drop(registry.remove(&device, &note)),
        6 => drop(registry.delete(&device)),
        _ => drop(registry.reap(&device, None)),
    }
}

/// What a tool does that goes about it in every wrong way.
fn foreign(host: &FakeHost, random: &mut Random) -> io::Result<()> {
    let registry = host.path("run/nvme/registry");
    let entry = registry.join(random.device().as_str());
    let other = registry.join(random.device().as_str());
    let hidden = registry.join(".hidden.tmp.foreign");
    match random.below(40) {
        0..8 => fs::write(entry.join("owner"), format!("tool-{}\n", random.below(9))),
        8..14 => fs::create_dir_all(&entry),
        14..18 => fs::remove_dir_all(&entry),
        18..22 => {
            fs::write(entry.join("y.tmp.1"), "renamed\n")?;
            fs::rename(entry.join("y.tmp.1"), entry.join("y"))
        }
        22..25 => fs::rename(&entry, &other),
        25..28 => Ok(rustix::fs::renameat_with(
            CWD,
            &entry,
            CWD,
            &other,
            RenameFlags::EXCHANGE,
        )?),
        28..31 => fs::rename(&entry, &hidden),
        31..34 => fs::rename(&hidden, &entry),
        34..36 => fs::remove_dir_all(&hidden),
        36 => fs::rename(registry, host.path("run/nvme/aside")),
        37 => fs::rename(host.path("run/nvme/aside"), registry),
        38 => fs::remove_dir_all(host.path("run/nvme/aside")),
        _ => fs::rename(host.path("run/nvme"), host.path("run/old"))
            .and_then(|()| fs::remove_dir_all(host.path("run/old"))),
    }
}

#[test]
fn at_the_end_nothing_was_missed() {
    let host = FakeHost::new();
    for number in 0..DEVICES {
        host.tcp(&format!("nvme{number}"), NQN);
    }
    let registry = Registry::open(&host.root());
    let mut watch = Checked::new(&registry);
    let working = AtomicUsize::new(4);
    let (mut reports, mut asked) = (0, 0);
    std::thread::scope(|scope| {
        let work = |seed: u64, operation: &mut dyn FnMut(&mut Random)| {
            let mut random = Random(seed);
            (0..OPERATIONS).for_each(|_| operation(&mut random));
            working.fetch_sub(1, Ordering::Release);
        };
        let (host, registry) = (&host, &registry);
        for seed in [1, 2] {
            scope.spawn(move || work(seed, &mut |random| own(registry, random)));
        }
        scope.spawn(move || work(3, &mut |random| drop(foreign(host, random))));
        scope.spawn(move || {
            work(4, &mut |random| match random.below(8) {
                0 => host.replace_tcp(random.device().as_str(), NQN),
                _ => own(registry, random),
            });
        });
        let mut random = Random(5);
        while working.load(Ordering::Acquire) > 0 {
            let changes = watch.watch.wait(Some(Duration::from_millis(10))).unwrap();
            reports += watch.apply(&changes).len();
            watch.watch.owner(&random.device()).unwrap();
            asked += 1;
        }
    });
    reports += watch.lines().len();
    assert!(!watch.is_readable());
    assert!(reports > 100 && asked > 10, "{reports} changes in {asked}");

    // `stale` is as of when an entry was read; that of the owner is as of now.
    let as_read = |entry: &Entry| (entry.device.clone(), entry.attributes.clone());
    let mirror: Vec<_> = watch.watch.entries().map(as_read).collect();
    let listed = registry.all_entries().unwrap();
    assert_eq!(mirror, listed.iter().map(as_read).collect::<Vec<_>>());
    for device in (0..DEVICES).map(DeviceName::from_number) {
        let owner = registry.owner(&device).unwrap();
        assert_eq!(watch.watch.owner(&device).unwrap(), owner);
    }
}

#[test]
fn an_entry_is_watched_before_it_is_read() {
    let host = FakeHost::new();
    let registry = Registry::open(&host.root());
    let mut watch = Checked::new(&registry);
    let entry = host.path("run/nvme/registry/nvme3");
    let (done, next) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let mut missed = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1..=ROUNDS {
                fs::create_dir_all(&entry).unwrap();
                // The last write of a round meets the watch at any step of its work.
                (0..round % 300 * 10).for_each(|_| std::hint::spin_loop());
                fs::write(entry.join("owner"), format!("{round}\n")).unwrap();
                done.store(round, Ordering::Release);
                while next.load(Ordering::Acquire) < round {
                    std::thread::yield_now();
                }
            }
        });
        for round in 1..=ROUNDS {
            while done.load(Ordering::Acquire) < round {
                watch.lines();
            }
            watch.lines();
            let last = watch.watch.entries().last();
            if last.and_then(|entry| entry.attributes.get("owner")) != Some(&round.to_string()) {
                missed.push(round);
            }
            let removed = if round % 2 == 0 {
                "run/nvme"
            } else {
                "run/nvme/registry/nvme3"
            };
            fs::remove_dir_all(host.path(removed)).unwrap();
            watch.lines();
            next.store(round, Ordering::Release);
        }
    });
    assert_eq!(
        missed,
        Vec::<usize>::new(),
        "the rounds whose last write was not seen"
    );
}
