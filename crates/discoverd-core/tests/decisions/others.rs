//! Other people's controllers are left alone.

use discoverd_core::{ClaimOutcome, ConnectOutcome, Event};

use crate::world::{World, live, ours};

#[test]
fn connected_by_hand_while_running_is_not_claimed() {
    let (mut world, _) = World::started(&["io1"], vec![live("io1", "nvme1", 1, "stas")]);
    assert_eq!(
        world.gone("nvme1"),
        ["connect io1"],
        "nothing failed: at once"
    );
    world.connected("io1", "nvme1");
    world.gone("nvme1");
    assert_eq!(world.seen(live("io1", "nvme1", 300, "")), [""; 0]);
    assert_eq!(
        world.state("io1"),
        "foreign: connected by hand as nvme1; unowned, left alone until it goes"
    );
    assert_eq!(
        world.pass(2_000),
        ["look nvme1"],
        "the owner may come a little later"
    );
    world.list(vec![live("io1", "nvme1", 300, "")]);
    assert_eq!(world.pass(600_000), [""; 0]);
    assert_eq!(world.gone("nvme1"), ["connect io1"]);
}

#[test]
fn ownership_that_changes_is_followed() {
    let (mut world, _) = World::started(&["io1"], vec![live("io1", "nvme1", 1, "stas")]);
    let device = "nvme1".parse().unwrap();
    assert_eq!(
        world.send(Event::OwnershipChanged { device }),
        ["look nvme1"]
    );
    assert_eq!(
        world.list(vec![live("io1", "nvme1", 1, &ours())]),
        ["unit nvme1"]
    );
    assert_eq!(world.state("io1"), "connected: connected as nvme1");
    assert_eq!(world.list(vec![live("io1", "nvme1", 1, "csi")]), [""; 0]);
    assert!(
        world
            .state("io1")
            .starts_with("foreign: connected as nvme1, which csi owns")
    );
}

/// The answer may be older than the look that arrived before it: somebody released it since.
#[test]
fn what_was_read_before_the_answer_is_read_again() {
    let (mut world, actions) = World::started(&["io1"], vec![live("io1", "nvme1", 1, "")]);
    assert_eq!(actions, ["claim nvme1"]);
    assert_eq!(world.seen(live("io1", "nvme1", 1, "")), [""; 0]);
    assert_eq!(
        world.claimed("nvme1", ClaimOutcome::Granted),
        ["unit nvme1"]
    );
    assert_eq!(world.pass(2_000), ["look nvme1"]);
    assert_eq!(world.gone("nvme1"), ["stop nvme1"]);
    assert_eq!(world.pass(1_200), ["connect io1"]);
    world.seen(live("io1", "nvme1", 2, ""));
    let outcome = ConnectOutcome::Connected {
        device: "nvme1".parse().unwrap(),
        sysfs_ino: 2,
        cntlid: 4,
    };
    assert_eq!(world.finished("io1", outcome), ["unit nvme1"]);
    assert_eq!(world.pass(2_000), ["look nvme1"]);
}

#[test]
fn a_controller_that_satisfies_two_connections_has_one_unit() {
    let (mut world, _) = World::started(&["io1"], vec![]);
    let mut config = crate::world::config(&["io1", "io1"]);
    config.connections[1].tid.host_iface = Some("eth0".to_owned());
    assert_eq!(world.send(Event::ConfigLoaded(config)), ["connect io1"]);
    let mut both = live("io1", "nvme1", 8, &ours());
    both.tid.host_iface = Some("eth0".to_owned());
    for _ in 0..2 {
        let outcome = ConnectOutcome::AlreadyConnected(both.clone());
        world.finished("io1", outcome);
    }
    let units = world
        .open
        .iter()
        .filter(|(_, text, _)| text == "unit nvme1");
    assert_eq!(units.count(), 1);
    assert_eq!(world.status().counts.connected, 2);
    assert_eq!(world.gone("nvme1"), ["stop nvme1"]);
    assert_eq!(world.pass(1_200), ["connect io1", "connect io1"]);
}

#[test]
fn an_overflow_listing_brings_what_was_missed() {
    let found = vec![
        live("io1", "nvme1", 1, &ours()),
        live("io2", "nvme2", 2, "stas"),
    ];
    let (mut world, _) = World::started(&["io1", "io2"], found);
    assert_eq!(world.list(vec![]), ["stop nvme1", "connect io2"]);
    assert_eq!(world.pass(1_200), ["connect io1"]);
}
