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
    assert_eq!(world.send(Event::NetworkChanged), [""; 0], "it just failed");
    assert_eq!(world.pass(1_000), ["connect io1"]);
    assert_eq!(world.send(Event::NetworkChanged), [""; 0], "under way");
    world.failed("io1", FailureKind::Refused);
    assert_eq!(world.pass(1_200), [""; 0], "the delay goes on growing");
    assert_eq!(world.send(Event::NetworkChanged), ["connect io1"]);
}

#[test]
fn a_flapping_link_does_not_make_attempts_as_fast_as_it_flaps() {
    let mut world = waiting();
    let mut attempts = 0;
    for _ in 0..1_000 {
        attempts += world.send(Event::NetworkChanged).len();
        attempts += world.pass(10).len();
        if world.open.iter().any(|(_, text, _)| text == "connect io1") {
            world.failed("io1", FailureKind::Unreachable);
        }
    }
    assert!((9..=10).contains(&attempts), "{attempts} in 10 s");
    assert!(world.pass(100_000).is_empty(), "and its failures count");
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
