use std::collections::BTreeSet;

use nvmf_types::config::Persistence;
use nvmf_types::{ControllerState, Nqn};

use super::world::{ALL, Place, World, dc, io, live, wish};
use crate::walk::{Policy, Wish};

#[test]
fn a_page_is_read_and_followed() {
    let mut world = World::new("1: self 1, io a 4420, io b 4420, dc 2\n2: io c 4421, io a 4420");
    let outcomes = world.walk(ALL, vec![wish(dc(1))]);
    assert_eq!(
        outcomes,
        [
            "dc 1 asked",
            "a 4420 connected",
            "b 4420 connected",
            "dc 2 asked",
            "c 4421 connected"
        ]
    );
    assert_eq!(world.count("probe 4420"), 1, "one place, one probe");
    let dcs = [1, 2].map(|port| world.count(&format!("disconnect {port}")));
    assert_eq!(dcs, [1, 1]);
}

#[test]
fn discovery_controllers_have_their_turn_first() {
    let mut world = World::new("1: io a 1, io b 1, dc 1\n9: io z 1");
    let wishes = vec![wish(io("x", 1)), wish(dc(1)), wish(dc(9))];
    world.walk(ALL, wishes);
    let connects = world.done.iter().filter(|it| it.starts_with("connect"));
    let order: Vec<&String> = connects.collect();
    assert_eq!(order[..3], ["connect dc 1", "connect dc 9", "connect x 1"]);
}

#[test]
fn a_ring_ends_and_a_chain_is_cut() {
    let mut ring = World::new("1: dc 2\n2: dc 3\n3: dc 1, io a 4420");
    assert_eq!(
        ring.walk(ALL, vec![wish(dc(1))]),
        ["dc 1 asked", "dc 2 asked", "dc 3 asked", "a 4420 connected"]
    );
    let mut lines: String = (1..12).map(|n| format!("{n}: dc {}\n", n + 1)).collect();
    let mut chain = World::new(&lines);
    let outcomes = chain.walk(ALL, vec![wish(dc(1))]);
    assert_eq!(outcomes.len(), 10);
    assert_eq!(outcomes[8], "dc 9 asked");
    assert!(outcomes[9].starts_with("dc 10 failed more than 8 referrals away"));

    // a shorter way, found later
    lines.push_str("20: dc 10\n12: io z 4420\n");
    let mut short = World::new(&lines);
    let outcomes = short.walk(ALL, vec![wish(dc(1)), wish(dc(20))]);
    assert!(
        outcomes.iter().all(|it| !it.contains("failed")),
        "{outcomes:?}"
    );
    assert!(outcomes.contains(&"z 4420 connected".to_owned()));
}

#[test]
fn one_discovery_controller_under_two_names() {
    let mut own = dc(1);
    own.nqn = "nqn.2014-08.org.example:dc".parse().unwrap();
    let mut second = wish(own);
    second.class = nvmf_types::ControllerClass::Discovery;
    let mut world = World::new("1: io a 4420");
    let outcomes = world.walk(ALL, vec![wish(dc(1)), second]);
    assert_eq!(outcomes, ["dc 1 asked", "a 4420 connected"]);
}

#[test]
fn excluded_unless_typed() {
    let exclusions = "exclusion = nqn=nqn.2014-08.org.example:a\nexclusion = trsvcid=1\n";
    for (typed, expected) in [
        (false, vec!["dc 1 excluded by x:3"]),
        (
            true,
            vec!["dc 1 asked", "a 4420 excluded by x:2", "b 4420 connected"],
        ),
    ] {
        let mut world = World::new("1: io a 4420, io b 4420");
        world.exclusions = exclusions.to_owned();
        let mut wish = wish(dc(1));
        wish.typed = typed;
        assert_eq!(world.walk(ALL, vec![wish]), expected);
    }
}

#[test]
fn addresses_are_tried_in_turn() {
    let several = |ports: &[u16]| Wish {
        addresses: ports.iter().map(|port| io("a", *port)).collect(),
        ..wish(io("a", 1))
    };
    for (ports, expected) in [
        (&[1, 2, 3][..], "a 3 connected"),
        (
            &[1, 2],
            "a 2 failed (tcp, 192.0.2.1, 1, nqn.2014-08.org.example:a): silent; (tcp, 192.0.2.1, 2, nqn.2014-08.org.example:a): hung",
        ),
        (&[4, 3], "a 4 excluded by x:2"),
        (&[3, 4], "a 3 connected"),
        (&[4, 1], "a 1 failed silent"),
    ] {
        let mut world = World::new("")
            .place(1, Place::Silent)
            .place(2, Place::Hangs);
        world.exclusions = "exclusion = trsvcid=4\n".to_owned();
        let outcomes = match ports {
            [4, 3] => {
                world.exclusions.push_str("exclusion = trsvcid=3\n");
                world.walk(ALL, vec![several(ports)])
            }
            _ => world.walk(ALL, vec![several(ports)]),
        };
        assert_eq!(outcomes, [expected]);
    }
}

#[test]
fn silent_and_dying_places() {
    let wishes = ["a", "b", "c"].map(|name| wish(io(name, 1)));
    for (place, expected, done) in [
        (
            Place::Silent,
            ["failed silent", "failed silent", "failed silent"],
            &["probe 1"][..],
        ),
        (
            Place::Dies,
            ["failed reset", "failed dead", "failed dead"],
            &["probe 1", "connect a 1", "probe 1"],
        ),
        (
            Place::Hangs,
            [
                "failed hung",
                "failed not tried: another connection to there failed: hung",
                "failed not tried: another connection to there failed: hung",
            ],
            &["probe 1", "connect a 1"],
        ),
    ] {
        let mut world = World::new("").place(1, place);
        let mut all = wishes.to_vec();
        all.push(wish(io("d", 2)));
        let outcomes = world.walk(ALL, all);
        let (last, first) = outcomes.split_last().unwrap();
        assert_eq!(last, "d 2 connected", "nobody else suffers");
        for ((name, outcome), expected) in ["a", "b", "c"].iter().zip(first).zip(expected) {
            assert_eq!(*outcome, format!("{name} 1 {expected}"));
        }
        let done: Vec<&str> = done.to_vec();
        let there = |it: &&String| it.ends_with(" 1");
        assert_eq!(world.done.iter().filter(there).collect::<Vec<_>>(), done);
    }
}

#[test]
fn what_is_connected_already() {
    for (controller, owner, expected) in [
        (
            live("nvme1", io("a", 4420), None),
            None,
            "a 4420 already nvme1",
        ),
        (
            live("nvme1", io("a", 4420), Some("x")),
            Some("me"),
            "a 4420 already nvme1",
        ),
        (
            live("nvme1", io("a", 4420), None),
            Some("me"),
            "a 4420 already nvme1",
        ),
    ] {
        let claimed = controller.owner.is_none() && owner.is_some();
        let mut world = World {
            live: vec![controller],
            ..World::default()
        };
        let mut wish = wish(io("a", 4420));
        wish.owner = owner.map(|owner: &str| owner.parse().unwrap());
        assert_eq!(world.walk(ALL, vec![wish.clone()]), [expected]);
        assert_eq!(world.count("claim nvme1"), usize::from(claimed));

        wish.options.duplicate_connect = Some(true);
        assert_eq!(world.walk(ALL, vec![wish]), ["a 4420 connected"]);
    }
}

#[test]
fn a_connected_discovery_controller_is_asked_if_it_may_be() {
    let mut lost = live("nvme1", dc(1), None);
    lost.state = ControllerState::Connecting;
    for (controller, owner, reuse, expected) in [
        (live("nvme1", dc(1), None), None, true, "already nvme1"),
        (
            live("nvme1", dc(1), Some("me")),
            Some("me"),
            true,
            "already nvme1",
        ),
        (
            live("nvme1", dc(1), Some("x")),
            None,
            true,
            "foreign nvme1 x",
        ),
        (
            live("nvme1", dc(1), Some("x")),
            Some("me"),
            true,
            "foreign nvme1 x",
        ),
        (live("nvme1", dc(1), Some("x")), None, false, "asked"),
        (lost, None, true, "asked"),
    ] {
        let mut world = World::new("1: io a 4420");
        world.live = vec![controller];
        let mut wish = wish(dc(1));
        wish.owner = owner.map(|owner: &str| owner.parse().unwrap());
        let policy = Policy { reuse, ..ALL };
        let outcomes = world.walk(policy, vec![wish]);
        assert_eq!(outcomes[0], format!("dc 1 {expected}"));
        assert_eq!(outcomes.len() == 2, !expected.starts_with("foreign"));
    }
}

#[test]
fn of_several_controllers_the_one_that_may_be_asked() {
    let mut world = World::new("1: io a 4420");
    world.live = vec![live("nvme1", dc(1), Some("x")), live("nvme2", dc(1), None)];
    let outcomes = world.walk(ALL, vec![wish(dc(1))]);
    assert_eq!(outcomes, ["dc 1 already nvme2", "a 4420 connected"]);
}

#[test]
fn a_controller_by_its_device() {
    let mut world = World::new("1: dc 1, io a 4420");
    let device = live("nvme7", dc(1), None);
    world.live = vec![device.clone()];
    let wish = Wish {
        addresses: Vec::new(),
        device: Some(Box::new(device)),
        typed: true,
        ..wish(dc(1))
    };
    assert_eq!(
        world.walk(ALL, vec![wish]),
        ["dc 1 already nvme7", "a 4420 connected"]
    );
}

#[test]
fn what_stays() {
    for (page, persistent, expected) in [
        ("1: self 1", Persistence::No, "asked"),
        ("1: self 1", Persistence::Auto, "connected"),
        ("1:", Persistence::Auto, "connected"),
        ("1: self 1", Persistence::Force, "connected"),
        ("2:", Persistence::Force, "failed no page"),
    ] {
        let mut world = World::new(page);
        let mut wish = wish(dc(1));
        wish.persistent = persistent;
        let outcomes = world.walk(ALL, vec![wish]);
        assert_eq!(
            outcomes,
            [format!("dc 1 {expected}")],
            "{page} {persistent}"
        );
        assert_eq!(world.connected.len() == 1, expected == "connected");
    }
}

#[test]
fn how_far_it_goes() {
    for (subsystems, referrals, expected) in [
        (false, false, &["dc 1 asked"][..]),
        (false, true, &["dc 1 asked", "dc 2 asked"]),
        (true, false, &["dc 1 asked", "a 4420 connected"]),
    ] {
        let mut world = World::new("1: dc 2, io a 4420\n2: io b 4420");
        let policy = Policy {
            subsystems,
            referrals,
            reuse: true,
        };
        assert_eq!(world.walk(policy, vec![wish(dc(1))]), expected);
    }
}

#[test]
fn options_and_identity_are_inherited() {
    let world = World::new("1: io a 4420");
    let mut wish = wish(dc(1));
    wish.scope.io.ctrl_loss_tmo = Some(600);
    wish.scope.hostnqn = "nqn.2014-08.org.example:h".parse().ok();
    let mut walker = world.walker(ALL, vec![wish]);
    let mut world = world;
    let mut request = None;
    while !walker.is_done() {
        let action = walker.next_action().unwrap();
        if let crate::walk::Action::Connect(_, connect) = &action {
            request = Some(connect.clone());
        }
        let event = world.perform(action);
        walker.handle(event);
    }
    let request = request.unwrap();
    assert_eq!(request.options.ctrl_loss_tmo, Some(600));
    let hostnqn = request.tid.hostnqn.as_ref().map(Nqn::as_str);
    assert_eq!(hostnqn, Some("nqn.2014-08.org.example:h"));
}

#[test]
fn an_exclusion_that_comes_late_holds_all_the_same() {
    let mut world = World::new("").place(21, Place::Excluded);
    let other = Wish {
        addresses: vec![io("b", 21), io("b", 22)],
        ..wish(io("b", 21))
    };
    let typed = Wish {
        typed: true,
        ..wish(io("c", 21))
    };
    let outcomes = world.walk(ALL, vec![wish(io("a", 21)), other, typed]);
    assert_eq!(
        outcomes,
        [
            "a 21 excluded by late:21",
            "b 22 connected",
            "c 21 connected"
        ]
    );
    let ports: BTreeSet<u16> = world.connected.into_values().collect();
    assert_eq!(ports, BTreeSet::from([21, 22]));
}
