//! Failures and losses: retried, ever more slowly, and forgotten after good times.

use discoverd_core::{ConnectOutcome, Event, FailureKind, Timestamp};

use crate::world::{World, config, listed, live, ours};

fn one() -> World {
    World::started(&["io1"], vec![]).0
}

#[test]
fn failures_are_retried_with_doubling_delays() {
    let mut world = one();
    let mut nominal = 1_000;
    for attempt in 1..12 {
        assert_eq!(world.failed("io1", FailureKind::Refused), [""; 0]);
        assert_eq!(world.state("io1"), "retrying: refused: no luck");
        let connection = world.connection("io1");
        assert_eq!(
            (connection.attempts, connection.last_error.as_deref()),
            (attempt, Some("no luck"))
        );
        let due = connection.next_retry_ms.unwrap();
        assert!(
            (nominal * 8 / 10..=nominal * 12 / 10).contains(&due),
            "{due}"
        );
        assert_eq!(world.pass(due - 1), [""; 0]);
        assert_eq!(world.pass(1), ["connect io1"]);
        nominal = (nominal * 2).min(300_000);
    }
}

#[test]
fn what_vanishes_comes_back_and_flapping_is_damped() {
    let mut world = one();
    world.connected("io1", "nvme1");
    assert_eq!(world.gone("nvme1"), ["stop nvme1"]);
    assert_eq!(world.state("io1"), "retrying: nvme1 is gone after 0 s");
    assert_eq!(world.pass(1_200), ["connect io1"]);
    world.connected("io1", "nvme1");
    world.pass(59_000);
    world.gone("nvme1");
    assert_eq!(world.pass(1_500), [""; 0], "did not last: 2 s now");
    assert_eq!(world.pass(1_000), ["connect io1"]);
    world.connected("io1", "nvme1");
    world.pass(60_000);
    world.gone("nvme1");
    assert_eq!(world.pass(1_200), ["connect io1"], "lasted: 1 s again");
    assert_eq!(world.connection("io1").attempts, 1);
}

#[test]
fn a_recycled_name_is_another_controller() {
    let (mut world, _) = World::started(&["io1"], vec![live("io1", "nvme1", 5, &ours())]);
    assert_eq!(world.seen(live("io9", "nvme1", 6, "")), ["stop nvme1"]);
    assert!(world.state("io1").starts_with("retrying: nvme1 is gone"));
    // ours again by a connect whose result was lost
    assert_eq!(world.seen(live("io1", "nvme2", 7, &ours())), ["unit nvme2"]);
    assert_eq!(world.pass(600_000), [""; 0]);
}

#[test]
fn a_sighting_waits_for_the_connect() {
    let mut world = one();
    assert_eq!(world.seen(live("io1", "nvme1", 200, "")), [""; 0]);
    assert!(world.state("io1").starts_with("starting: connecting"));
    let outcome = ConnectOutcome::Connected {
        device: "nvme1".parse().unwrap(),
        sysfs_ino: 200,
        cntlid: 4,
    };
    assert_eq!(world.finished("io1", outcome), ["unit nvme1"]);
    // read before the registry entry was written, arrives late
    assert_eq!(world.seen(live("io1", "nvme1", 200, "")), [""; 0]);
    assert_eq!(world.state("io1"), "connected: connected as nvme1");
    assert_eq!(
        world.pass(2_000),
        ["look nvme1"],
        "but it is looked at again"
    );
    world.list(vec![live("io1", "nvme1", 200, &ours())]);
    assert_eq!(world.state("io1"), "connected: connected as nvme1");
    assert_eq!(world.pass(600_000), [""; 0]);
}

#[test]
fn a_sighting_of_the_making_that_comes_late_changes_nothing() {
    let mut world = one();
    world.connected("io1", "nvme1");
    let mut half = live("io1", "nvme1", world.ino("nvme1"), "");
    half.class = None;
    half.state = nvmf_types::ControllerState::New;
    half.tid.nqn = nvmf_types::Nqn::reported("(efault)").unwrap();
    assert_eq!(world.seen(half), [""; 0]);
    assert_eq!(world.state("io1"), "connected: connected as nvme1");
}

#[test]
fn what_is_connected_is_not_lost_because_it_was_not_ready_before() {
    let mut world = one();
    let before = Timestamp(world.now);
    world.pass(1);
    world.connected("io1", "nvme1");
    let mut early = live("io1", "nvme1", world.ino("nvme1"), &ours());
    early.state = nvmf_types::ControllerState::Connecting;
    assert_eq!(world.send(listed(vec![early.clone()], before)), [""; 0]);
    assert_eq!(world.state("io1"), "connected: connected as nvme1");
    assert_eq!(world.pass(2_000), ["look nvme1"], "it may be lost since");
    assert_eq!(world.seen(early), [""; 0]);
    assert!(world.state("io1").starts_with("lost"));
}

#[test]
fn a_connect_of_something_unseen_is_looked_at_again() {
    let mut world = one();
    let outcome = ConnectOutcome::Connected {
        device: "nvme1".parse().unwrap(),
        sysfs_ino: 200,
        cntlid: 4,
    };
    let actions = world.finished("io1", outcome);
    assert_eq!(actions, ["unit nvme1", "look nvme1"]);
    assert_eq!(
        world.send(listed(vec![], Timestamp(world.now))),
        [""; 0],
        "may be older than the connect"
    );
    assert_eq!(world.pass(2_000), ["look nvme1"]);
    assert_eq!(world.list(vec![]), ["stop nvme1"]);
    assert_eq!(world.pass(1_200), ["connect io1"]);
}

#[test]
fn a_lost_connector_leads_to_a_look_and_a_retry() {
    let (mut world, _) = World::started(&["io1", "io2"], vec![]);
    assert_eq!(world.failed("io1", FailureKind::ConnectorLost), ["rescan"]);
    world.failed("io2", FailureKind::ConnectorLost);
    // it had been made all the same
    let made = live("io1", "nvme1", 9, &ours());
    assert_eq!(world.list(vec![made]), ["unit nvme1"]);
    assert_eq!(world.pass(1_200), ["connect io2"]);
}

#[test]
fn no_retry_before_the_look_after_a_lost_connector() {
    let mut world = one();
    assert_eq!(world.failed("io1", FailureKind::ConnectorLost), ["rescan"]);
    assert_eq!(world.pass(1_200), ["rescan"], "it may be there: ask again");
    world.list(vec![]);
    assert_eq!(world.pass(2_400), ["connect io1"]);
}

#[test]
fn what_a_dead_connector_made_without_an_entry_is_claimed() {
    let mut world = one();
    assert_eq!(world.failed("io1", FailureKind::ConnectorLost), ["rescan"]);
    let made = live("io1", "nvme1", 9, "");
    assert_eq!(world.list(vec![made]), ["claim nvme1"]);
}

#[test]
fn what_could_not_be_registered_is_claimed_until_it_succeeds() {
    let mut world = one();
    assert_eq!(world.failed("io1", FailureKind::Unregistered), ["rescan"]);
    let made = live("io1", "nvme1", 9, "");
    assert_eq!(world.list(vec![made]), ["claim nvme1"]);
}

#[test]
fn what_a_dead_connector_made_late_is_claimed_too() {
    let mut world = one();
    world.failed("io1", FailureKind::ConnectorLost);
    world.list(vec![]);
    assert_eq!(world.pass(2_400), ["connect io1"]);
    let late = ConnectOutcome::AlreadyConnected(live("io1", "nvme1", 9, ""));
    assert!(
        world
            .finished("io1", late)
            .contains(&"claim nvme1".to_owned())
    );
}

#[test]
fn after_an_answer_a_newcomer_is_somebody_elses_again() {
    let mut world = one();
    world.failed("io1", FailureKind::ConnectorLost);
    world.list(vec![]);
    assert_eq!(world.pass(2_400), ["connect io1"]);
    world.failed("io1", FailureKind::Refused);
    assert_eq!(world.seen(live("io1", "nvme1", 9, "")), [""; 0]);
    assert!(world.state("io1").starts_with("foreign: "));
}

#[test]
fn already_connected_is_connected_or_foreign() {
    let (mut world, _) = World::started(&["io1", "io2"], vec![]);
    let mine = ConnectOutcome::AlreadyConnected(live("io1", "nvme1", 9, &ours()));
    assert_eq!(world.finished("io1", mine), ["unit nvme1", "look nvme1"]);
    let theirs = ConnectOutcome::AlreadyConnected(live("io2", "nvme2", 10, "stas"));
    assert_eq!(world.finished("io2", theirs), ["look nvme2"]);
    assert!(world.state("io2").starts_with("foreign: "));
}

#[test]
fn changed_options_are_tried_at_once() {
    let mut world = one();
    world.failed("io1", FailureKind::Rejected);
    assert_eq!(world.send(Event::ConfigLoaded(config(&["io1"]))), [""; 0]);
    let mut changed = config(&["io1"]);
    changed.connections[0].options.hdr_digest = Some(true);
    assert_eq!(world.send(Event::ConfigLoaded(changed)), ["connect io1"]);
}

#[test]
fn the_log_has_one_line_per_change() {
    let mut world = one();
    world.failed("io1", FailureKind::Silent);
    world.pass(1_200);
    world.connected("io1", "nvme1");
    world.seen(live("io1", "nvme1", world.ino("nvme1"), &ours()));
    let changes = std::iter::from_fn(|| world.core.poll_change());
    let lines: Vec<String> = changes.map(|change| change.to_string()).collect();
    let io1 = "(tcp, 192.0.2.100, 4420, nqn.2014-08.org.example:1)";
    assert_eq!(
        lines,
        [
            format!("{io1}: starting: connecting, attempt 1"),
            format!("{io1}: retrying: silent: no luck"),
            format!("{io1}: starting: connecting, attempt 2"),
            format!("{io1}: connected as nvme1"),
        ]
    );
}
