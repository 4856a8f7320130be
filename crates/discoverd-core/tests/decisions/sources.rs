//! Boot tables, Fibre Channel announcements, mDNS: desired while they say so, and given up.

use discoverd_core::{ActionKind, ClaimOutcome, Event, FailureKind, Service, Settings, Timestamp};
use nvmf_types::nbft::{BootConnection, BootEntry, BootOrigin};
use nvmf_types::{ConnectOptions, FcName};

use crate::world::{World, class, config, live, ours, tid};

const HOUR: u64 = 3_600_000;

pub(crate) fn boot(name: &str) -> BootConnection {
    BootConnection {
        tid: tid(name),
        class: class(name),
        options: ConnectOptions::default(),
        retry_without_host_traddr: false,
        interface: None,
        authentication: false,
        origin: BootOrigin {
            table: "NBFT".to_owned(),
            entry: BootEntry::Ssns(vec![1]),
            hfi: Some(1),
        },
    }
}

fn service(name: &str) -> Service {
    Service {
        name: format!("{name} of the lab"),
        tid: tid(name),
    }
}

const fn port(n: u64) -> FcName {
    FcName { node: n, port: n }
}

fn announced(world: &mut World) -> Vec<String> {
    world.send(Event::FcAnnounced {
        host_traddr: port(1),
        traddr: port(2),
    })
}

/// Nothing but boot tables, and what was there.
fn booted(names: &[&str], controllers: Vec<nvmf_types::LiveController>) -> (World, Vec<String>) {
    let mut world = World::new();
    world.send(Event::ConfigLoaded(config(&[])));
    world.boot(names.iter().map(|name| boot(name)).collect());
    world.exclude(&[]);
    let actions = world.list(controllers);
    (world, actions)
}

#[test]
fn what_the_firmware_connected_stays_the_boot_tables() {
    let found = vec![
        live("io1", "nvme1", 1, "nbft"),
        live("io2", "nvme2", 2, ""),
        live("io3", "nvme3", 3, "nbft"),
    ];
    let (mut world, actions) = booted(&["io1", "io2", "io4"], found);
    assert_eq!(actions, ["claim nvme2", "connect io4"], "and no unit");
    assert_eq!(world.state("io1"), "connected: connected as nvme1");
    assert_eq!(world.connection("io1").owner.as_deref(), Some("nbft"));
    assert_eq!(
        world.connection("io1").sources,
        ["boot table NBFT entry SSNS 1, HFI 1"]
    );
    let for_whom = |world: &World, text: &str| {
        let mut open = world.open.iter();
        match &open.find(|(_, open, _)| open == text).unwrap().2 {
            ActionKind::Claim { owner, .. } => owner.to_string(),
            ActionKind::Connect(request) => request.owner.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(for_whom(&world, "claim nvme2"), "nbft");
    assert_eq!(for_whom(&world, "connect io4"), "nbft");
    assert_eq!(world.claimed("nvme2", ClaimOutcome::Granted), [""; 0]);
    assert_eq!(world.connected("io4", "nvme4"), [""; 0]);
    for name in ["io2", "io4"] {
        assert_eq!(world.connection(name).owner.as_deref(), Some("nbft"));
    }
    assert_eq!(world.gone("nvme1"), [""; 0], "there was no unit");
    assert_eq!(world.pass(1_200), ["connect io1"]);
    assert_eq!(for_whom(&world, "connect io1"), "nbft");
}

#[test]
fn what_is_the_boot_tables_and_not_in_them_is_somebody_elses() {
    let found = vec![live("io1", "nvme1", 1, "nbft")];
    let (mut world, _) = World::started(&["io1"], found);
    let theirs = "foreign: connected as nvme1, which nbft owns: left alone";
    assert_eq!(world.state("io1"), theirs);
    assert_eq!(world.boot(vec![boot("io1")]), [""; 0]);
    assert_eq!(world.state("io1"), "connected: connected as nvme1");
    assert_eq!(world.boot(vec![]), [""; 0]);
    assert_eq!(world.state("io1"), theirs);
}

#[test]
fn boot_tables_come_first_and_go_quietly() {
    let mut world = World::new();
    world.send(Event::ConfigLoaded(config(&["dc1", "io1"])));
    world.boot(vec![boot("io2")]);
    world.exclude(&[]);
    assert_eq!(
        world.list(vec![]),
        ["connect io2", "connect dc1", "connect io1"]
    );
    world.connected("io2", "nvme2");
    assert_eq!(world.boot(vec![]), [""; 0], "never disconnected");
    assert_eq!(world.gone("nvme2"), [""; 0]);
    assert_eq!(world.pass(600_000), [""; 0], "nor reconnected");
    let problems = vec!["NBFT: the checksum is wrong".to_owned()];
    world.send(Event::BootTablesLoaded {
        connections: vec![],
        problems: problems.clone(),
    });
    assert_eq!(world.status().problems, problems);
}

#[test]
fn where_the_firmwares_address_is_gone_another_way_leads_there() {
    let mut moved = boot("io1");
    moved.tid.host_traddr = Some(
        "192.0.2.50"
            .parse()
            .map(nvmf_types::Traddr::from_ip)
            .unwrap(),
    );
    moved.retry_without_host_traddr = true;
    let (mut world, _) = booted(&[], vec![live("io1", "nvme1", 1, "nbft")]);
    assert_eq!(world.boot(vec![moved]), [""; 0], "connected the other way");
    assert_eq!(world.state("io1"), "connected: connected as nvme1");
    world.gone("nvme1");
    assert_eq!(world.pass(1_200), ["connect io1"]);
    let ActionKind::Connect(request) = &world.open.last().unwrap().2 else {
        panic!("{:?}", world.open);
    };
    assert!(request.tid.host_traddr.is_some());
    assert_eq!(request.alternatives, [tid("io1")]);
}

#[test]
fn fibre_channel_is_kicked_at_the_start_after_a_loss_and_by_interval() {
    let (mut world, _) = World::started(&[], vec![]);
    assert_eq!(world.kicks, 1);
    let connects = announced(&mut world);
    assert_eq!(connects.len(), 1, "{connects:?}");
    assert_eq!(announced(&mut world), [""; 0], "a duplicate");
    let ActionKind::Connect(request) = world.open.last().unwrap().2.clone() else {
        panic!("{:?}", world.open);
    };
    assert_eq!(
        request.tid.to_string(),
        "transport=fc;traddr=nn-0x0000000000000002:pn-0x0000000000000002;\
         nqn=nqn.2014-08.org.nvmexpress.discovery;\
         host-traddr=nn-0x0000000000000001:pn-0x0000000000000001"
    );
    let mut made = live("dc1", "nvme0", 9, &ours());
    made.tid = request.tid.clone();
    world.send(Event::ConnectFinished {
        id: world.open.last().unwrap().0,
        outcome: discoverd_core::ConnectOutcome::AlreadyConnected(made.clone()),
    });
    assert_eq!(world.status().counts.connected, 1, "{:#?}", world.status());
    assert_eq!(
        world.status().connections[0].sources,
        [
            "FC announcement of nn-0x0000000000000002:pn-0x0000000000000002 at \
          nn-0x0000000000000001:pn-0x0000000000000001"
        ]
    );
    made.state = nvmf_types::ControllerState::Connecting;
    world.seen(made.clone());
    world.seen(made);
    assert_eq!(world.kicks, 2, "lost, once");
    world.gone("nvme0");
    assert_eq!(world.kicks, 3, "gone");
    world.pass(10 * HOUR);
    assert_eq!(world.kicks, 3);
    world.send(Event::SettingsLoaded(Settings {
        fc_kickstart_interval_minutes: 60,
        ..Settings::default()
    }));
    world.pass(10 * HOUR);
    assert_eq!(world.kicks, 13);
}

#[test]
fn what_no_port_announces_any_more_is_not_desired() {
    let (mut world, _) = World::started(&[], vec![]);
    let kicked = |world: &mut World, began: u64| {
        let began = Timestamp(began);
        world.send(Event::FcKicked { began })
    };
    let before = world.now;
    announced(&mut world);
    kicked(&mut world, before);
    world.pass(HOUR);
    assert_eq!(world.status().counts.desired, 1, "announced since");
    let asked = world.now;
    kicked(&mut world, asked);
    world.pass(9_999);
    assert_eq!(world.status().counts.desired, 1, "it may be on its way");
    announced(&mut world);
    world.pass(HOUR);
    assert_eq!(world.status().counts.desired, 1, "it was");
    let asked = world.now;
    kicked(&mut world, asked);
    world.pass(10_000);
    assert_eq!(world.status().counts.desired, 0);
    announced(&mut world);
    assert_eq!(world.status().counts.desired, 1, "it is back");
}

#[test]
fn mdns_names_all_there_is() {
    let (mut world, _) = World::started(&["dc1"], vec![live("dc2", "nvme2", 2, "")]);
    let found = vec![service("dc1"), service("dc2"), service("dc3")];
    assert_eq!(
        world.send(Event::ServicesFound(found)),
        ["claim nvme2", "connect dc3"],
        "the first answer may claim"
    );
    assert_eq!(
        world.connection("dc1").sources,
        ["nvme-fabrics.conf:1", "mDNS service `dc1 of the lab`"]
    );
    world.connected("dc3", "nvme3");
    world.logged("nvme3", &["io1"]);
    assert_eq!(
        world.connection("io1").sources,
        [
            "discovery log page of (tcp, 192.0.2.3, 8009, nqn.2014-08.org.nvmexpress.discovery), \
          from mDNS service `dc3 of the lab`"
        ]
    );
    assert_eq!(world.send(Event::ServicesFound(vec![])), [""; 0]);
    assert_eq!(world.status().counts.desired, 1);
    assert_eq!(world.gone("nvme3"), ["stop nvme3"]);
    world.failed("dc1", FailureKind::Refused);
    world.failed("io1", FailureKind::Refused);
    assert_eq!(world.pass(1_200), ["connect dc1"]);
}

/// Fails every attempt for so many hours.
fn fail_for(world: &mut World, hours: u64) {
    let end = world.now + hours * HOUR;
    while world.now < end {
        let connects = world.open.iter().filter(|o| o.1.starts_with("connect"));
        let names: Vec<String> = connects.map(|open| open.1[8..].to_owned()).collect();
        for name in names {
            world.failed(&name, FailureKind::Unreachable);
        }
        world.pass(60_000);
    }
}

#[test]
fn a_dynamic_discovery_controller_is_given_up() {
    let (mut world, _) = World::started(&["dc1"], vec![]);
    world.send(Event::ServicesFound(vec![service("dc2")]));
    fail_for(&mut world, 71);
    assert!(world.state("dc2").starts_with("retrying: unreachable"));
    fail_for(&mut world, 2);
    assert_eq!(
        world.state("dc2"),
        "gave-up: given up: not connected for 72 hours; at last: unreachable: no luck"
    );
    assert!(!world.state("dc1").starts_with("gave-up"), "static");
    assert_eq!(world.status().counts.gave_up, 1);
    fail_for(&mut world, 10);
    assert!(world.open.iter().all(|open| open.1 != "connect dc2"));
    assert_eq!(
        world.send(Event::ServicesFound(vec![service("dc2")])),
        [""; 0]
    );
    world.send(Event::ServicesFound(vec![]));
    let back = world.send(Event::ServicesFound(vec![service("dc2")]));
    assert_eq!(back, ["connect dc2"]);
}

#[test]
fn what_was_given_up_comes_back_when_it_is_wanted() {
    let given_up = || {
        let (mut world, _) = World::started(&[], vec![]);
        world.send(Event::ServicesFound(vec![service("dc2")]));
        fail_for(&mut world, 73);
        assert!(world.state("dc2").starts_with("gave-up"));
        world
    };
    assert_eq!(
        given_up().send(Event::RetryNow(Some(tid("dc2")))),
        ["connect dc2"]
    );
    let configured = Event::ConfigLoaded(config(&["dc2"]));
    assert_eq!(given_up().send(configured), ["connect dc2"]);
    let mut world = given_up();
    assert_eq!(world.exclude(&["dc2"]), [""; 0]);
    assert_eq!(world.exclude(&[]), ["connect dc2"]);
    let mut world = given_up();
    assert_eq!(world.seen(live("dc2", "nvme2", 2, "stas")), [""; 0]);
    assert_eq!(world.gone("nvme2"), ["connect dc2"]);
}

#[test]
fn an_announcement_during_the_last_attempt_counts() {
    let (mut world, _) = World::started(&["dc1"], vec![]);
    world.send(Event::ServicesFound(vec![service("dc2")]));
    world.pass(73 * HOUR);
    world.send(Event::ServicesFound(vec![]));
    world.send(Event::ServicesFound(vec![service("dc2")]));
    world.failed("dc2", FailureKind::Unreachable);
    assert!(world.state("dc2").starts_with("retrying"));
}

#[test]
fn zero_hours_never_give_up() {
    let (mut world, _) = World::started(&[], vec![]);
    world.send(Event::SettingsLoaded(Settings {
        dc_giveup_hours: 0,
        ..Settings::default()
    }));
    world.send(Event::ServicesFound(vec![service("dc2")]));
    fail_for(&mut world, 100);
    assert!(!world.state("dc2").starts_with("gave-up"));
}

#[test]
fn what_hung_the_kernel_waits_behind_all_and_is_probed_deeper() {
    let (mut world, _) = World::started(&["io1", "io2"], vec![]);
    let deep = |world: &World, text: &str| {
        let mut open = world.open.iter();
        match &open.find(|(_, open, _)| open == text).unwrap().2 {
            ActionKind::Connect(request) => request.deep_probe,
            other => panic!("{other:?}"),
        }
    };
    assert!(!deep(&world, "connect io1"));
    world.failed("io1", FailureKind::Hung);
    world.failed("io2", FailureKind::Refused);
    assert_eq!(
        world.send(Event::RetryNow(None)),
        ["connect io2", "connect io1"]
    );
    assert!(deep(&world, "connect io1") && !deep(&world, "connect io2"));
    world.failed("io1", FailureKind::Silent);
    world.pass(5_000);
    assert!(deep(&world, "connect io1"), "as long as it is silent");
    world.connected("io1", "nvme1");
    world.gone("nvme1");
    world.pass(10_000);
    assert!(!deep(&world, "connect io1"), "it answered");
}
