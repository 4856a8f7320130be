//! The first decisions: nothing before all is known; adopt, claim, leave alone.

use discoverd_core::{ActionKind, ClaimOutcome, Event, UnitOutcome};
use nvmf_types::ControllerState;

use crate::world::{World, config, live, ours};

#[test]
fn nothing_is_decided_before_all_four_are_there() {
    for order in [
        [0, 1, 2, 3],
        [0, 3, 2, 1],
        [1, 0, 3, 2],
        [3, 1, 2, 0],
        [2, 0, 1, 3],
        [2, 3, 1, 0],
    ] {
        let mut world = World::new();
        for (count, step) in order.into_iter().enumerate() {
            let actions = match step {
                0 => world.send(Event::ConfigLoaded(config(&["io1"]))),
                1 => world.exclude(&[]),
                2 => world.boot(vec![]),
                _ => world.list(vec![]),
            };
            let want: &[&str] = if count == 3 { &["connect io1"] } else { &[] };
            assert_eq!(actions, want, "{order:?} step {count}");
        }
    }
}

#[test]
fn a_rejected_configuration_is_an_answer_too() {
    let mut world = World::new();
    world.exclude(&[]);
    world.boot(vec![]);
    world.list(vec![live("io1", "nvme1", 1, "")]);
    world.send(Event::ConfigRejected(
        "a:1: error: x\nb:2: error: y".to_owned(),
    ));
    assert_eq!(world.status().problems, ["a:1: error: x", "b:2: error: y"]);
    // the first good one still counts as the start
    assert_eq!(
        world.send(Event::ConfigLoaded(config(&["io1"]))),
        ["claim nvme1"]
    );
    assert_eq!(world.status().problems, [""; 0]);
}

#[test]
fn what_is_found_is_adopted_claimed_or_left() {
    let (mut world, actions) = World::started(
        &["dc1", "io1", "io2", "io3"],
        vec![
            live("dc1", "nvme0", 1, &ours()),
            live("io1", "nvme1", 2, ""),
            live("io2", "nvme2", 3, "stas"),
            live("io9", "nvme9", 9, &ours()),
            live("io8", "nvme8", 8, ""),
        ],
    );
    assert_eq!(
        actions,
        [
            "unit nvme0",
            "fetch nvme0",
            "claim nvme1",
            "unit nvme9",
            "connect io3"
        ]
    );
    assert_eq!(world.state("dc1"), "connected: connected as nvme0");
    assert_eq!(
        world.state("io1"),
        "starting: claiming nvme1, which nobody owns"
    );
    assert_eq!(
        world.state("io2"),
        "foreign: connected as nvme2, which stas owns: left alone"
    );
    assert_eq!(
        world.state("io9"),
        "connected: connected, desired by nobody: will not be reconnected"
    );
    assert_eq!(
        world.claimed("nvme1", ClaimOutcome::Granted),
        ["unit nvme1"]
    );
    assert_eq!(world.state("io1"), "connected: connected as nvme1");
    assert_eq!(world.connection("io1").owner.as_deref(), Some("discoverd"));
    let status = world.status();
    assert_eq!(
        status.counts.to_string(),
        "3 of 4 connected, 1 starting, 1 foreign"
    );
    assert_eq!(
        status.connections[0].nqn,
        "nqn.2014-08.org.nvmexpress.discovery"
    );
}

#[test]
fn a_claim_that_another_won_is_left_and_a_failed_one_repeated() {
    let found = vec![live("io1", "nvme1", 2, ""), live("io2", "nvme2", 3, "")];
    let (mut world, actions) = World::started(&["io1", "io2"], found);
    assert_eq!(actions, ["claim nvme1", "claim nvme2"]);
    let stas = ClaimOutcome::OwnedBy("stas".parse().unwrap());
    assert!(world.claimed("nvme1", stas).is_empty());
    assert!(
        world
            .state("io1")
            .starts_with("foreign: connected as nvme1, which stas owns")
    );
    let full = ClaimOutcome::Failed("no space".to_owned());
    assert!(world.claimed("nvme2", full).is_empty());
    assert!(world.state("io2").starts_with("waiting: nvme2 is unowned"));
    assert_eq!(
        world.connection("io2").last_error.as_deref(),
        Some("no space")
    );
    assert_eq!(world.pass(10_000), ["claim nvme2"]);
}

#[test]
fn discovered_ones_are_claimed_by_the_first_log_page_only() {
    let found = vec![
        live("io1", "nvme1", 1, ""),
        live("io2", "nvme2", 2, ""),
        live("io3", "nvme3", 3, ""),
    ];
    let (mut world, actions) = World::started(&["dc1"], found);
    assert_eq!(actions, ["connect dc1"]);
    assert_eq!(
        world.connected("dc1", "nvme0"),
        ["unit nvme0", "fetch nvme0"]
    );
    assert_eq!(
        world.logged("nvme0", &["io1", "dc2"]),
        ["claim nvme1", "connect dc2"]
    );
    // a referral found at the start has a first page as well
    world.connected("dc2", "nvme5");
    assert_eq!(world.logged("nvme5", &["io2"]), ["claim nvme2"]);
    // later pages claim nothing
    assert_eq!(world.changed("nvme0"), ["fetch nvme0"]);
    assert_eq!(world.logged("nvme0", &["io1", "dc2", "io3"]), [""; 0]);
    assert!(
        world
            .state("io3")
            .starts_with("foreign: connected by hand as nvme3")
    );
}

#[test]
fn only_what_was_unowned_and_desired_at_the_start_is_claimed() {
    let found = vec![live("io1", "nvme1", 1, ""), live("io2", "nvme2", 2, "stas")];
    let (mut world, _) = World::started(&["io2"], found);
    assert_eq!(
        world.send(Event::ConfigLoaded(config(&["io1", "io2"]))),
        [""; 0]
    );
    assert!(
        world
            .state("io1")
            .starts_with("foreign: connected by hand as nvme1")
    );
    let released = vec![live("io1", "nvme1", 1, ""), live("io2", "nvme2", 2, "")];
    assert_eq!(world.list(released), [""; 0]);
    assert!(
        world
            .state("io2")
            .starts_with("foreign: connected by hand as nvme2")
    );
}

#[test]
fn a_controller_in_the_making_waits_until_it_is_made() {
    let mut half = live("io1", "nvme1", 2, "");
    half.class = None;
    half.state = ControllerState::New;
    let (mut world, actions) = World::started(&["io1"], vec![half]);
    assert_eq!(actions, [""; 0]);
    assert_eq!(
        world.state("io1"),
        "foreign: being connected as nvme1 by somebody else"
    );
    let unowned = live("io1", "nvme1", 2, "");
    assert_eq!(world.seen(unowned), [""; 0], "its maker may register it");
    assert_eq!(world.pass(2_000), ["look nvme1", "claim nvme1"]);
}

#[test]
fn a_failed_unit_is_started_again_and_shown() {
    let (mut world, _) = World::started(&["io1"], vec![live("io1", "nvme1", 2, &ours())]);
    assert!(
        world
            .unit("nvme1", UnitOutcome::Failed("no bus".to_owned()))
            .is_empty()
    );
    assert_eq!(
        world.status().problems,
        ["nvme1: no unit, so nothing orders its disconnect at shutdown: no bus"]
    );
    assert_eq!(world.pass(1_200), ["unit nvme1"]);
    assert!(world.unit("nvme1", UnitOutcome::AlreadyThere).is_empty());
    assert_eq!(world.status().problems, [""; 0]);
    assert_eq!(world.seen(live("io1", "nvme1", 2, &ours())), [""; 0]);
}

#[test]
fn requests_say_everything() {
    let (mut world, _) = World::started(&["dc1"], vec![]);
    let request = |world: &World| match &world.open.last().unwrap().2 {
        ActionKind::Connect(request) => request.clone(),
        other => panic!("{other:?}"),
    };
    let connect = request(&world);
    assert_eq!(connect.owner.as_str(), "discoverd");
    assert_eq!(connect.probe_timeout_ms, 2_000);
    world.connected("dc1", "nvme0");
    let ActionKind::StartUnit(unit) = &world.open[0].2 else {
        panic!("{:?}", world.open);
    };
    assert_eq!(unit.sysfs_ino, world.ino("nvme0"));
    assert_eq!(
        unit.description,
        "NVMe-oF controller nvme0 (tcp, 192.0.2.1, 8009, nqn.2014-08.org.nvmexpress.discovery)"
    );
}
