//! The end: of the machine, and of the daemon.

use discoverd_core::{Event, FailureKind, UnitOutcome};

use crate::world::{World, config, live, ours};

#[test]
fn a_refused_unit_means_disconnect_and_no_more_connects() {
    let (mut world, _) = World::started(&["io1", "io2", "io3"], vec![]);
    world.failed("io2", FailureKind::Refused);
    world.connected("io1", "nvme1");
    let refused = || UnitOutcome::Refused("shutting down".to_owned());
    assert_eq!(world.unit("nvme1", refused()), ["disconnect nvme1"]);
    assert!(
        world
            .state("io2")
            .starts_with("waiting: the machine is shutting down")
    );
    assert_eq!(world.gone("nvme1"), [""; 0], "there is no unit to stop");
    assert!(
        world
            .state("io1")
            .starts_with("waiting: the machine is shutting down")
    );
    // what was under way still gets its unit, or is disconnected as well
    assert_eq!(world.connected("io3", "nvme3"), ["unit nvme3"]);
    assert_eq!(world.unit("nvme3", refused()), ["disconnect nvme3"]);
    assert_eq!(
        world.send(Event::ConfigLoaded(config(&["io1", "io5"]))),
        [""; 0]
    );
    assert_eq!(world.pass(600_000), [""; 0]);
    assert!(world.status().problems[0].starts_with("the machine is shutting down"));
}

#[test]
fn stopping_the_daemon_disconnects_nothing() {
    let (mut world, _) = World::started(&["io1", "io2"], vec![live("io1", "nvme1", 1, &ours())]);
    world.failed("io2", FailureKind::Refused);
    assert_eq!(world.send(Event::Stop), [""; 0]);
    assert_eq!(world.gone("nvme1"), [""; 0]);
    assert_eq!(world.core.next_deadline(), None);
}
