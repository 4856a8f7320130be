//! The framework itself, seen by Debian's nvme-cli: what it makes is what the others rely on.

use nvmf_testkit::fake::{FakeDiscovery, FakeLog, FakeRecord};
use nvmf_testkit::target::Target;
use nvmf_testkit::{LATER, SOON, World};

#[test]
fn a_target_can_be_lost_and_come_back() {
    let world = World::new("a_target_can_be_lost_and_come_back");
    let mut target = Target::tcp("127.0.0.1", 4420).subsystems("nqn.2026-11.kit:", 2);
    world.nvme_connect(&target, "nqn.2026-11.kit:1");
    let first = world.controller("nqn.2026-11.kit:1");
    assert!(first.is_live() && first.owner.is_none(), "{first}");
    target.disable();
    world.wait_for("the kernel lost it", SOON, || {
        !world.controllers().iter().all(|it| it.is_live())
    });
    target.enable();
    world.wait_for("the kernel has it back", LATER, || {
        world.controllers() == [first.clone()]
    });
}

#[test]
fn a_log_page_lists_what_a_port_has() {
    let world = World::new("a_log_page_lists_what_a_port_has");
    let mut target = Target::tcp("127.0.0.1", 4420).subsystems("nqn.2026-11.kit:", 2);
    let discover = ["discover", "-t", "tcp", "-a", "127.0.0.1", "-s", "4420"];
    let seen = world.run("nvme", &discover).expect_success();
    assert!(seen.contains("nqn.2026-11.kit:2"), "{seen}");
    target.remove_subsystem("nqn.2026-11.kit:2");
    let seen = world.run("nvme", &discover).expect_success();
    assert!(
        seen.contains("nqn.2026-11.kit:1") && !seen.contains("nqn.2026-11.kit:2"),
        "{seen}"
    );
}

#[test]
fn the_kernel_takes_the_fake_for_a_discovery_controller() {
    let world = World::new("the_kernel_takes_the_fake_for_a_discovery_controller");
    let record = FakeRecord::subsystem("nqn.2026-11.kit:fake", 4420);
    let log = FakeLog {
        genctr: 5,
        records: vec![record],
        ..FakeLog::default()
    };
    let fake = FakeDiscovery::start(log).unwrap();
    let port = fake.port().to_string();
    let discover = ["discover", "-t", "tcp", "-a", "127.0.0.1", "-s", &port];
    let seen = world.run("nvme", &discover).expect_success();
    assert!(seen.contains("Generation counter 5"), "{seen}");
    assert!(seen.contains("nqn.2026-11.kit:fake"), "{seen}");
    assert!(fake.reads() > 0);
}
