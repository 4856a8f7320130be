use std::collections::BTreeMap;

use nvmf_types::config::Persistence;
use proptest::collection::{btree_map, vec};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{prop_assert, proptest};

use super::world::{ALL, Place, World, dc, io, outcomes, wish};
use crate::walk::{Event, Wish};

fn entry() -> impl Strategy<Value = String> {
    prop_oneof![
        (1..12_u16).prop_map(|port| format!("dc {port}")),
        (1..6_u16).prop_map(|name| format!("io {name} {}", 20 + name % 3)),
        Just("self 1".to_owned()),
    ]
}

fn pages() -> impl Strategy<Value = BTreeMap<u16, Vec<String>>> {
    btree_map(1..12_u16, vec(entry(), 0..6), 0..11)
}

fn places() -> impl Strategy<Value = BTreeMap<u16, Place>> {
    let place = prop_oneof![
        Just(Place::Answers),
        Just(Place::Silent),
        Just(Place::Hangs),
        Just(Place::Dies),
        Just(Place::Excluded)
    ];
    btree_map(prop_oneof![1..12_u16, 20..23_u16], place, 0..5)
}

fn wishes() -> impl Strategy<Value = Vec<Wish>> {
    let addresses = prop_oneof![
        (1..12_u16).prop_map(|port| vec![dc(port)]),
        (1..12_u16, 1..12_u16).prop_map(|(a, b)| vec![dc(a), dc(b)]),
        (1..6_u16).prop_map(|name| vec![io(&name.to_string(), 20 + name % 3)]),
    ];
    let persistent = prop_oneof![
        Just(Persistence::No),
        Just(Persistence::Auto),
        Just(Persistence::Force)
    ];
    let one =
        (addresses, persistent, any::<bool>()).prop_map(|(addresses, persistent, typed)| Wish {
            persistent,
            typed,
            addresses: addresses.clone(),
            ..wish(addresses[0].clone())
        });
    vec(one, 0..5)
}

proptest! {
    /// In whatever order answers come, and whenever the user stops it: it ends, each discovery
    /// controller is asked once, what is excluded is left alone unless it was typed, and no
    /// controller stays that was for the moment.
    #[test]
    fn any_walk_through_any_world(
        pages in pages(),
        places in places(),
        wishes in wishes(),
        order in vec(any::<u8>(), 1..64),
        stop in proptest::option::of(0..60_usize),
    ) {
        let excluded = "exclusion = nqn=nqn.2014-08.org.example:1\nexclusion = trsvcid=2\n";
        let mut world = World { pages, places, exclusions: excluded.to_owned(), ..World::default() };
        let typed: Vec<_> = wishes.iter().filter(|w| w.typed).flat_map(|w| w.addresses.clone()).collect();
        let forced = wishes.iter().any(|w| w.persistent != Persistence::No);
        let mut walker = world.walker(ALL, wishes);
        let (mut pending, mut steps) = (Vec::new(), 0);
        loop {
            while let Some(action) = walker.next_action() {
                pending.push(action);
            }
            let in_kernel = pending.iter().filter(|a| format!("{a:?}").starts_with("Connect")).count();
            prop_assert!(in_kernel <= 2, "the kernel takes one at a time, another waits");
            if walker.is_done() && pending.iter().all(|a| format!("{a:?}").starts_with("Probe")
                || format!("{a:?}").starts_with("Read")) {
                break;
            }
            prop_assert!(!pending.is_empty(), "it waits for nothing");
            steps += 1;
            prop_assert!(steps < 2_000, "it does not end");
            if Some(steps) == stop {
                walker.handle(Event::Interrupted);
            }
            let pick = usize::from(order[steps % order.len()]) % pending.len();
            let event = world.perform(pending.swap_remove(pick));
            walker.handle(event);
        }
        for port in 1..12 {
            let read = world.count(&format!("read {port}"));
            prop_assert!(read <= 1, "dc {} was asked {} times", port, read);
        }
        for (port, place) in &world.places {
            let to_there = format!(" {port}");
            let connects = world.done.iter().filter(|it| it.starts_with("connect"));
            let hung = connects.filter(|it| it.ends_with(&to_there)).count();
            prop_assert!(*place != Place::Hangs || hung <= 1, "{} hung the kernel {} times", port, hung);
        }
        for (what, tid) in [("connect 1 21", io("1", 21)), ("connect dc 2", dc(2))] {
            prop_assert!(world.count(what) == 0 || typed.contains(&tid), "{}", what);
        }
        for port in world.connected.values().filter(|port| **port < 20) {
            prop_assert!(forced, "dc {} was for the moment", port);
        }
        prop_assert!(outcomes(&walker).len() == walker.targets().len());
    }
}
