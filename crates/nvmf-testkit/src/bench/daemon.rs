//! The daemon: from its start until everything is connected, how fast it reacts, what it needs while
//! nothing happens.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::usage::Usage;
use super::{Times, bare, expect, goal, goal_beside_silent, settle, time, verdict};
use crate::fake::SilentTarget;
use crate::files::{OrFail, names};
use crate::host;
use crate::target::Target;
use crate::{LATER, World};

/// Time to come to rest: threads that wait for work for ten seconds end.
const REST: Duration = Duration::from_secs(20);
/// How long nothing happens.
const IDLE: Duration = Duration::from_secs(60);
/// Wakeups of all threads in that time that the watchdog may cause: one look at all states, on a
/// thread that ends again.
const WAKEUPS: u64 = 12;
/// Most memory that it may need, in KiB.
const MEMORY_KIB: u64 = 8 * 1024;
/// How often it is looked whether all is done, when it may be.
const GLANCE: Duration = Duration::from_millis(20);
/// Where systemd keeps the units that it was told of.
const TRANSIENT: &str = "/run/systemd/transient";
/// Targets that say nothing.
const SILENT: usize = 8;

/// Compares with `counts` subsystems each; whether all goals were met.
pub(super) fn compare(world: &World, counts: &[usize], rounds: usize) -> bool {
    let mut met = true;
    for &count in counts {
        let target = Target::tcp("127.0.0.1", 8009).empty_subsystems("nqn.2026-11.bench:", count);
        let (soon_enough, least) = starts(world, &target, rounds);
        met &= soon_enough;
        if Some(&count) == counts.first() {
            met &= silent(world, &target, rounds, least);
        }
        if Some(&count) == counts.last() {
            met &= idle(world, &target, least);
            met &= reaction(world, target, rounds);
        }
        clear(world);
    }
    met
}

/// From the daemon's start until each controller is live, owned and has its unit, beside bare writes;
/// whether that is within its goal, and the least that one of them can take.
fn starts(world: &World, target: &Target, rounds: usize) -> (bool, Duration) {
    let count = target.nqns().len();
    println!("daemon: {count} subsystems, {rounds} rounds");
    let lines = bare::lines(target);
    let (mut alone, mut daemon) = (Times::default(), Times::default());
    let mut shares = [String::new(), String::new()];
    for round in 0..=rounds {
        let before = Usage::now();
        let taken = time(&["nvmf-bench", "--write", &lines]);
        shares[0] = before.since();
        expect(world, count);
        clear(world);
        let before = Usage::now();
        let least = least(taken, count);
        let started = start(world, &target.as_discovery_controller(), count + 1, least);
        shares[1] = before.since();
        check(count + 1);
        clear(world);
        if round > 0 {
            alone.0.push(taken);
            daemon.0.push(started);
        }
    }
    alone.print("connect: bare writes");
    daemon.print("connect: daemon, owners, units");
    println!("processor time of the last rounds, bare: {}", shares[0]);
    println!("processor time of the last rounds, daemon: {}", shares[1]);
    let what = format!("daemon with {count} to bare writes");
    let met = goal(&what, daemon.ratio(&alone), 1.25);
    (met, least(alone.median(), count))
}

/// Nobody connects one of `count` in less than half of what the kernel alone needs.
fn least(bare: Duration, count: usize) -> Duration {
    bare / u32::try_from(2 * count).unwrap_or(u32::MAX)
}

/// The same with silent targets among the configured ones.
fn silent(world: &World, target: &Target, rounds: usize, least: Duration) -> bool {
    println!("daemon: {SILENT} silent targets beside them");
    let silent: Vec<SilentTarget> = (0..SILENT).map(|_| SilentTarget::start()).collect();
    let section = |(number, it): (usize, &SilentTarget)| {
        let place = it.controller();
        format!("[Subsystem]\nnqn = nqn.2026-11.silent:{number}\ncontroller = {place}\n")
    };
    let without = target.as_discovery_controller();
    let with: String = silent.iter().enumerate().map(section).collect();
    let with = with + &without;
    let count = target.nqns().len() + 1;
    let (mut alone, mut beside) = (Times::default(), Times::default());
    for _ in 0..rounds {
        for (times, config) in [(&mut alone, &without), (&mut beside, &with)] {
            times.0.push(start(world, config, count, least));
            check(count);
            clear(world);
        }
    }
    alone.print("daemon without them");
    beside.print("daemon with them");
    goal_beside_silent(&alone, &beside)
}

/// What it needs with everything connected, while nothing happens.
fn idle(world: &World, target: &Target, least: Duration) -> bool {
    let count = target.nqns().len();
    start(world, &target.as_discovery_controller(), count + 1, least);
    check(count + 1);
    settle();
    let pid = world.pid().or_fail("find the daemon");
    // Nothing tells when the last thread without work has ended.
    std::thread::sleep(REST);
    let before = wakeups(pid);
    std::thread::sleep(IDLE);
    let woken = wakeups(pid).saturating_sub(before);
    let kib = host::memory_kib(pid, "VmRSS");
    println!(
        "daemon: {count} controllers, nothing happens for {IDLE:?}: {woken} wakeups, {kib} KiB resident"
    );
    let (awake, small) = (woken <= WAKEUPS, kib <= MEMORY_KIB);
    println!(
        "goals: {WAKEUPS} wakeups: {}, {MEMORY_KIB} KiB: {}",
        verdict(awake),
        verdict(small)
    );
    awake & small
}

/// From the change of a log page until what it names is connected, beside one bare connect.
fn reaction(world: &World, mut target: Target, rounds: usize) -> bool {
    let place = format!(
        "transport=tcp,traddr={},trsvcid={}",
        target.traddr(),
        target.trsvcid()
    );
    let (mut alone, mut daemon) = (Times::default(), Times::default());
    let other = Target::tcp("127.0.0.1", 8010).empty_subsystems("nqn.2026-11.alone:", rounds + 1);
    for round in 0..=rounds {
        let nqn = format!("nqn.2026-11.alone:{}", round + 1);
        let line = format!(
            "nqn={nqn},{}",
            place.replace(target.trsvcid(), other.trsvcid())
        );
        let started = Instant::now();
        bare::connect(&line);
        let taken = started.elapsed();
        let nqn = format!("nqn.2026-11.reaction:{round}");
        let before = host::controllers();
        let started = Instant::now();
        target.add_empty_subsystem(&nqn);
        // A look at all of them would take longer than what is measured.
        let live = world.try_wait("it is connected", LATER, || {
            let new = host::controllers_but(&before);
            new.iter().any(|it| it.nqn == nqn && it.is_live())
        });
        live.or_fail("have it connected");
        if round > 0 {
            alone.0.push(taken);
            daemon.0.push(started.elapsed());
        }
        settle();
    }
    alone.print("one bare connect");
    daemon.print("page changed, connected");
    let most = alone.median().mul_f64(1.3) + Duration::from_millis(100);
    let met = daemon.median() <= most;
    println!(
        "reaction: {:.1?}, goal 1.3 of one connect and 100 ms, {most:.1?}: {}",
        daemon.median(),
        verdict(met)
    );
    met
}

/// Starts the daemon; how long until so many controllers have their units, none of which takes less
/// than `least`: a unit is the last that one gets.
fn start(world: &World, config: &str, count: usize, least: Duration) -> Duration {
    world.config(config);
    let started = Instant::now();
    world.start();
    // Whoever asks takes time from the daemon: no question before the answer can be yes, the cheapest first.
    let mut known = 0;
    while known < count || active_units(world) < count {
        assert!(started.elapsed() < LATER, "not all are connected");
        let missing = u32::try_from(count.saturating_sub(known)).unwrap_or(u32::MAX);
        std::thread::sleep(GLANCE.max(least * missing));
        known = transient_units();
    }
    started.elapsed()
}

/// So many controllers are live and its own.
#[track_caller]
fn check(count: usize) {
    let controllers = host::controllers();
    let ready = controllers
        .iter()
        .filter(|it| it.is_live() && it.is_owned_by("discoverd"));
    assert_eq!(ready.count(), count, "{controllers:?}");
}

/// Units that systemd was told of.
fn transient_units() -> usize {
    let units = names(Path::new(TRANSIENT));
    units
        .iter()
        .filter(|it| it.starts_with("nvmf-nvme"))
        .count()
}

fn active_units(world: &World) -> usize {
    let list = [
        "list-units",
        "--no-legend",
        "--plain",
        "--state=active",
        "nvmf-nvme*.service",
    ];
    world
        .run("systemctl", &list)
        .expect_success()
        .lines()
        .count()
}

/// Stops the daemon and removes all controllers; the targets stay.
fn clear(world: &World) {
    world.stop();
    // its units, each of which disconnects its controller, and what has none
    let _ = world.run("systemctl", &["stop", "nvmf-nvme*.service"]);
    host::disconnect_everything();
    expect(world, 0);
    settle();
}

/// How often the kernel had a thread of the process run that had nothing to do before.
fn wakeups(pid: u32) -> u64 {
    let tasks = format!("/proc/{pid}/task");
    let of = |task: &String| {
        let status = fs::read_to_string(format!("{tasks}/{task}/status")).ok()?;
        let count = status
            .lines()
            .find_map(|it| it.strip_prefix("voluntary_ctxt_switches:"))?;
        count.trim().parse::<u64>().ok()
    };
    names(Path::new(&tasks)).iter().filter_map(of).sum()
}
