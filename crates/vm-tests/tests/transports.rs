//! Every transport and every kind of address, by hand.

use nvmf_testkit::host::link_local;
use nvmf_testkit::target::Target;
use nvmf_testkit::{SOON, World};

/// Discovers a target, connects one subsystem of it, but only once, and disconnects it.
fn there_and_back(world: &World, target: Target, nqn: &str) {
    let target = &target.subsystem(nqn);
    let mut discover = vec!["discover".to_owned()];
    discover.extend(target.options());
    let found = world.nvmf(&discover).expect_success();
    assert!(found.contains(&format!("subnqn:  {nqn}\n")), "{found}");

    world
        .nvmf_connect(target, nqn, &["--owner=me"])
        .expect_success();
    let made = world.controller(nqn);
    assert!(made.is_live() && made.is_owned_by("me"), "{made}");
    let again = world.nvmf_connect(target, nqn, &[]).expect_failure(1);
    assert!(
        again.contains(&format!("already connected as {}", made.device)),
        "{again}"
    );

    world.nvmf(&["disconnect", "-n", nqn]).expect_success();
    assert!(world.controllers().is_empty(), "{:?}", world.controllers());
}

#[test]
fn fc_there_and_back() {
    let world = World::new("fc_there_and_back");
    there_and_back(&world, Target::fc(), "nqn.2026-11.fc:1");
}

#[test]
fn rdma_there_and_back() {
    let world = World::new("rdma_there_and_back");
    there_and_back(
        &world,
        Target::rdma("192.0.2.1", 4420),
        "nqn.2026-11.rdma:1",
    );
}

#[test]
fn loop_there_and_back() {
    let world = World::new("loop_there_and_back");
    there_and_back(&world, Target::looped(), "nqn.2026-11.loop:1");
}

#[test]
fn ipv6_there_and_back() {
    let world = World::new("ipv6_there_and_back");
    there_and_back(&world, Target::tcp("2001:db8::1", 4420), "nqn.2026-11.v6:1");
}

#[test]
fn link_local_there_and_back() {
    let world = World::new("link_local_there_and_back");
    let mut address = None;
    world.wait_for("nvmf0 has a link-local address", SOON, || {
        address = link_local("nvmf0");
        address.is_some()
    });
    there_and_back(
        &world,
        Target::tcp(&address.unwrap(), 4420),
        "nqn.2026-11.scope:1",
    );
}

#[test]
fn two_paths_are_two_connections() {
    let world = World::new("two_paths_are_two_connections");
    let nqn = "nqn.2026-11.paths:1";
    let one = Target::tcp("127.0.0.1", 4420).subsystem(nqn);
    let two = Target::tcp("192.0.2.1", 4420).second_path_to(&one);
    for target in [&one, &two] {
        world.nvmf_connect(target, nqn, &[]).expect_success();
    }
    let listed = world.nvmf(&["list", "-o", "json"]).expect_success();
    for target in [&one, &two] {
        assert!(listed.contains(target.traddr()), "{listed}");
    }
    assert_eq!(world.controllers().len(), 2);
    let said = world.nvmf(&["disconnect", "-n", nqn]).expect_success();
    assert!(said.contains('2'), "{said}");
    assert!(world.controllers().is_empty(), "{:?}", world.controllers());
}

#[test]
fn a_referral_ring_is_in_the_log_pages() {
    let world = World::new("a_referral_ring_is_in_the_log_pages");
    let target =
        |port| Target::tcp("127.0.0.1", port).subsystem(&format!("nqn.2026-11.ring:{port}"));
    let one = target(8009);
    let two = target(8010).refer_to(&one);
    one.add_referral(&two);
    for (target, other) in [(&one, &two), (&two, &one)] {
        let mut discover = vec!["discover".to_owned()];
        discover.extend(target.options());
        let found = world.nvmf(&discover).expect_success();
        let port = format!("trsvcid: {}\n", other.trsvcid());
        assert!(found.contains(&port), "{found}");
    }
}
