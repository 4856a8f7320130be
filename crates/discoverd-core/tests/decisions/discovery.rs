//! Log pages: read when they may have changed, followed, never believed to be empty by mistake.

use discoverd_core::Event;
use nvmf_types::ControllerState;

use crate::world::{World, config, live, ours};

fn with_page(names: &[&str]) -> World {
    let (mut world, _) = World::started(&["dc1"], vec![]);
    world.connected("dc1", "nvme0");
    world.logged("nvme0", names);
    world
}

#[test]
fn from_configuration_to_io_controllers() {
    let (mut world, actions) = World::started(&["io9", "dc1"], vec![]);
    assert_eq!(
        actions,
        ["connect dc1", "connect io9"],
        "discovery controllers first"
    );
    world.connected("dc1", "nvme0");
    assert_eq!(
        world.logged("nvme0", &["io1", "io2"]),
        ["connect io1", "connect io2"]
    );
    assert_eq!(world.connected("io1", "nvme1"), ["unit nvme1"]);
    assert_eq!(
        world.connection("io1").sources,
        [
            "discovery log page of (tcp, 192.0.2.1, 8009, nqn.2014-08.org.nvmexpress.discovery), \
          from nvme-fabrics.conf:2"
        ]
    );
    assert_eq!(
        world.state("dc1"),
        "connected: connected as nvme0; its discovery log page names 2 connections"
    );
}

#[test]
fn one_fetch_at_a_time_and_one_more_after_a_change_meanwhile() {
    let mut world = with_page(&[]);
    assert_eq!(world.changed("nvme0"), ["fetch nvme0"]);
    assert_eq!(world.changed("nvme0"), [""; 0]);
    assert_eq!(world.changed("nvme0"), [""; 0]);
    assert_eq!(
        world.logged("nvme0", &["io1"]),
        ["fetch nvme0", "connect io1"]
    );
    assert_eq!(world.logged("nvme0", &["io1"]), [""; 0]);
}

#[test]
fn what_is_named_no_more_stays_connected_and_is_not_reconnected() {
    let mut world = with_page(&["io1", "io2"]);
    world.connected("io1", "nvme1");
    world.changed("nvme0");
    assert_eq!(world.logged("nvme0", &[]), [""; 0], "never disconnected");
    assert_eq!(
        world.state("io1"),
        "connected: connected, desired by nobody: will not be reconnected"
    );
    assert_eq!(world.gone("nvme1"), ["stop nvme1"]);
    assert_eq!(world.pass(600_000), [""; 0]);
    // io2 was being connected: its result is still taken in
    assert_eq!(world.connected("io2", "nvme2"), ["unit nvme2"]);
    assert_eq!(world.status().counts.desired, 1);
}

#[test]
fn a_failed_fetch_empties_nothing_and_is_repeated() {
    let mut world = with_page(&["io1"]);
    world.connected("io1", "nvme1");
    world.changed("nvme0");
    assert_eq!(world.not_logged("nvme0"), [""; 0]);
    assert_eq!(
        world.connection("dc1").last_error.as_deref(),
        Some("no log")
    );
    assert_eq!(world.connection("io1").sources.len(), 1);
    assert_eq!(world.pass(1_200), ["fetch nvme0"]);
    world.not_logged("nvme0");
    assert_eq!(world.pass(1_500), [""; 0], "doubled");
    assert_eq!(world.pass(1_000), ["fetch nvme0"]);
    world.logged("nvme0", &["io1"]);
    assert_eq!(world.connection("dc1").last_error, None);
    assert_eq!(world.pass(600_000), [""; 0]);
}

#[test]
fn a_lost_discovery_controller_empties_nothing_and_is_read_when_back() {
    let mut world = with_page(&["io1"]);
    world.connected("io1", "nvme1");
    let mut lost = live("dc1", "nvme0", world.ino("nvme0"), &ours());
    lost.state = ControllerState::Connecting;
    assert_eq!(world.seen(lost.clone()), [""; 0]);
    assert_eq!(
        world.state("dc1"),
        "lost: nvme0 lost its target; the kernel is reconnecting it"
    );
    lost.state = ControllerState::Live;
    assert_eq!(world.seen(lost), ["fetch nvme0"]);
    assert_eq!(world.gone("nvme0"), ["stop nvme0"]);
    assert_eq!(world.pass(1_200), ["connect dc1"]);
    assert_eq!(world.connection("io1").sources.len(), 1);
    assert_eq!(
        world.connected("dc1", "nvme0"),
        ["unit nvme0", "fetch nvme0"]
    );
}

#[test]
fn referrals_are_followed_and_rings_end() {
    let mut world = with_page(&["dc2"]);
    assert_eq!(
        world.connected("dc2", "nvme2"),
        ["unit nvme2", "fetch nvme2"]
    );
    assert_eq!(
        world.logged("nvme2", &["dc1", "dc2", "io1"]),
        ["connect io1"]
    );
    world.changed("nvme0");
    assert_eq!(world.logged("nvme0", &[]), [""; 0]);
    assert_eq!(world.status().counts.desired, 1, "{:#?}", world.status());
    assert_eq!(world.changed("nvme2"), [""; 0], "not desired: not read");
}

#[test]
fn a_reload_keeps_what_stays() {
    let mut world = with_page(&["io1"]);
    world.connected("io1", "nvme1");
    let reload = |world: &mut World, names| world.send(Event::ConfigLoaded(config(names)));
    assert_eq!(reload(&mut world, &["dc1", "io2"]), ["connect io2"]);
    assert_eq!(reload(&mut world, &["dc1", "io2", "io1"]), [""; 0]);
    assert_eq!(world.connection("io1").sources.len(), 2);
    world.send(Event::ConfigRejected("f:1: error: bad".to_owned()));
    assert_eq!(world.status().counts.desired, 3, "the last good one stays");
    assert_eq!(world.status().problems, ["f:1: error: bad"]);
    assert_eq!(reload(&mut world, &["io1"]), [""; 0]);
    assert_eq!(world.state("io1"), "connected: connected as nvme1");
    assert_eq!(world.status().problems, [""; 0]);
}

#[test]
fn after_an_overflow_every_log_page_is_read() {
    let mut world = with_page(&[]);
    let listed = vec![live("dc1", "nvme0", world.ino("nvme0"), &ours())];
    assert_eq!(world.list(listed), ["fetch nvme0"]);
}

#[test]
fn entries_that_name_nothing_are_shown() {
    let mut world = with_page(&[]);
    world.changed("nvme0");
    let mut log = crate::world::log(&["io1", "io2"]);
    log.entries[0].traddr = "nowhere".to_owned();
    log.ignored.push("discovery log entry 7: short".to_owned());
    let id = world.open.last().unwrap().0;
    let actions = world.send(Event::LogFetched {
        id,
        result: Ok(log),
    });
    assert_eq!(actions, ["connect io2"]);
    let problems = world.status().problems;
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(
        problems[0].ends_with("discovery log entry 7: short"),
        "{problems:?}"
    );
    assert!(problems[1].contains("`nowhere`"), "{problems:?}");
}
