//! The administrator's "not this one".

use discoverd_core::{ConnectOutcome, Event, FailureKind};
use nvmf_types::Origin;

use crate::world::{World, config, exclusions, live, ours};

#[test]
fn excluded_is_not_connected_and_comes_back_at_once() {
    let mut world = World::new();
    world.send(Event::ConfigLoaded(config(&["io1", "io2"])));
    world.exclude(&["io1"]);
    assert_eq!(world.send(Event::Listed(vec![])), ["connect io2"]);
    assert_eq!(world.state("io1"), "excluded: excluded by x.conf:2");
    world.failed("io2", FailureKind::Refused);
    assert_eq!(world.exclude(&["io1", "io2"]), [""; 0]);
    assert_eq!(world.state("io2"), "excluded: excluded by x.conf:3");
    assert_eq!(world.pass(600_000), [""; 0], "its attempts stopped");
    assert_eq!(world.exclude(&[]), ["connect io1", "connect io2"]);
    assert_eq!(
        world.connection("io2").attempts,
        1,
        "failures are forgotten"
    );
}

#[test]
fn a_connected_one_stays_and_is_not_reconnected() {
    let (mut world, _) = World::started(&["io1"], vec![live("io1", "nvme1", 1, &ours())]);
    assert_eq!(world.exclude(&["io1"]), [""; 0]);
    assert_eq!(
        world.state("io1"),
        "connected: connected, excluded by x.conf:2: will not be reconnected"
    );
    assert_eq!(world.gone("nvme1"), ["stop nvme1"]);
    assert_eq!(world.state("io1"), "excluded: excluded by x.conf:2");
    assert_eq!(world.pass(600_000), [""; 0]);
    assert_eq!(world.exclude(&[]), ["connect io1"]);
}

#[test]
fn the_soak_rests_after_the_last_change_and_ends_ten_seconds_after_the_first() {
    let (mut world, _) = World::started(&[], vec![]);
    world.send(Event::ExclusionsTouched);
    assert_eq!(world.pass(900), [""; 0]);
    world.send(Event::ExclusionsTouched);
    assert_eq!(world.pass(999), [""; 0]);
    assert_eq!(world.pass(1), ["load-exclusions"]);
    assert_eq!(world.pass(60_000), [""; 0]);
    let mut loads = Vec::new();
    for _ in 0..104 {
        world.send(Event::ExclusionsTouched);
        loads.extend(world.pass(100));
    }
    assert_eq!(loads, ["load-exclusions"], "an endless editor");
}

#[test]
fn excluded_right_before_the_write() {
    let (mut world, _) = World::started(&["io1"], vec![]);
    let origin = Origin::new("x.conf", 2);
    assert_eq!(
        world.finished("io1", ConnectOutcome::Excluded { origin }),
        [""; 0]
    );
    assert_eq!(world.state("io1"), "excluded: excluded by x.conf:2");
    assert_eq!(world.pass(1_000), ["load-exclusions"]);
    assert_eq!(world.exclude(&["io1"]), [""; 0]);
    assert_eq!(world.pass(600_000), [""; 0]);
    assert_eq!(world.exclude(&[]), ["connect io1"]);
    // the connector and the settled set disagree: not as fast as it goes
    let origin = Origin::new("y.conf", 1);
    world.finished("io1", ConnectOutcome::Excluded { origin });
    assert_eq!(world.exclude(&[]), [""; 0]);
    assert_eq!(world.pass(799), [""; 0]);
    assert!(world.pass(401).contains(&"connect io1".to_owned()));
}

#[test]
fn excluded_while_it_is_being_connected() {
    let (mut world, _) = World::started(&["io1"], vec![]);
    assert_eq!(world.exclude(&["io1"]), [""; 0]);
    assert!(world.state("io1").starts_with("starting"));
    world.failed("io1", FailureKind::Unreachable);
    assert_eq!(world.state("io1"), "excluded: excluded by x.conf:2");
    assert_eq!(world.pass(600_000), [""; 0]);
}

#[test]
fn the_default_identity_counts() {
    let mut world = World::new();
    let mut config = config(&["io1"]);
    config.host.hostnqn = Some("nqn.2014-08.org.example:host".parse().unwrap());
    world.send(Event::ConfigLoaded(config));
    let text = "[exclusions]\nexclusion = hostnqn=nqn.2014-08.org.example:host\nexclusion = oops\n";
    let entries = nvmf_types::exclusion::Exclusions::parse("x.conf", text);
    let set = nvmf_types::exclusion::ExclusionSet::new(entries);
    let problems = vec!["y.conf: unreadable".to_owned()];
    world.send(Event::ExclusionsLoaded { set, problems });
    assert_eq!(world.send(Event::Listed(vec![])), [""; 0]);
    assert_eq!(world.state("io1"), "excluded: excluded by x.conf:2");
    let problems = world.status().problems;
    assert_eq!(problems[0], "y.conf: unreadable");
    assert!(
        problems[1].starts_with("x.conf:3: exclusion `"),
        "{problems:?}"
    );
}

#[test]
fn unpolled_connects_are_taken_back() {
    let mut world = World::new();
    let now = discoverd_core::Timestamp(1);
    world
        .core
        .handle(Event::ConfigLoaded(config(&["io1"])), now);
    world.core.handle(Event::Listed(vec![]), now);
    let load = |names: &[&str]| Event::ExclusionsLoaded {
        set: exclusions(names),
        problems: vec![],
    };
    world.core.handle(load(&[]), now);
    assert_eq!(world.send(load(&["io1"])), [""; 0]);
    assert_eq!(world.exclude(&[]), ["connect io1"]);
}
