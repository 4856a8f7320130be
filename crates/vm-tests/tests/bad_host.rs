//! A host that lacks what we need, or is configured wrongly: one clear error each.

use nvmf_testkit::target::Target;
use nvmf_testkit::{HOST_MODULES, LATER, SOON, World};

#[test]
fn a_bad_configuration_is_named_by_line_and_the_last_good_one_kept() {
    let world = World::new("a_bad_configuration_is_named_by_line_and_the_last_good_one_kept");
    let target = Target::tcp("127.0.0.1", 4420).subsystems("nqn.2026-11.good:", 2);
    let good = target.as_subsystems();
    world.config(&good);
    world.start();
    world.wait_connected(target.nqns(), SOON);
    let bad = format!("{good}[Subsystem]\nnqn = nqn.2026-11.good:3\ncontroller = transport=tpc\n");
    let line = bad.lines().count();
    world.config(&bad);
    world.reload_in_vain();
    let place = format!("/etc/nvme/nvme-fabrics.conf:{line}");
    world.wait_for("the status names the line", SOON, || {
        world.status().problems().contains(&place)
    });
    let problems = world.status().problems();
    assert!(
        problems.contains("`tpc`") && problems.contains("tcp"),
        "value and remedy: {problems}"
    );
    world.wait_for("the journal does too", SOON, || {
        world.journal().contains(&place)
    });
    let lost = world.controller("nqn.2026-11.good:1");
    lost.delete();
    world.wait_connected(target.nqns(), SOON);
    world.config(&good);
    world.reload();
    world.wait_for("the problem is over", SOON, || {
        world.status().problems().is_empty()
    });
}

#[test]
fn a_daemon_that_starts_with_a_bad_configuration_waits_for_a_good_one() {
    let world = World::new("a_daemon_that_starts_with_a_bad_configuration_waits_for_a_good_one");
    let target = Target::tcp("127.0.0.1", 4420).subsystems("nqn.2026-11.later:", 1);
    world.config("[Subsystem]\nnqn = not an nqn\n");
    world.start();
    let place = "/etc/nvme/nvme-fabrics.conf:2";
    world.wait_for("the status names the line", SOON, || {
        world.status().problems().contains(place)
    });
    assert!(world.controllers().is_empty());
    world.config(&target.as_subsystems());
    world.reload();
    world.wait_connected(target.nqns(), SOON);
}

#[test]
fn a_configuration_that_cannot_be_read_is_named() {
    let world = World::new("a_configuration_that_cannot_be_read_is_named");
    std::fs::create_dir("/etc/nvme/nvme-fabrics.conf").unwrap();
    world.start();
    world.wait_for("the status names the file", SOON, || {
        world
            .status()
            .problems()
            .contains("/etc/nvme/nvme-fabrics.conf")
    });
}

#[test]
fn without_modules_it_is_said_which_to_load() {
    let world = World::new("without_modules_it_is_said_which_to_load");
    let target = Target::tcp("127.0.0.1", 4420).subsystems("nqn.2026-11.modules:", 1);
    let connect = || {
        world
            .nvmf_connect(&target, "nqn.2026-11.modules:1", &[])
            .expect_failure(1)
    };
    world.take_modules(&["nvme-tcp"]);
    let said = connect();
    assert!(said.contains("modprobe nvme-tcp"), "{said}");
    world.give_modules();
    world.take_modules(HOST_MODULES);
    let said = connect();
    assert!(said.contains("modprobe -a nvme-fabrics nvme-tcp"), "{said}");
    world.config(&target.as_subsystems());
    world.daemon_config("[Global]\nretry-max = 2\n");
    world.start();
    world.wait_for("the status says it too", SOON, || {
        let status = world.status();
        let error = status
            .connection("nqn.2026-11.modules:1", "last-error")
            .unwrap_or_default();
        status.problems().contains("modprobe nvme-fabrics") && error.contains("nvme-tcp")
    });
    world.give_modules();
    world.wait_connected(target.nqns(), LATER);
}

#[test]
fn without_a_bus_the_daemon_says_so_and_gives_up() {
    let world = World::new("without_a_bus_the_daemon_says_so_and_gives_up");
    let hide = "mount -t tmpfs none /run/dbus && exec \"$@\"";
    let ran = world.daemon_by_hand(&["unshare", "-m", "sh", "-c", hide, "sh"]);
    let said = ran.expect_failure(1);
    assert!(said.contains("D-Bus"), "{said}");
    assert_eq!(said.lines().count(), 1, "one clear error: {said}");
}

#[test]
fn without_root_nothing_is_tried() {
    let world = World::new("without_root_nothing_is_tried");
    let nobody = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
    ];
    let said = world.daemon_by_hand(&nobody).expect_failure(1);
    assert!(said.contains("root"), "{said}");
    assert_eq!(said.lines().count(), 1, "one clear error: {said}");
    let connect = [
        "nvmf",
        "connect",
        "-t",
        "tcp",
        "-a",
        "127.0.0.1",
        "-n",
        "nqn.2026-11.root:1",
    ];
    for command in [
        &connect[..],
        &["nvmf", "disconnect-all"],
        &["nvmf", "disconnect", "-d", "nvme0"],
    ] {
        let arguments: Vec<&str> = nobody.iter().chain(command).copied().collect();
        let said = world.run("env", &arguments).expect_failure(1);
        assert!(said.contains("root"), "{command:?}: {said}");
    }
}
