//! Targets that vanish in the network, reboot, and fail again and again.

use std::fs;

use nvmf_testkit::host::{self, DISCOVERY_NQN};
use nvmf_testkit::target::Target;
use nvmf_testkit::{LATER, OrFail, SOON, World};

/// Options of one that is lost in seconds.
const WATCHFUL: &str = "keep-alive-tmo = 4\nreconnect-delay = 1\n";

/// Loses a target in seconds, and gives it up soon after.
const IMPATIENT: &str = "[Discovery Controller Defaults]\nkeep-alive-tmo = 2\nreconnect-delay = 1\n\
     ctrl-loss-tmo = 3\n[I/O Controller Defaults]\nkeep-alive-tmo = 2\nreconnect-delay = 1\n\
     ctrl-loss-tmo = 3\n";

/// From now on nothing gets to this port, as if its machine were switched off. Until the world ends.
fn blackhole(world: &World, trsvcid: &str) {
    let rules = format!(
        "add table inet nvmf_test; add chain inet nvmf_test in {{ type filter hook input priority 0; }}; \
         add rule inet nvmf_test in tcp dport {trsvcid} drop"
    );
    world.run("nft", &[&rules]).expect_success();
    world.on_end("the network as it was", clear);
}

/// Everything gets there again.
fn clear() {
    // not there any more: that is what is wanted
    let mut nft = std::process::Command::new("nft");
    drop(nft.args(["delete", "table", "inet", "nvmf_test"]).output());
}

#[test]
fn a_target_that_the_network_swallows_holds_up_none_of_twenty() {
    let world = World::new("a_target_that_the_network_swallows_holds_up_none_of_twenty");
    let swallowed = Target::tcp("127.0.0.1", 4499).subsystem("nqn.2026-11.swallowed:1");
    let others = Target::tcp("127.0.0.1", 4420).empty_subsystems("nqn.2026-11.others:", 20);
    blackhole(&world, swallowed.trsvcid());
    world.config(
        &[
            // Only this one: a busy machine might lose the others, too.
            &swallowed.as_subsystems(),
            WATCHFUL,
            &others.as_subsystems(),
        ]
        .concat(),
    );
    // The attempt is not over for a minute, the most there is: whoever waits for it is late.
    world.daemon_config("[Global]\nprobe-timeout-ms = 60000\n");
    world.start();
    let said = |what: &str| world.status().connection("nqn.2026-11.swallowed:1", what);
    world.wait_connected(others.nqns(), LATER);
    assert_eq!(
        said("last-error"),
        None,
        "it has not been given up: {:?}",
        said("state")
    );
    clear();
    world.wait_connected(swallowed.nqns(), LATER);

    // The same once it is connected: the kernel tries to reconnect, and nobody else notices.
    let before = world.controllers();
    blackhole(&world, swallowed.trsvcid());
    world.wait_for("it is lost, and the status says so", LATER, || {
        said("state").as_deref() == Some("lost")
    });
    let live = |nqn: &String| world.controller(nqn).is_live();
    assert!(others.nqns().iter().all(live), "{:?}", world.controllers());
    clear();
    world.wait_for("it is back", LATER, || {
        said("state").as_deref() == Some("connected")
    });
    assert_eq!(world.controllers(), before, "the same controllers");
}

#[test]
fn a_target_that_reboots_comes_back_with_all_it_has() {
    let world = World::new("a_target_that_reboots_comes_back_with_all_it_has");
    let mut target = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.reboot:", 4);
    world.config(&(IMPATIENT.to_owned() + &target.as_discovery_controller()));
    world.daemon_config("[Global]\nretry-max = 2\n");
    world.start();
    world.wait_connected(target.nqns(), SOON);
    world.wait_connected(&[DISCOVERY_NQN], SOON);
    world.note("its machine goes down");
    blackhole(&world, target.trsvcid());
    world.wait_for("the kernel gives all up", LATER, || {
        world.controllers().is_empty()
    });
    world.note("its machine is up, its target is not");
    target.disable();
    clear();
    let error = || world.status().connection(DISCOVERY_NQN, "last-error");
    world.wait_for("it refuses", LATER, || {
        error().is_some_and(|it| it.contains("refuses"))
    });
    world.note("its target is up, with one more subsystem");
    target.enable();
    target.add_subsystem("nqn.2026-11.reboot:5");
    world.wait_connected(&[DISCOVERY_NQN], LATER);
    world.wait_connected(target.nqns(), LATER);
    assert_eq!(world.controllers().len(), 6, "{:?}", world.controllers());
}

/// What a process holds.
#[derive(Debug)]
struct Held {
    descriptors: usize,
    threads: usize,
    kib: u64,
}

impl Held {
    #[track_caller]
    fn by(pid: u32) -> Self {
        let count = |folder: &str| {
            let entries = fs::read_dir(format!("/proc/{pid}/{folder}"));
            entries.or_fail("look at the process").count()
        };
        Self {
            descriptors: count("fd"),
            threads: count("task"),
            kib: host::memory_kib(pid, "RssAnon"),
        }
    }
}

#[test]
fn thirty_losses_leave_nothing_behind() {
    const CYCLES: usize = 30;
    /// What the second half of the cycles may add; the first one fills caches and pools.
    const GROWTH_KIB: u64 = 512;
    let world = World::new("thirty_losses_leave_nothing_behind");
    let target = Target::tcp("127.0.0.1", 8009).empty_subsystems("nqn.2026-11.cycle:", 4);
    world.config(&target.as_discovery_controller());
    world.daemon_config("[Global]\nretry-max = 1\n");
    world.start();
    world.wait_connected(target.nqns(), SOON);
    let connector = world.run(
        "systemctl",
        &["show", "--value", "-p", "MainPID", "nvmf-connector.service"],
    );
    let connector: u32 = connector
        .stdout
        .trim()
        .parse()
        .or_fail("find the connector");
    let daemon = world.pid().or_fail("find the daemon");
    let mut half = None;
    for cycle in 1..=CYCLES {
        let before = world.controllers();
        let old: Vec<_> = before.iter().map(|it| it.incarnation()).collect();
        for controller in before.iter().filter(|it| !it.is_discovery()) {
            controller.delete();
        }
        world.wait_for(&format!("cycle {cycle}"), LATER, || {
            let now = world.controllers();
            let fresh = now.iter().filter(|it| {
                it.is_live() && it.is_owned_by("discoverd") && !old.contains(&it.incarnation())
            });
            fresh.count() == target.nqns().len()
        });
        if cycle == CYCLES / 2 {
            half = Some([daemon, connector].map(|pid| (pid, Held::by(pid))));
        }
    }
    let units = || {
        let list = [
            "list-units",
            "--all",
            "--no-legend",
            "--plain",
            "nvmf-nvme*.service",
        ];
        world.run("systemctl", &list).expect_success()
    };
    world.wait_for(
        "each controller has one unit, and no other is left",
        SOON,
        || units().lines().count() == 5,
    );
    assert!(!units().contains("failed"), "{}", units());
    world.settle();
    assert_eq!(nvmf_testkit::registry::all().len(), 5);
    let half = half.or_fail("have looked half-way");
    for (pid, before) in half {
        // What it is at just now may need one more, at either look: when it is done, there is none.
        let at_rest = || {
            let after = Held::by(pid);
            after.descriptors <= before.descriptors && after.threads <= before.threads + 1
        };
        let what = format!("no more than half-way: {before:?}");
        let waited = world.try_wait(&what, SOON, at_rest);
        let after = Held::by(pid);
        world.note(format_args!("{before:?} half-way, {after:?} at the end"));
        waited.or_fail("find all given back");
        assert!(after.kib <= before.kib + GROWTH_KIB, "{after:?}");
    }
}
