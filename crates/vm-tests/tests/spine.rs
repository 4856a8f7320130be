//! One path through all layers: configuration, discovery, connections, owners, loss and return.

use nvmf_testkit::host::DISCOVERY_NQN;
use nvmf_testkit::target::Target;
use nvmf_testkit::{LATER, SOON, World};

/// Loses a target quickly, and is patient with it.
const PATIENT: &str = "[Discovery Controller Defaults]\nreconnect-delay = 2\nctrl-loss-tmo = 600\n\
                       [I/O Controller Defaults]\nreconnect-delay = 2\nctrl-loss-tmo = 600\n";

/// Loses a target quickly, and gives it up quickly.
const IMPATIENT: &str = "[Discovery Controller Defaults]\nreconnect-delay = 1\nctrl-loss-tmo = 3\n\
                         [I/O Controller Defaults]\nreconnect-delay = 1\nctrl-loss-tmo = 3\n";

#[test]
fn what_a_log_page_names_is_connected_and_owned() {
    let world = World::new("what_a_log_page_names_is_connected_and_owned");
    let target = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.spine:", 4);
    world.config(&target.as_discovery_controller());
    world.start();
    world.wait_connected(&all_of(&target), SOON);
    assert_eq!(world.controllers().len(), 5, "1 DC and 4 IOCs");
    let listed = world.nvmf(&["registry", "list"]).expect_success();
    assert_eq!(listed.matches("discoverd").count(), 5, "{listed}");
    world.wait_for("the status says so", SOON, || {
        let status = world.status();
        all_of(&target)
            .iter()
            .all(|nqn| status.state(nqn) == "connected")
    });
}

#[test]
fn the_same_over_ipv6() {
    let world = World::new("the_same_over_ipv6");
    let target = Target::tcp("::1", 8009).subsystems("nqn.2026-11.spine6:", 2);
    world.config(&target.as_discovery_controller());
    world.start();
    world.wait_connected(&all_of(&target), SOON);
}

#[test]
fn the_same_over_loop() {
    let world = World::new("the_same_over_loop");
    let target = Target::looped().subsystems("nqn.2026-11.loop:", 2);
    world.config(&target.as_subsystems());
    world.start();
    world.wait_connected(target.nqns(), SOON);
}

#[test]
fn a_subsystem_that_is_added_is_connected() {
    let world = World::new("a_subsystem_that_is_added_is_connected");
    let mut target = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.added:", 1);
    world.config(&target.as_discovery_controller());
    world.start();
    world.wait_connected(&all_of(&target), SOON);
    // One event tells of a change; the next comes only if the log page was read after it.
    for number in 2..=3 {
        target.add_subsystem(&format!("nqn.2026-11.added:{number}"));
        world.wait_connected(&all_of(&target), SOON);
    }
}

#[test]
fn a_port_that_is_back_soon_is_reconnected_by_the_kernel() {
    let world = World::new("a_port_that_is_back_soon_is_reconnected_by_the_kernel");
    let mut target = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.soon:", 4);
    world.config(&(PATIENT.to_owned() + &target.as_discovery_controller()));
    world.start();
    world.wait_connected(&all_of(&target), SOON);
    let before = world.controllers();
    target.disable();
    world.wait_for("all are lost", SOON, || {
        !world.controllers().iter().any(|it| it.is_live())
    });
    target.enable();
    world.wait_connected(&all_of(&target), LATER);
    assert_eq!(
        world.controllers(),
        before,
        "the same controllers, inodes and owners"
    );
}

#[test]
fn a_port_that_is_back_late_is_reconnected_by_the_daemon() {
    let world = World::new("a_port_that_is_back_late_is_reconnected_by_the_daemon");
    let mut target = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.late:", 4);
    world.config(&(IMPATIENT.to_owned() + &target.as_discovery_controller()));
    world.daemon_config("[Global]\nretry-max = 4\n");
    world.start();
    world.wait_connected(&all_of(&target), SOON);
    let before: Vec<_> = world
        .controllers()
        .iter()
        .map(|it| it.incarnation())
        .collect();
    target.disable();
    world.wait_for("the kernel gives all up", LATER, || {
        world.controllers().is_empty()
    });
    target.enable();
    world.wait_connected(&all_of(&target), LATER);
    let after = world.controllers();
    assert!(
        after.iter().all(|it| !before.contains(&it.incarnation())),
        "new ones: {after:?}"
    );
}

/// The subsystems and the discovery controller of a target.
fn all_of(target: &Target) -> Vec<String> {
    target
        .nqns()
        .iter()
        .cloned()
        .chain([DISCOVERY_NQN.to_owned()])
        .collect()
}
