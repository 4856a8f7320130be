//! When log pages are read again, and what they mean for attempts that wait.

use discoverd_core::{ActionKind, Event, FailureKind, Settings};
use nvmf_types::log_page::{DiscoveryLog, Subtype};

use crate::world::{World, log};

const MINUTE: u64 = 60_000;

/// A page of that generation, whose discovery controller says whether it keeps connections.
fn page(genctr: u64, keeps: bool, names: &[&str]) -> DiscoveryLog {
    let mut page = log(names);
    page.genctr = genctr;
    let mut own = log(&["dc1"]).entries.remove(0);
    own.subtype = Subtype::Current;
    own.eflags = if keeps { 2 } else { 0 };
    page.entries.push(own);
    page
}

fn connected() -> World {
    let (mut world, _) = World::started(&["dc1"], vec![]);
    world.connected("dc1", "nvme0");
    world
}

#[test]
fn a_generation_that_moved_is_read_once_more() {
    let mut world = connected();
    world.logged_as("nvme0", page(1, true, &[]));
    assert_eq!(
        world.pass(1_200),
        ["fetch nvme0"],
        "what came meanwhile raised no event"
    );
    world.logged_as("nvme0", page(1, true, &[]));
    assert_eq!(world.pass(100 * MINUTE), [""; 0], "it stands still");
    assert_eq!(world.changed("nvme0"), ["fetch nvme0"]);
    world.logged_as("nvme0", page(2, true, &["io1"]));
    assert_eq!(world.pass(1_200), ["fetch nvme0"]);
    assert_eq!(
        world.logged_as("nvme0", page(3, true, &["io1", "io2"])),
        ["connect io2"]
    );
    assert_eq!(world.pass(2_400), ["fetch nvme0"]);
    world.logged_as("nvme0", page(3, true, &["io1", "io2"]));
    assert_eq!(world.pass(100 * MINUTE), [""; 0]);
}

#[test]
fn one_that_never_stands_still_is_read_ever_more_slowly() {
    let mut world = connected();
    let mut reads = 0;
    for genctr in 0.. {
        reads += 1;
        world.logged_as("nvme0", page(genctr, true, &[]));
        world.pass(400_000);
        if world.now > 200 * MINUTE {
            break;
        }
        assert!(world.open.iter().any(|open| open.1 == "fetch nvme0"));
    }
    assert!(reads < 60, "{reads}");
}

#[test]
fn one_that_tells_of_nothing_is_read_every_quarter_of_an_hour() {
    let mut world = connected();
    let stands_still = |world: &mut World| world.logged_as("nvme0", page(1, false, &[]));
    stands_still(&mut world);
    world.pass(1_200);
    stands_still(&mut world);
    for _ in 0..3 {
        assert_eq!(world.pass(15 * MINUTE - 1), [""; 0]);
        assert_eq!(world.pass(1), ["fetch nvme0"]);
        stands_still(&mut world);
    }
    world.send(Event::SettingsLoaded(Settings {
        dc_recheck_minutes: 0,
        ..Settings::default()
    }));
    assert_eq!(world.pass(15 * MINUTE), ["fetch nvme0"], "planned before");
    stands_still(&mut world);
    assert_eq!(world.pass(100 * MINUTE), [""; 0]);
}

#[test]
fn one_that_keeps_no_connection_is_asked_every_quarter_of_an_hour() {
    let mut world = connected();
    let lives_two_minutes = |world: &mut World| {
        world.logged_as("nvme0", page(1, false, &["io1"]));
        world.pass(1_200);
        world.logged_as("nvme0", page(1, false, &["io1"]));
        assert_eq!(world.pass(2 * MINUTE), [""; 0]);
        world.gone("nvme0");
    };
    lives_two_minutes(&mut world);
    assert_eq!(world.pass(1_200), ["connect dc1"], "may be an accident");
    world.connected("dc1", "nvme0");
    lives_two_minutes(&mut world);
    assert_eq!(
        world.state("dc1"),
        "retrying: nvme0 is gone after 121 s: it keeps no connection, and is asked in turns"
    );
    assert_eq!(world.pass(15 * MINUTE - 1), [""; 0]);
    assert_eq!(world.pass(1), ["connect dc1"]);
    assert_eq!(
        world.connection("io1").sources.len(),
        1,
        "it names what it named"
    );
    world.connected("dc1", "nvme0");
    world.logged_as("nvme0", page(1, false, &["io1"]));
    world.pass(20 * MINUTE);
    world.gone("nvme0");
    assert_eq!(world.pass(1_200), ["connect dc1"], "it kept that one");
}

#[test]
fn to_be_named_again_hurries_without_forgetting() {
    let mut world = connected();
    world.logged_as("nvme0", page(1, true, &["io1"]));
    world.pass(1_200);
    world.logged_as("nvme0", page(1, true, &["io1"]));
    for _ in 0..8 {
        world.failed("io1", FailureKind::Refused);
        world.pass(200_000);
    }
    world.failed("io1", FailureKind::Refused);
    let due = |world: &World| world.connection("io1").next_retry_ms.unwrap();
    assert!(due(&world) > 200_000);
    world.pass(5_000);
    world.changed("nvme0");
    assert_eq!(
        world.logged_as("nvme0", page(1, true, &["io1"])),
        [""; 0],
        "the same page"
    );
    world.changed("nvme0");
    assert_eq!(
        world.logged_as("nvme0", page(2, true, &["io1"])),
        ["connect io1"]
    );
    world.failed("io1", FailureKind::Refused);
    assert!(due(&world) > 200_000, "its failures stay counted");
    world.changed("nvme0");
    assert_eq!(world.logged_as("nvme0", page(3, true, &["io1"])), [""; 0]);
    assert_eq!(due(&world), 1_000, "never as fast as it goes");
}

#[test]
fn a_referral_that_was_given_up_is_tried_when_it_is_named_anew() {
    let mut world = connected();
    world.logged_as("nvme0", page(1, true, &["dc2"]));
    world.pass(1_200);
    world.logged_as("nvme0", page(1, true, &["dc2"]));
    while !world.state("dc2").starts_with("gave-up") {
        if world.open.iter().any(|open| open.1 == "connect dc2") {
            world.failed("dc2", FailureKind::Refused);
        }
        world.pass(10 * MINUTE);
    }
    world.changed("nvme0");
    assert_eq!(world.logged_as("nvme0", page(1, true, &["dc2"])), [""; 0]);
    world.changed("nvme0");
    assert_eq!(
        world.logged_as("nvme0", page(2, true, &["dc2"])),
        ["connect dc2"]
    );
}

#[test]
fn what_accepts_only_tls_is_connected_with_it() {
    let mut world = connected();
    let mut secured = page(1, true, &["io1", "io2"]);
    // the port requires a secure channel (TREQ), and says TLS 1.3 (SECTYPE)
    secured.entries[0].treq = 1;
    secured.entries[0].tsas[0] = 2;
    world.logged_as("nvme0", secured);
    let tls = world.open.iter().filter_map(|(_, _, kind)| match kind {
        ActionKind::Connect(request) => Some(request.options.tls),
        _ => None,
    });
    assert_eq!(tls.collect::<Vec<_>>(), [Some(true), None]);
}
