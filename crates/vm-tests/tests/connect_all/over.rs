//! Over every transport.

use nvmf_testkit::World;
use nvmf_testkit::target::Target;

use super::{at, expect_connected};

/// Over any transport.
fn over(world: &World, target: Target, nqn: &str) {
    let target = &target.subsystem(nqn);
    let said = world.nvmf(&at("connect-all", target, &[])).expect_success();
    assert!(said.ends_with("1 connected, 1 asked\n"), "{said}");
    expect_connected(world, &[target]);
    let again = world.nvmf(&at("connect-all", target, &[])).expect_success();
    assert!(again.ends_with("1 asked, 1 already connected\n"), "{again}");
    expect_connected(world, &[target]);
    assert_eq!(world.controllers().len(), 1);
}

#[test]
fn over_fc() {
    let world = World::new("over_fc");
    over(&world, Target::fc(), "nqn.2026-11.fc:1");
}

#[test]
fn over_rdma() {
    let world = World::new("over_rdma");
    over(
        &world,
        Target::rdma("192.0.2.1", 4420),
        "nqn.2026-11.rdma:1",
    );
}

#[test]
fn over_loop() {
    let world = World::new("over_loop");
    over(&world, Target::looped(), "nqn.2026-11.loop:1");
}
