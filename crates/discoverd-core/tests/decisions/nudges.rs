//! What makes waiting pointless.

use discoverd_core::{Event, FailureKind, Settings};

use crate::world::{World, tid};

fn waiting() -> World {
    let (mut world, _) = World::started(&["io1", "io2"], vec![]);
    for _ in 0..5 {
        world.failed("io1", FailureKind::Refused);
        world.failed("io2", FailureKind::Refused);
        assert_eq!(world.pass(300_000).len(), 2);
    }
    world.failed("io1", FailureKind::Refused);
    world
}

#[test]
fn the_network_came_up() {
    let mut world = waiting();
    assert_eq!(world.send(Event::NetworkChanged), ["connect io1"]);
    assert_eq!(world.send(Event::NetworkChanged), [""; 0], "under way");
    world.failed("io1", FailureKind::Refused);
    assert_eq!(world.pass(1_200), ["connect io1"], "delays start over");
}

#[test]
fn somebody_asks_for_one_or_all() {
    let mut world = waiting();
    assert_eq!(world.send(Event::RetryNow(Some(tid("io2")))), [""; 0]);
    assert_eq!(
        world.send(Event::RetryNow(Some(tid("io1")))),
        ["connect io1"]
    );
    world.failed("io1", FailureKind::Refused);
    world.failed("io2", FailureKind::Refused);
    assert_eq!(world.send(Event::RetryNow(None)).len(), 2);
}

#[test]
fn settings_change_from_now_on() {
    let mut world = World::started(&["io1"], vec![]).0;
    world.send(Event::SettingsLoaded(Settings {
        retry_initial_ms: 60_000,
        owner: "another".parse().unwrap(),
        ..Settings::default()
    }));
    world.failed("io1", FailureKind::Refused);
    assert_eq!(world.pass(40_000), [""; 0]);
    assert_eq!(world.pass(40_000), ["connect io1"]);
    world.connected("io1", "nvme1");
    assert_eq!(
        world.connection("io1").owner.as_deref(),
        Some("discoverd"),
        "who we are stays"
    );
}
