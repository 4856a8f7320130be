//! The ownership registry on a real kernel with a real udev.

use std::path::Path;

use nvmf_testkit::target::Target;
use nvmf_testkit::{SOON, World};

#[test]
fn udev_removes_the_entry_of_a_controller_that_is_gone() {
    let world = World::new("udev_removes_the_entry_of_a_controller_that_is_gone");
    let target = Target::tcp("127.0.0.1", 4420).subsystems("nqn.2026-11.reaped:", 1);
    world
        .nvmf_connect(&target, "nqn.2026-11.reaped:1", &["--owner", "me"])
        .expect_success();
    let controllers = world.controllers();
    let device = &controllers.first().expect("a controller").device;
    let entry = Path::new("/run/nvme/registry").join(device.as_str());
    assert!(entry.join("owner").exists());
    // not our own command: nobody but udev knows
    world
        .run("nvme", &["disconnect", "-d", device.as_str()])
        .expect_success();
    world.wait_for("its entry is gone", SOON, || !entry.exists());
}
