//! Discovery controllers that are not to stay connected: `persistent = no`.

use discoverd_core::{
    ClaimOutcome, ConnectOutcome, Event, FailureKind, Settings, Subject, Timestamp,
};
use nvmf_types::config::{Config, Persistence};

use crate::world::{World, config, live, ours, tid};

const MINUTE: u64 = 60_000;

/// A configuration that names these, the discovery controllers as `persistent` says.
fn naming(names: &[&str], persistent: Persistence) -> Config {
    let mut config = config(names);
    for connection in &mut config.connections {
        connection.persistent = persistent;
    }
    config
}

/// `dc1` is configured and not to be kept, and these controllers are there.
fn started(controllers: Vec<nvmf_types::LiveController>) -> World {
    let mut world = World::new();
    world.send(Event::ConfigLoaded(naming(&["dc1"], Persistence::No)));
    world.boot(vec![]);
    world.exclude(&[]);
    world.list(controllers);
    world
}

/// It was visited, and its page names `io1`.
fn idle() -> World {
    let mut world = started(vec![]);
    world.connected("dc1", "nvme0");
    world.logged("nvme0", &["io1"]);
    world.gone("nvme0");
    world
}

#[test]
fn it_is_connected_to_be_read_and_no_longer() {
    let mut world = started(vec![]);
    assert_eq!(
        world.connected("dc1", "nvme0"),
        ["unit nvme0", "fetch nvme0"]
    );
    assert_eq!(
        world.logged("nvme0", &["io1"]),
        ["disconnect nvme0", "connect io1"]
    );
    assert_eq!(world.gone("nvme0"), ["stop nvme0"]);
    assert_eq!(
        world.state("dc1"),
        "idle: not kept connected (`persistent = no`); its discovery log page names 1 connection"
    );
    let status = world.connection("dc1");
    assert_eq!(status.next_retry_ms, Some(15 * MINUTE));
    assert_eq!((status.attempts, status.last_error), (0, None));
    assert_eq!(world.status().counts.idle, 1);
    assert_eq!(world.status().problems, [""; 0]);

    world.connected("io1", "nvme1");
    assert!(world.state("io1").starts_with("connected"));
    assert_eq!(world.pass(15 * MINUTE - 1), [""; 0]);
    assert_eq!(world.pass(1), ["connect dc1"]);
    world.connected("dc1", "nvme0");
    assert_eq!(world.logged("nvme0", &[]), ["disconnect nvme0"]);
    world.gone("nvme0");
    assert_eq!(world.connection("io1").sources, [""; 0], "named no more");
}

#[test]
fn a_change_that_is_told_of_is_read_before_it_is_left() {
    let mut world = started(vec![]);
    world.connected("dc1", "nvme0");
    world.changed("nvme0");
    assert_eq!(world.logged("nvme0", &[]), ["fetch nvme0"]);
    assert_eq!(
        world.logged("nvme0", &["io1"]),
        ["disconnect nvme0", "connect io1"]
    );
    // told of when it was already being left: it is seen to at once
    world.changed("nvme0");
    world.gone("nvme0");
    assert!(world.state("dc1").starts_with("retrying"));
    assert_eq!(world.pass(1_200), ["connect dc1"]);
}

#[test]
fn what_goes_before_it_was_read_is_lost() {
    let mut world = started(vec![]);
    world.connected("dc1", "nvme0");
    world.not_logged("nvme0");
    world.gone("nvme0");
    assert!(world.state("dc1").starts_with("retrying"));
    assert_eq!(world.pass(1_200), ["connect dc1"]);
    world.failed("dc1", FailureKind::Refused);
    assert!(world.state("dc1").starts_with("retrying"));
}

#[test]
fn one_that_could_not_be_disconnected_is_tried_again() {
    let mut world = started(vec![]);
    world.connected("dc1", "nvme0");
    assert_eq!(world.logged("nvme0", &[]), ["disconnect nvme0"]);
    assert_eq!(world.pass(15 * MINUTE - 1), [""; 0]);
    assert_eq!(world.pass(1), ["fetch nvme0"]);
    assert_eq!(world.logged("nvme0", &[]), ["disconnect nvme0"]);
    world.gone("nvme0");
    assert_eq!(world.connection("dc1").state.as_str(), "idle");
}

#[test]
fn what_was_there_before_stays() {
    for owner in ["", &ours()] {
        let mut world = started(vec![live("dc1", "nvme0", 7, owner)]);
        if owner.is_empty() {
            world.claimed("nvme0", ClaimOutcome::Granted);
        }
        assert!(
            !world
                .logged("nvme0", &[])
                .contains(&"disconnect nvme0".to_owned())
        );
        assert!(world.state("dc1").starts_with("connected"));
        assert_eq!(world.pass(1_200), ["fetch nvme0"]);
        assert_eq!(world.logged("nvme0", &[]), [""; 0]);
    }
}

/// One controller that is two connections, both connected and not read yet; the one that it was
/// made for is not to be kept.
fn two_in_one(other: Persistence) -> World {
    let mut world = World::new();
    let mut config = naming(&["dc1", "dc1"], Persistence::No);
    config.connections[0].persistent = other;
    config.connections[1].tid.host_iface = Some("eth0".to_owned());
    world.send(Event::ConfigLoaded(config));
    world.boot(vec![]);
    world.exclude(&[]);
    world.list(vec![]);
    world.connected("dc1", "nvme0");
    let mut both = live("dc1", "nvme0", world.ino("nvme0"), &ours());
    both.tid.host_iface = Some("eth0".to_owned());
    world.finished("dc1", ConnectOutcome::AlreadyConnected(both));
    world
}

#[test]
fn what_something_else_wants_stays() {
    let mut world = two_in_one(Persistence::Auto);
    for _ in 0..2 {
        assert_eq!(world.logged("nvme0", &[]), [""; 0]);
    }
}

#[test]
fn two_in_one_are_left_when_both_are_read() {
    let mut world = two_in_one(Persistence::No);
    assert_eq!(world.logged("nvme0", &[]), [""; 0]);
    assert_eq!(world.logged("nvme0", &[]), ["disconnect nvme0"]);
    world.gone("nvme0");
    assert_eq!(world.status().counts.idle, 2);
}

#[test]
fn a_reload_wakes_it_and_disconnects_nothing() {
    let mut world = idle();
    let kept = naming(&["dc1"], Persistence::Auto);
    let woken = world.send(Event::ConfigLoaded(kept));
    assert_eq!(woken, ["connect dc1"]);
    world.connected("dc1", "nvme0");
    assert_eq!(world.logged("nvme0", &["io1"]), [""; 0]);
    let no = naming(&["dc1"], Persistence::No);
    assert_eq!(world.send(Event::ConfigLoaded(no)), [""; 0]);
    assert_eq!(world.changed("nvme0"), ["fetch nvme0"]);
    assert_eq!(
        world.logged("nvme0", &["io1"]),
        [""; 0],
        "it was there before"
    );
}

#[test]
fn a_reload_that_comes_while_it_is_left_counts() {
    let mut world = started(vec![]);
    world.connected("dc1", "nvme0");
    assert_eq!(world.logged("nvme0", &[]), ["disconnect nvme0"]);
    world.send(Event::ConfigLoaded(naming(&["dc1"], Persistence::Auto)));
    world.gone("nvme0");
    assert_eq!(world.pass(1_200), ["connect dc1"]);
}

#[test]
fn somebody_can_have_it_read_now() {
    let mut world = idle();
    let asked = world.send(Event::RetryNow(Some(tid("dc1"))));
    assert_eq!(asked, ["connect dc1"]);
    world.connected("dc1", "nvme0");
    world.logged("nvme0", &["io1"]);
    world.gone("nvme0");
    assert_eq!(world.pass(15 * MINUTE - 1), [""; 0]);
    assert_eq!(world.pass(1), ["connect dc1"]);
}

#[test]
fn nothing_else_has_it_read_sooner() {
    let mut world = idle();
    world.send(Event::NetworkChanged);
    world.list(vec![]);
    world.send(Event::ConfigLoaded(naming(&["dc1"], Persistence::No)));
    assert_eq!(world.connection("dc1").state.as_str(), "idle");
    let never = Settings {
        dc_recheck_minutes: 0,
        ..Settings::default()
    };
    world.send(Event::SettingsLoaded(never));
    assert_eq!(world.pass(1_000 * MINUTE), [""; 0]);
    world.send(Event::NetworkChanged);
    assert_eq!(world.connection("dc1").state.as_str(), "idle");
    assert_eq!(world.send(Event::RetryNow(None)), ["connect dc1"]);
    world.connected("dc1", "nvme0");
    world.logged("nvme0", &["io1"]);
    world.gone("nvme0");
    world.pass(MINUTE);
    world.send(Event::SettingsLoaded(Settings::default()));
    assert_eq!(world.pass(14 * MINUTE - 1), [""; 0]);
    assert_eq!(world.pass(1), ["connect dc1"]);
}

#[test]
fn it_rests_on_when_somebody_else_was_there() {
    let mut world = idle();
    world.seen(live("dc1", "nvme3", 70, ""));
    assert!(world.state("dc1").starts_with("foreign"));
    world.gone("nvme3");
    assert_eq!(world.connection("dc1").state.as_str(), "idle");
    assert_eq!(world.pass(15 * MINUTE), ["connect dc1"]);
}

#[test]
fn what_is_no_longer_desired_is_not_left_behind() {
    // while it is read
    let mut world = started(vec![]);
    world.connected("dc1", "nvme0");
    let dropped = world.send(Event::ConfigLoaded(config(&[])));
    assert_eq!(dropped, ["disconnect nvme0"]);
    // while it is being connected
    let mut world = started(vec![]);
    assert_eq!(world.send(Event::ConfigLoaded(config(&[]))), [""; 0]);
    let made = world.connected("dc1", "nvme0");
    assert!(made.contains(&"disconnect nvme0".to_owned()), "{made:?}");
    // what is to be kept stays
    let (mut world, _) = World::started(&["dc1"], vec![]);
    world.connected("dc1", "nvme0");
    assert_eq!(world.send(Event::ConfigLoaded(config(&[]))), [""; 0]);
}

#[test]
fn what_was_wanted_otherwise_meanwhile_stays() {
    let mut world = started(vec![]);
    world.connected("dc1", "nvme0");
    for persistent in [Persistence::Auto, Persistence::No] {
        world.send(Event::ConfigLoaded(naming(&["dc1"], persistent)));
    }
    assert_eq!(world.logged("nvme0", &[]), [""; 0]);
}

#[test]
fn one_that_somebody_made_meanwhile_stays() {
    let mut world = started(vec![]);
    let theirs = live("dc1", "nvme0", 7, &ours());
    world.finished("dc1", ConnectOutcome::AlreadyConnected(theirs));
    assert_eq!(world.logged("nvme0", &[]), [""; 0]);
}

#[test]
fn a_visit_that_finds_nothing_new_keeps_nothing_alive() {
    let mut world = idle();
    world.failed("io1", FailureKind::Refused);
    world.pass(15 * MINUTE - 1);
    while world.open.iter().any(|open| open.1 == "connect io1") {
        world.failed("io1", FailureKind::Refused);
    }
    let before = world.connection("io1").retry_at_ms;
    world.pass(1);
    world.connected("dc1", "nvme0");
    world.logged("nvme0", &["io1"]);
    assert_eq!(world.connection("io1").retry_at_ms, before);
    world.gone("nvme0");
    world.pass(15 * MINUTE);
    world.connected("dc1", "nvme0");
    let mut moved = crate::world::log(&["io1"]);
    moved.genctr = 2;
    world.logged_as("nvme0", moved);
    let tried = world.connection("io1");
    assert!(
        tried.next_retry_ms.is_none_or(|ms| ms <= 1_000),
        "{tried:?}"
    );
}

#[test]
fn an_exclusion_counts() {
    let mut world = idle();
    world.exclude(&["dc1"]);
    assert!(world.state("dc1").starts_with("excluded"));
    assert_eq!(world.pass(20 * MINUTE), [""; 0]);
    assert_eq!(world.exclude(&[]), ["connect dc1"]);
}

#[test]
fn what_inherits_that_is_not_kept_either() {
    let mut world = World::new();
    let mut config = config(&["dc1"]);
    config.connections[0].inherits.persistent = Persistence::No;
    world.send(Event::ConfigLoaded(config));
    world.boot(vec![]);
    world.exclude(&[]);
    world.list(vec![]);
    world.connected("dc1", "nvme0");
    assert_eq!(world.logged("nvme0", &["dc2"]), ["connect dc2"]);
    world.connected("dc2", "nvme1");
    assert_eq!(
        world.logged("nvme1", &["io1"]),
        ["disconnect nvme1", "connect io1"]
    );
}

#[test]
fn it_explains_itself() {
    let world = idle();
    let now = Timestamp(world.now);
    let subject = Subject::Connection(tid("dc1"));
    let text = world.core.explain(&subject, now).to_string();
    assert!(
        text.contains("Its discovery log page names 1 connection.\n")
            && text.contains("`persistent = no` lets it be connected only to read that; the next time is in 15 min."),
        "{text}"
    );
    let plan = world.core.plan(now);
    let plan: Vec<String> = plan.iter().map(ToString::to_string).collect();
    assert!(
        plan.iter()
            .any(|step| step.starts_with("in 15 min: connect (tcp, 192.0.2.1")),
        "{plan:?}"
    );
}
