//! File systems on what the daemon connects.

use std::fs;

use nvmf_testkit::host::block_device;
use nvmf_testkit::target::Target;
use nvmf_testkit::{OrFail, SOON, World};

const PLACE: &str = "/run/nvmf-mounted";
/// Another one, whose unit somebody wrote.
const ORDERED: &str = "/run/nvmf-ordered";

/// Even if its disk is gone; nothing, if nothing is mounted there.
fn unmount(place: &str) {
    let mut umount = std::process::Command::new("umount");
    drop(umount.args(["-q", "-l", place]).output());
}

#[test]
fn one_that_nothing_orders_is_named_until_it_is_mounted_with_netdev() {
    let world = World::new("one_that_nothing_orders_is_named_until_it_is_mounted_with_netdev");
    let nqn = "nqn.2026-11.mounted:1";
    let target = Target::tcp("127.0.0.1", 4420).subsystem(nqn);
    world.config(&target.as_subsystems());
    world.start();
    world.wait_connected(target.nqns(), SOON);
    world.wait_for("its namespace is there", SOON, || {
        block_device(nqn).is_some()
    });
    let disk = block_device(nqn).or_fail("find its namespace");
    let disk = disk.to_string_lossy().into_owned();
    world.run("mkfs.ext4", &["-q", &disk]).expect_success();
    fs::create_dir_all(PLACE).or_fail("make a place to mount");
    world.on_end("it is unmounted", || unmount(PLACE));
    let unit = "run-nvmf\\x2dordered.mount";
    let file = format!("/run/systemd/system/{unit}");
    let text = format!(
        "[Unit]\nDefaultDependencies=no\nAfter=remote-fs-pre.target\nConflicts=umount.target\n\
         Before=umount.target\n[Mount]\nWhat={disk}\nWhere={ORDERED}\n"
    );
    fs::write(&file, text).or_fail("write a unit");
    world.on_end("there is no such unit", move || {
        unmount(ORDERED);
        drop(fs::remove_file(file));
    });
    world.run("systemctl", &["daemon-reload"]).expect_success();
    world.run("systemctl", &["start", unit]).expect_success();
    let named = || world.status().problems().contains(PLACE);
    assert!(!named());
    world.run("mount", &[&disk, PLACE]).expect_success();
    world.wait_for("it is named", SOON, named);
    let problems = world.status().problems();
    let device = world.controller(nqn).device;
    for part in ["_netdev", &device, "/etc/fstab"] {
        assert!(problems.contains(part), "{part} is not in {problems}");
    }
    assert!(!problems.contains(ORDERED), "{problems}");
    world.run("umount", &[PLACE]).expect_success();
    world.wait_for("what is not mounted is in order", SOON, || !named());
    world
        .run("mount", &["-o", "_netdev", &disk, PLACE])
        .expect_success();
    // mount(8) notes `_netdev` only after it has mounted: who looks in between must look again.
    world.stays(
        "so is what says that it needs the network",
        std::time::Duration::from_secs(2),
        || !named(),
    );
    world.run("umount", &[PLACE]).expect_success();
    world.run("systemctl", &["stop", unit]).expect_success();
}
