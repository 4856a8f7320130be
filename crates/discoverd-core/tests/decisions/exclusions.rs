//! The administrator's "not this one".

use discoverd_core::{Event, FailureKind};
use nvmf_types::ControllerState;

use crate::world::{World, config, exclusions, listed, live, ours};

#[test]
fn excluded_is_not_connected_and_comes_back_at_once() {
    let mut world = World::new();
    world.send(Event::ConfigLoaded(config(&["io1", "io2"])));
    world.boot(vec![]);
    world.exclude(&["io1"]);
    assert_eq!(world.list(vec![]), ["connect io2"]);
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
        "connected: connected, excluded: will not be reconnected (x.conf:2)"
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
    assert_eq!(world.exclude(&[]), [""; 0]);
    assert_eq!(world.pass(60_000), [""; 0]);
    let mut loads = Vec::new();
    for _ in 0..104 {
        world.send(Event::ExclusionsTouched);
        loads.extend(world.pass(100));
    }
    assert_eq!(loads, ["load-exclusions"], "an endless editor");
}

#[test]
fn no_longer_excluded_forgets_failures() {
    let (mut world, _) = World::started(&["io1"], vec![]);
    for _ in 0..12 {
        world.failed("io1", FailureKind::Refused);
        world.pass(400_000);
    }
    world.failed("io1", FailureKind::Refused);
    assert!(world.connection("io1").next_retry_ms.unwrap() > 200_000);
    world.exclude(&["io1"]);
    assert_eq!(world.connection("io1").next_retry_ms, None);
    assert_eq!(world.exclude(&[]), ["connect io1"]);
    world.failed("io1", FailureKind::Refused);
    assert!(world.connection("io1").next_retry_ms.unwrap() <= 1_200);
}

#[test]
fn excluded_while_the_kernel_reconnects_it() {
    let (mut world, _) = World::started(&["io1"], vec![live("io1", "nvme1", 1, &ours())]);
    let mut lost = live("io1", "nvme1", 1, &ours());
    lost.state = ControllerState::Connecting;
    assert_eq!(world.seen(lost), [""; 0]);
    assert_eq!(world.exclude(&["io1"]), [""; 0], "nothing is done");
    let state = world.state("io1");
    assert!(
        state.starts_with("lost: nvme1 lost its target")
            && state.ends_with("excluded by x.conf:2: will not be reconnected by us"),
        "{state}"
    );
    world.seen(live("io1", "nvme1", 1, &ours()));
    assert!(
        world
            .state("io1")
            .starts_with("connected: connected, excluded: ")
    );
    assert_eq!(world.gone("nvme1"), ["stop nvme1"], "the kernel gave up");
    assert_eq!(world.state("io1"), "excluded: excluded by x.conf:2");
    assert_eq!(world.pass(600_000), [""; 0]);
}

#[test]
fn excluded_right_before_the_write() {
    let (mut world, _) = World::started(&["io1"], vec![]);
    assert_eq!(world.stopped("io1", "x.conf"), [""; 0]);
    assert_eq!(world.state("io1"), "excluded: excluded by x.conf:2");
    assert_eq!(world.pass(1_000), ["load-exclusions"]);
    assert_eq!(world.exclude(&["io1"]), [""; 0]);
    assert_eq!(world.pass(600_000), [""; 0]);
    assert_eq!(world.exclude(&[]), ["connect io1"]);
}

#[test]
fn excluded_for_less_than_the_soak() {
    let (mut world, _) = World::started(&["io1"], vec![]);
    world.stopped("io1", "y.conf");
    assert_eq!(world.pass(1_000), ["load-exclusions"]);
    assert_eq!(world.exclude(&[]), ["connect io1"]);
    // the connector and the settled set disagree again: not as fast as it goes
    world.stopped("io1", "y.conf");
    assert_eq!(world.pass(1_000), ["load-exclusions"]);
    assert_eq!(world.exclude(&[]), [""; 0]);
    assert_eq!(world.pass(799), [""; 0]);
    assert_eq!(world.pass(401), ["connect io1"]);
    // after better times it is as new
    world.connected("io1", "nvme1");
    world.gone("nvme1");
    assert!(world.pass(2_400).contains(&"connect io1".to_owned()));
    world.stopped("io1", "y.conf");
    assert_eq!(world.pass(1_000), ["load-exclusions"]);
    assert_eq!(world.exclude(&[]), ["connect io1"]);
    // now they agree
    world.stopped("io1", "y.conf");
    assert_eq!(world.pass(1_000), ["load-exclusions"]);
    world.exclude(&["io1"]);
    assert_eq!(world.exclude(&[]), ["connect io1"]);
}

#[test]
fn a_read_that_began_before_does_not_overrule_the_connector() {
    let (mut world, _) = World::started(&["io1"], vec![]);
    world.send(Event::ExclusionsTouched);
    assert_eq!(world.pass(1_000), ["load-exclusions"]);
    world.stopped("io1", "x.conf");
    assert_eq!(world.exclude(&[]), [""; 0], "read before the entry came");
    assert_eq!(world.state("io1"), "excluded: excluded by x.conf:2");
    assert_eq!(world.pass(1_000), ["load-exclusions"]);
    assert_eq!(world.exclude(&[]), ["connect io1"], "read after it went");
}

#[test]
fn the_connectors_word_does_not_prolong_the_soak() {
    let (mut world, _) = World::started(&["io1"], vec![]);
    world.send(Event::ExclusionsTouched);
    assert_eq!(world.pass(900), [""; 0]);
    world.stopped("io1", "x.conf");
    assert_eq!(world.pass(100), ["load-exclusions"]);
    assert_eq!(world.pass(60_000), [""; 0]);
}

#[test]
fn reads_do_not_overtake_each_other() {
    let (mut world, _) = World::started(&[], vec![]);
    world.send(Event::ExclusionsTouched);
    assert_eq!(world.pass(1_000), ["load-exclusions"]);
    for _ in 0..3 {
        world.send(Event::ExclusionsTouched);
        assert_eq!(world.pass(2_000), [""; 0], "one is under way");
    }
    assert_eq!(world.exclude(&[]), ["load-exclusions"]);
    assert_eq!(world.exclude(&[]), [""; 0], "all three in one");
}

#[test]
fn touched_during_the_first_read() {
    let mut world = World::new();
    world.send(Event::ConfigLoaded(config(&["io1"])));
    world.boot(vec![]);
    world.list(vec![]);
    world.send(Event::ExclusionsTouched);
    assert_eq!(world.pass(5_000), [""; 0]);
    assert_eq!(world.exclude(&["io1"]), ["load-exclusions"]);
    assert_eq!(world.exclude(&[]), ["connect io1"]);
}

#[test]
fn excluded_while_it_is_being_connected() {
    let (mut world, _) = World::started(&["io1"], vec![]);
    assert_eq!(world.exclude(&["io1"]), [""; 0]);
    let stopping = "excluded: excluded by x.conf:2; an attempt under way ends first";
    assert_eq!(world.state("io1"), stopping);
    assert_eq!(
        world.exclude(&[]),
        [""; 0],
        "the attempt is still under way"
    );
    assert_eq!(world.state("io1"), "starting: connecting, attempt 1");
    world.exclude(&["io1"]);
    assert_eq!(world.failed("io1", FailureKind::Unreachable), [""; 0]);
    assert_eq!(world.state("io1"), "excluded: excluded by x.conf:2");
    assert_eq!(world.pass(600_000), [""; 0]);

    world.exclude(&[]);
    world.exclude(&["io1"]);
    assert_eq!(world.stopped("io1", "x.conf"), [""; 0]);
    assert_eq!(world.pass(600_000), [""; 0], "the settled set has it");
    assert_eq!(world.exclude(&[]), ["connect io1"]);
    world.exclude(&["io1"]);
    assert_eq!(world.connected("io1", "nvme1"), ["unit nvme1"]);
    assert_eq!(
        world.state("io1"),
        "connected: connected, excluded: will not be reconnected (x.conf:2)",
        "the kernel was asked before"
    );
}

#[test]
fn the_default_identity_counts() {
    let mut world = World::new();
    let mut config = config(&["io1"]);
    config.host.hostnqn = Some("nqn.2014-08.org.example:host".parse().unwrap());
    world.send(Event::ConfigLoaded(config));
    world.boot(vec![]);
    let text = "[exclusions]\nexclusion = hostnqn=nqn.2014-08.org.example:host\nexclusion = oops\n";
    let entries = nvmf_types::exclusion::Exclusions::parse("x.conf", text);
    let set = nvmf_types::exclusion::ExclusionSet::new(entries);
    let problems = vec!["y.conf: unreadable".to_owned()];
    world.send(Event::ExclusionsLoaded { set, problems });
    assert_eq!(world.list(vec![]), [""; 0]);
    assert_eq!(world.state("io1"), "excluded: excluded by x.conf:2");
    let problems = world.status().problems;
    assert_eq!(problems, world.core.exclusion_problems());
    assert_eq!(problems[0], "y.conf: unreadable");
    assert!(
        problems[1].starts_with("x.conf:3: exclusion `"),
        "{problems:?}"
    );
    assert_eq!(world.exclude(&[]), ["connect io1"]);
    assert_eq!(world.status().problems, [""; 0], "all can be read again");
}

#[test]
fn unpolled_connects_are_taken_back() {
    let mut world = World::new();
    let now = discoverd_core::Timestamp(1);
    world
        .core
        .handle(Event::ConfigLoaded(config(&["io1"])), now);
    world.boot(vec![]);
    world.core.handle(listed(vec![], now), now);
    let load = |names: &[&str]| Event::ExclusionsLoaded {
        set: exclusions(names),
        problems: vec![],
    };
    world.core.handle(load(&[]), now);
    assert_eq!(world.send(load(&["io1"])), [""; 0]);
    assert_eq!(world.exclude(&[]), ["connect io1"]);
}
