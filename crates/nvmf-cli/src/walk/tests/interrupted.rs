use nvmf_types::config::Persistence;

use super::world::{ALL, World, dc, io, outcomes, wish};
use crate::walk::{Action, Event, Walker};

/// Performs actions until one whose text begins so has been handed out, which is not performed.
fn until(world: &mut World, walker: &mut Walker, begin: &str) -> Action {
    loop {
        let action = walker.next_action().expect("it comes");
        if format!("{action:?}").starts_with(begin) {
            return action;
        }
        let event = world.perform(action);
        walker.handle(event);
    }
}

/// Interrupts while such an action is under way, lets it come back, and ends.
fn interrupted_at(begin: &str, persistent: Persistence) -> (Vec<String>, World) {
    let mut world = World::new("1: io a 4420, dc 2\n2:");
    let mut wish = wish(dc(1));
    wish.persistent = persistent;
    let mut walker = world.walker(ALL, vec![wish, super::world::wish(io("b", 9))]);
    let action = until(&mut world, &mut walker, begin);
    walker.handle(Event::Interrupted);
    assert!(walker.is_interrupted());
    let mut pending = vec![action];
    while !walker.is_done() {
        pending.extend(walker.next_action());
        let action = pending.pop().expect("it waits for nothing");
        let event = world.perform(action);
        walker.handle(event);
    }
    assert!(walker.next_action().is_none());
    (outcomes(&walker), world)
}

#[test]
fn temporary_controllers_go() {
    for (begin, expected) in [
        ("Probe", ["dc 1 interrupted", "b 9 interrupted"]),
        ("Connect", ["dc 1 interrupted", "b 9 interrupted"]),
        ("Read", ["dc 1 interrupted", "b 9 interrupted"]),
    ] {
        for persistent in [Persistence::No, Persistence::Auto] {
            let (outcomes, world) = interrupted_at(begin, persistent);
            assert_eq!(outcomes, expected, "{begin}");
            assert!(world.connected.is_empty(), "{begin}: {:?}", world.connected);
        }
    }
}

#[test]
fn what_is_to_stay_stays() {
    for begin in ["Connect", "Read"] {
        let (outcomes, world) = interrupted_at(begin, Persistence::Force);
        assert_eq!(outcomes, ["dc 1 connected", "b 9 interrupted"], "{begin}");
        assert_eq!(world.connected.len(), 1);
    }
}

#[test]
fn a_disconnect_under_way_is_awaited() {
    let (outcomes, world) = interrupted_at("Disconnect", Persistence::No);
    assert_eq!(outcomes[0], "dc 1 asked");
    assert!(world.connected.is_empty());
}
