//! Beside nvme-stas, as Debian ships it: its daemons connect what their configuration names, ours what
//! ours names, and neither touches what the other made.

use std::fs;
use std::process::Command;
use std::time::Duration;

use nvmf_testkit::host::Controller;
use nvmf_testkit::target::Target;
use nvmf_testkit::{LATER, OrFail, SOON, World};

const FOLDER: &str = "/etc/stas";

/// It looks for what it has lost a minute later, and it may take two looks.
const MINUTES: Duration = Duration::from_secs(240);

/// Has both its daemons connect these and nothing else, until the world ends.
fn configure(world: &World, discovery: &Target, subsystem: &str, target: &Target) {
    let saved = "/run/nvmf-test.stas";
    world.run("cp", &["-a", FOLDER, saved]).expect_success();
    world.on_end("nvme-stas as it was", move || {
        let script = format!(
            "systemctl stop stacd stafd; rm -rf {FOLDER}; mv {saved} {FOLDER}; rm -rf /run/stafd /run/stacd"
        );
        drop(Command::new("sh").args(["-c", &script]).output());
    });
    let global = "[Global]\ntron = false\nignore-iface = true\n";
    let quiet = "[Service Discovery]\nzeroconf = disabled\n";
    let place = discovery.controller();
    fs::write(
        format!("{FOLDER}/stafd.conf"),
        format!(
            "{global}persistent-connections = true\n{quiet}[Controllers]\ncontroller = {place}\n"
        ),
    )
    .or_fail("write stafd.conf");
    let place = target.controller();
    fs::write(
        format!("{FOLDER}/stacd.conf"),
        format!("{global}[Controllers]\ncontroller = {place};nqn={subsystem}\n"),
    )
    .or_fail("write stacd.conf");
}

#[test]
fn each_keeps_to_its_own() {
    let world = World::new("each_keeps_to_its_own");
    let ours = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.ours:", 2);
    let theirs = Target::tcp("127.0.0.1", 8010).subsystems("nqn.2026-11.theirs:", 2);
    let typed = Target::tcp("127.0.0.1", 4421).subsystem("nqn.2026-11.theirs:typed");
    configure(&world, &theirs, "nqn.2026-11.theirs:typed", &typed);
    world.config(&ours.as_discovery_controller());
    world.start();
    world.wait_connected(ours.nqns(), SOON);
    world
        .run("systemctl", &["start", "stafd", "stacd"])
        .expect_success();
    let of = |prefix: &str| -> Vec<Controller> {
        let all = world.controllers().into_iter();
        all.filter(|it| it.nqn.starts_with(prefix)).collect()
    };
    let theirs_are_there = || {
        let found = of("nqn.2026-11.theirs:");
        found.len() == 3 && found.iter().all(Controller::is_live)
    };
    world.wait_for("nvme-stas has connected its own", MINUTES, theirs_are_there);
    let before = (of("nqn.2026-11.ours:"), of("nqn.2026-11.theirs:"));
    assert!(before.1.iter().all(|it| !it.is_owned_by("discoverd")));
    // Each of them starts anew beside the other, and all stays as it is. (stafd does not: while it is
    // away, stacd disconnects what it had named.)
    for unit in ["stacd", "nvme-discoverd"] {
        world.run("systemctl", &["restart", unit]).expect_success();
        world.wait_for("all is as it was", LATER, || {
            (of("nqn.2026-11.ours:"), of("nqn.2026-11.theirs:")) == before
        });
    }
    // What it loses is its own to connect again.
    world.controller("nqn.2026-11.theirs:1").delete();
    world.wait_for("it connects it again", MINUTES, theirs_are_there);
    assert!(
        of("nqn.2026-11.theirs:")
            .iter()
            .all(|it| !it.is_owned_by("discoverd"))
    );
    assert_eq!(of("nqn.2026-11.ours:"), before.0);
}
