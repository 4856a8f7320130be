//! Discovery controllers that are not to stay connected.

use std::time::Duration;

use nvmf_testkit::host::DISCOVERY_NQN;
use nvmf_testkit::target::Target;
use nvmf_testkit::{SOON, World};

#[test]
fn one_that_is_not_to_stay_is_read_and_left() {
    let world = World::new("one_that_is_not_to_stay_is_read_and_left");
    let mut target = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.visited:", 2);
    let dc = target.as_discovery_controller();
    world.config(&format!(
        "[Discovery Controller Defaults]\npersistent = no\n{dc}"
    ));
    world.start();
    world.wait_connected(target.nqns(), SOON);
    let is_left = || {
        let controllers = world.controllers();
        world.status().state(DISCOVERY_NQN) == "idle"
            && controllers.iter().all(|it| !it.is_discovery())
    };
    world.wait_for("it is left", SOON, is_left);
    let said = world.nvmf(&["wait", "--all"]).expect_success();
    assert_eq!(said, "2 of 2 connected\n");
    let said = world.nvmf(&["explain", DISCOVERY_NQN]).expect_success();
    assert!(
        said.contains("only to read that; the next time is in 1"),
        "{said}"
    );
    let units = ["list-units", "--no-legend", "--plain", "nvmf-nvme*.service"];
    world.wait_for("its unit is gone", SOON, || {
        let units = world.run("systemctl", &units).expect_success();
        units.lines().count() == 2
    });

    // What is new there is seen when it is read again; what is connected stays.
    target.add_subsystem("nqn.2026-11.visited:3");
    let before = world.controllers();
    let said = world.nvmf(&["retry", DISCOVERY_NQN]).expect_success();
    assert!(
        said.starts_with("tried now: (tcp, 127.0.0.1, 8009"),
        "{said}"
    );
    world.wait_connected(target.nqns(), SOON);
    world.wait_for("it is left again", SOON, is_left);
    let now = world.controllers();
    assert!(before.iter().all(|it| now.contains(it)), "{now:?}");

    // Who wants it kept has it kept.
    world.config(&dc);
    world.reload();
    let is_read = || {
        let reason = world.status().connection(DISCOVERY_NQN, "reason");
        reason.is_some_and(|it| it.starts_with("connected as") && it.contains("names 3"))
    };
    world.wait_for("it is connected and read", SOON, is_read);
    world.stays("it", Duration::from_secs(2), is_read);
    assert_eq!(world.status().problems(), "");
}
