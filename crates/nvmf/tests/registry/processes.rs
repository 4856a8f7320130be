//! Sixteen processes on one registry, killed at random.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use nvmf::registry::{Claim, Registered, Release};

use crate::child::{Manners, Work, now};
use crate::history::{Effect, Operation, State, check};
use crate::host::{Host, attr, device, owner};
use crate::program::{DEVICES, Dice, PAIR, seed, token};
use crate::slot::{Histories, Slot, names};

/// How long everything may take, at most.
pub(crate) const DEADLINE: Duration = Duration::from_secs(240);

/// A host with all controllers, and the log folder.
pub(crate) fn world() -> (Host, BTreeMap<String, u64>) {
    let host = Host::new();
    std::fs::create_dir(host.path("log")).unwrap();
    let first = names().map(|name| {
        let ino = host.connect(&name);
        (name, ino)
    });
    let first = first.collect();
    (host, first)
}

pub(crate) fn work(host: &Host, seed: u64, slot: u64, count: u64, manners: Manners) -> Work {
    let log: PathBuf = host.path(&format!("log/{slot}"));
    Work {
        root: host.path(""),
        log,
        seed,
        slot,
        from: 0,
        to: count,
        manners,
        shell: false,
    }
}

/// The kernel: gives numbers away and takes them back until told to stop.
pub(crate) fn kernel(host: &Host, seed: u64, stop: &AtomicBool) -> Vec<(String, Operation)> {
    let mut dice = Dice::new(seed ^ 0x6b65_726e);
    let mut seqnum = 5000;
    let mut there = BTreeMap::new();
    let mut done = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_micros(500 + dice.below(6000)));
        let name = format!("nvme{}", dice.below(DEVICES));
        let there = there.entry(name.clone()).or_insert(true);
        let begin = now();
        let ino = if *there {
            host.disconnect(&name);
            None
        } else {
            Some(host.connect(&name))
        };
        *there = !*there;
        seqnum += 1;
        host.seqnum(seqnum);
        let operation = Operation {
            begin,
            end: now(),
            killed: false,
            effect: Effect::Kernel(ino),
            label: "kernel".to_owned(),
        };
        done.push((name, operation));
    }
    done
}

/// Kills one after the other until all are done, or all at work have been killed often enough.
pub(crate) fn kill_at_random(slots: &mut [Slot], seed: u64, kills: usize) {
    let mut dice = Dice::new(seed ^ 0x6b69_6c6c);
    let deadline = Instant::now() + DEADLINE;
    let mut killed = 0;
    loop {
        assert!(Instant::now() < deadline, "it takes too long");
        // A random instant is what this is about.
        std::thread::sleep(Duration::from_micros(dice.below(12_000)));
        let mut at_work: Vec<&mut Slot> = slots
            .iter_mut()
            .filter_map(|s| s.runs().then_some(s))
            .collect();
        if at_work.is_empty() {
            break;
        }
        if killed < kills {
            let victim = usize::try_from(dice.next()).unwrap_or_default() % at_work.len();
            at_work[victim].kill();
            killed += 1;
        }
    }
}

/// Whether all that was told fits together, with what the registry says now as the last word.
pub(crate) fn assert_consistent(
    host: &Host,
    first: &BTreeMap<String, u64>,
    mut histories: Histories,
) {
    for (name, history) in &mut histories {
        let begin = now();
        let owner = host.registry().owner(&device(name)).unwrap();
        history.push(Operation {
            begin,
            end: now(),
            killed: false,
            effect: Effect::Saw(owner.map(|owner| owner.to_string())),
            label: "the last look".to_owned(),
        });
        let first = State {
            current: Some(first[name]),
            owner: None,
        };
        check(first, history).unwrap_or_else(|why| panic!("{name}: {why}"));
    }
}

/// Whether garbage goes to the last bit, and everything can still be done.
pub(crate) fn assert_usable_and_clean(host: &Host) {
    let registry = host.registry();
    // Kills in the midst of an attribute are rare.
    for path in host.registry_paths() {
        if path.starts_with("nvme") && !path.contains('/') {
            let planted = host.path("run/nvme/registry").join(path);
            std::fs::write(planted.join("owner.tmp.dead01"), "half").unwrap();
        }
    }
    let in_a_minute = SystemTime::now() + Duration::from_secs(61);
    let collected = registry.collect_garbage_at(in_a_minute).unwrap();
    assert_eq!(collected.young, 0);
    let left = host.registry_paths();
    let hidden = |path: &&String| path.starts_with('.') || path.contains(".tmp.");
    assert_eq!(left.iter().filter(hidden).count(), 0, "{left:?}");

    let (me, note) = (owner("me"), attr("note-a"));
    for name in names() {
        let device = device(&name);
        if !host.path(&format!("sys/class/nvme/{name}")).exists() {
            host.connect(&name);
        }
        registry.set(&device, &attr("owner"), "me").unwrap();
        registry.set(&device, &note, "all is well").unwrap();
        registry.remove(&device, &note).unwrap();
        assert_eq!(registry.release(&device, &me).unwrap(), Release::Released);
        assert_eq!(registry.claim(&device, &me).unwrap(), Claim::Granted);
        registry.delete(&device).unwrap();
    }
    assert_eq!(host.registry_paths(), Vec::<String>::new());
}

#[test]
fn sixteen_processes_killed_at_random() {
    let seed = seed();
    let (host, first) = world();
    let count = 2000;
    let started = Instant::now();
    let mut slots: Vec<Slot> = (0..16)
        .map(|slot| Slot::start(work(&host, seed, slot, count, Manners::Alone)))
        .collect();
    let stop = AtomicBool::new(false);
    let recycled = std::thread::scope(|scope| {
        let kernel = scope.spawn(|| kernel(&host, seed, &stop));
        let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            kill_at_random(&mut slots, seed, 160);
        }));
        stop.store(true, Ordering::Relaxed);
        let recycled = kernel.join().unwrap();
        killed.unwrap_or_else(|cause| std::panic::resume_unwind(cause));
        recycled
    });
    let worked = started.elapsed();
    let mut histories: Histories = names().map(|name| (name, Vec::new())).collect();
    let answered: u64 = slots.iter().map(|slot| slot.tell(&mut histories)).sum();
    let kills: usize = slots.iter().map(|slot| slot.kills.len()).sum();
    eprintln!(
        "{answered} answers, {kills} kills, {} changes of the kernel in {worked:?}",
        recycled.len()
    );
    assert!(kills > 16 && recycled.len() > 100, "too little happened");
    assert!(answered + u64::try_from(kills).unwrap() >= 16 * count);
    for (name, operation) in recycled {
        histories.get_mut(&name).unwrap().push(operation);
    }
    assert_consistent(&host, &first, histories);
    assert_usable_and_clean(&host);
    eprintln!("all checked after {:?}", started.elapsed());
}

/// What is registered in one go is read in one go, and takes the place of a predecessor's entry
/// without a gap.
#[test]
fn readers_never_see_half_an_entry_or_none() {
    let seed = seed();
    let (host, first) = world();
    let registry = host.registry();
    let mut history = Vec::new();
    let mut replace = |round: u64| {
        let value = token(&format!("r{round}"), 0);
        let mut step = |effect: Effect, begin: u64| {
            history.push(Operation {
                begin,
                end: now(),
                killed: false,
                effect,
                label: format!("round {round}"),
            });
        };
        let begin = now();
        host.disconnect("nvme0");
        step(Effect::Kernel(None), begin);
        let begin = now();
        let ino = host.connect("nvme0");
        step(Effect::Kernel(Some(ino)), begin);
        let notes = PAIR.map(|name| (attr(name), value.clone()));
        let begin = now();
        let me = owner(&value);
        let done = registry.register(&device("nvme0"), ino, None, Some(&me), &notes);
        assert_eq!(done.unwrap(), Registered::Owned);
        step(Effect::Took(value, Some(ino)), begin);
    };
    replace(0);
    // Four readers are at it until enough was written, however the two sides are scheduled.
    let mut slots = 0_u64..;
    let mut reader = || {
        let slot = slots.next().unwrap();
        Slot::start(work(&host, seed, slot, 500, Manners::Watching))
    };
    let mut reading: Vec<Slot> = (0..4).map(|_| reader()).collect();
    let mut readers = Vec::new();
    for round in 1..=400 {
        replace(round);
        for slot in &mut reading {
            if !slot.runs() {
                readers.push(std::mem::replace(slot, reader()));
            }
        }
    }
    for mut slot in reading {
        slot.finish();
        readers.push(slot);
    }
    let mut histories: Histories = names().map(|name| (name, Vec::new())).collect();
    histories.insert("nvme0".to_owned(), history);
    for reader in &readers {
        reader.tell(&mut histories);
    }
    assert_consistent(&host, &first, histories);
}
