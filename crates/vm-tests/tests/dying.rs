//! A controller dies while the one who connects it registers it.

use nvmf_testkit::target::Target;
use nvmf_testkit::{Moment, World, registry};

const NQN: &str = "nqn.2026-11.dying:1";

#[test]
fn a_controller_that_dies_while_it_is_registered_leaves_no_entry() {
    let world = World::new("a_controller_that_dies_while_it_is_registered_leaves_no_entry");
    // What goes is not udev's merit.
    world.rules("70-nvmf-reap.rules", "");
    let target = Target::tcp("127.0.0.1", 4420).subsystem(NQN);
    let owner = ["--owner", "me"];
    world.nvmf_connect(&target, NQN, &owner).expect_success();
    let first = world.controller(NQN);
    first.delete();
    let reap = ["registry", "reap", &first.device];
    world.nvmf(&reap).expect_success();
    let connect = [
        target.connect_arguments(NQN),
        owner.map(str::to_owned).to_vec(),
    ]
    .concat();
    for moment in [Moment::Connected, Moment::EntryBegun, Moment::EntryInPlace].repeat(3) {
        world.note(format_args!("it dies: {moment:?}"));
        let stopped = world.nvmf_stopped_at(moment, &connect);
        let (shown, hidden): (Vec<_>, Vec<_>) = registry::all()
            .into_iter()
            .partition(|name| !name.starts_with('.'));
        let begun = usize::from(moment == Moment::EntryBegun);
        let in_place = usize::from(moment == Moment::EntryInPlace);
        assert_eq!(
            (shown.len(), hidden.len()),
            (in_place, begun),
            "{moment:?}: {shown:?} {hidden:?}"
        );
        world.controller(NQN).delete();
        assert!(world.controllers().is_empty(), "{moment:?}");
        assert!(stopped.is_stopped(), "{moment:?}");
        let said = stopped.go_on().expect_failure(1);
        assert!(said.contains("lost it at once"), "{moment:?}: {said}");
        assert_eq!(registry::all(), [""; 0], "{moment:?}");
    }
}

#[test]
fn a_connector_that_is_killed_while_it_registers_harms_nobody() {
    let world = World::new("a_connector_that_is_killed_while_it_registers_harms_nobody");
    let target = Target::tcp("127.0.0.1", 4420).subsystem(NQN);
    let owner = ["--owner", "me"];
    world.nvmf_connect(&target, NQN, &owner).expect_success();
    let connect = [
        target.connect_arguments(NQN),
        owner.map(str::to_owned).to_vec(),
    ]
    .concat();
    for moment in [Moment::Connected, Moment::EntryBegun, Moment::EntryInPlace] {
        world.controller(NQN).delete();
        world.settle();
        drop(world.nvmf_stopped_at(moment, &connect));
        let left = world.controller(NQN);
        assert_eq!(
            left.is_owned_by("me"),
            moment == Moment::EntryInPlace,
            "{moment:?}: {left}"
        );
        // Whole or not at all: another one claims it, or is told whose it is.
        let again = [
            target.connect_arguments(NQN),
            ["--idempotent", "--owner", "me"]
                .map(str::to_owned)
                .to_vec(),
        ];
        world.nvmf(&again.concat()).expect_success();
        assert!(registry::says(&left.device, left.ino, "me"), "{moment:?}");
    }
}
