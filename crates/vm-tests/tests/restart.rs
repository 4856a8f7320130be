//! The daemon or its connector dies and another one takes over.

use nvmf_testkit::host::DISCOVERY_NQN;
use nvmf_testkit::target::Target;
use nvmf_testkit::{LATER, SOON, World};

#[test]
fn a_killed_daemons_successor_adopts_what_is_there() {
    let world = World::new("a_killed_daemons_successor_adopts_what_is_there");
    let mut target = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.killed:", 4);
    world.config(&target.as_discovery_controller());
    world.start();
    world.wait_connected(target.nqns(), SOON);
    world.wait_connected(&[DISCOVERY_NQN], SOON);
    let (before, made) = (world.controllers(), world.controllers_made());
    world.kill();
    world.wait_for("the new one knows them all", SOON, || {
        let status = world.status();
        let connected = |nqn: &String| status.state(nqn) == "connected";
        target.nqns().iter().all(connected) && status.state(DISCOVERY_NQN) == "connected"
    });
    assert_eq!(
        world.controllers(),
        before,
        "the same controllers, inodes and owners"
    );
    assert_eq!(world.controllers_made(), made, "the kernel made no other");
    // It does not only know them: it looks after them.
    target.add_subsystem("nqn.2026-11.killed:5");
    world.wait_connected(target.nqns(), SOON);
    assert_eq!(world.controllers_made(), made + 1);
}

#[test]
fn what_was_lost_while_no_daemon_ran_comes_back() {
    let world = World::new("what_was_lost_while_no_daemon_ran_comes_back");
    let target = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.stopped:", 2);
    world.config(&target.as_discovery_controller());
    world.start();
    world.wait_connected(target.nqns(), SOON);
    world.stop();
    assert_eq!(world.controllers().len(), 3, "stopping disconnects nothing");
    world.controller("nqn.2026-11.stopped:1").delete();
    world.start();
    world.wait_connected(target.nqns(), SOON);
}

#[test]
fn units_are_made_and_go_with_their_controllers() {
    let world = World::new("units_are_made_and_go_with_their_controllers");
    let target = Target::tcp("127.0.0.1", 4420).subsystems("nqn.2026-11.unit:", 2);
    world.config(&target.as_subsystems());
    world.start();
    world.wait_connected(target.nqns(), SOON);
    let active =
        |unit: &str| world.run("systemctl", &["is-active", unit]).stdout.trim() == "active";
    let first = world.controller("nqn.2026-11.unit:1");
    let unit = format!("nvmf-{}-{}.service", first.device, first.ino);
    world.wait_for("it has a unit", SOON, || active(&unit));
    world.run("systemctl", &["stop", &unit]).expect_success();
    let gone = world
        .controllers()
        .iter()
        .all(|it| it.incarnation() != first.incarnation());
    assert!(gone, "stopping the unit disconnects the controller");
    world.wait_connected(target.nqns(), SOON);
    let second = world.controller("nqn.2026-11.unit:1");
    let unit = format!("nvmf-{}-{}.service", second.device, second.ino);
    world.wait_for("its successor has a unit of its own", SOON, || {
        active(&unit)
    });
    second.delete();
    world.wait_for("the unit goes with the controller", SOON, || !active(&unit));
}

#[test]
fn a_killed_connector_loses_nothing() {
    let world = World::new("a_killed_connector_loses_nothing");
    let target = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.killed:", 4);
    world.config(&target.as_discovery_controller());
    world.start();
    for number in 1..=3 {
        world.wait_for("the connector is at work", SOON, || {
            world.controllers_made() >= number
        });
        let kill = ["kill", "-s", "KILL", "nvmf-connector.service"];
        // It may have been killed and not be back yet.
        let _ = world.run("systemctl", &kill);
    }
    world.wait_connected(target.nqns(), LATER);
    world.wait_connected(&[DISCOVERY_NQN], LATER);
    assert_eq!(world.controllers().len(), 5, "{:?}", world.controllers());
}
