//! The ownership registry on a real kernel with a real udev.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread::{self, ScopedJoinHandle};

use nvmf_testkit::host::Controller;
use nvmf_testkit::target::Target;
use nvmf_testkit::{SOON, World, registry};

const NQN: &str = "nqn.2026-11.registry:1";
const RULES: &str = "70-nvmf-reap.rules";

fn target() -> Target {
    Target::tcp("127.0.0.1", 4420).subsystem(NQN)
}

/// A controller that somebody owns.
fn owned(world: &World, target: &Target) -> Controller {
    world
        .nvmf_connect(target, NQN, &["--owner", "me"])
        .expect_success();
    let controller = world.controller(NQN);
    assert!(registry::says(&controller.device, controller.ino, "me"));
    controller
}

/// Disconnects it with a command that is not ours, and waits until its entry is gone.
fn entry_goes(world: &World, controller: &Controller) {
    let disconnect = ["disconnect", "-d", &controller.device];
    world.run("nvme", &disconnect).expect_success();
    let entry = registry::entry(&controller.device);
    world.wait_for("its entry is gone", SOON, || !entry.exists());
}

#[test]
fn udev_removes_the_entry_of_a_controller_that_is_gone() {
    let world = World::new("udev_removes_the_entry_of_a_controller_that_is_gone");
    let target = target();
    entry_goes(&world, &owned(&world, &target));
}

#[test]
fn the_daemon_removes_it_where_udev_does_not() {
    let world = World::new("the_daemon_removes_it_where_udev_does_not");
    world.rules(RULES, "");
    let target = target();
    world.start();
    entry_goes(&world, &owned(&world, &target));
    // An entry that tells nothing about the incarnation is judged by the event's number.
    world.nvme_connect(&target, NQN);
    let controller = world.controller(NQN);
    registry::write_as_nvme_cli(&controller, "stas");
    entry_goes(&world, &controller);
}

#[test]
fn the_rule_is_about_controllers_only() {
    let world = World::new("the_rule_is_about_controllers_only");
    let file = format!("/usr/lib/udev/rules.d/{RULES}");
    let said = world.run("udevadm", &["verify", "--no-summary", &file]);
    assert!(said.status.success() && said.stderr.is_empty(), "{said}");
    let target = target();
    let device = owned(&world, &target).device;
    let reaps = |path: &str| {
        let said = world.run("udevadm", &["test", "--action=remove", path]);
        said.expect_success().contains("nvmf registry reap")
    };
    assert!(reaps(&format!("/sys/class/nvme/{device}")));
    // A number that an earlier one leaves late is not the next one's.
    let number = device.trim_start_matches("nvme");
    for other in [
        format!("class/nvme-subsystem/nvme-subsys{number}"),
        format!("block/nvme{number}n1"),
        format!("class/nvme-generic/ng{number}n1"),
    ] {
        let path = format!("/sys/{other}");
        world.wait_for(&other, SOON, || Path::new(&path).exists());
        assert!(!reaps(&path), "{other}");
    }
}

#[test]
fn everybody_reads_and_only_root_writes() {
    let world = World::new("everybody_reads_and_only_root_writes");
    let target = target();
    let device = owned(&world, &target).device;
    let as_nobody = |arguments: &[&str]| {
        let runuser = ["-u", "nobody", "--", "nvmf", "registry"];
        world.run("runuser", &[&runuser, arguments].concat())
    };
    let listed = as_nobody(&["list"]).expect_success();
    assert!(
        listed.contains(&device) && listed.contains("  owner        me\n"),
        "{listed}"
    );
    let owner = as_nobody(&["retrieve", &device, "-a", "owner"]);
    assert_eq!(owner.expect_success(), "me\n");
    for change in [
        &["update", &device, "-a", "owner", "-V", "you"][..],
        &["delete", &device],
        &["claim", &device, "--owner", "you"],
        &["release", &device, "--owner", "me"],
        &["gc"],
        &["reap", &device],
    ] {
        let said = as_nobody(change).expect_failure(1);
        assert!(said.contains("root"), "{said}");
        assert_eq!(said.lines().count(), 1, "one clear error: {said}");
    }
    assert!(world.controller(NQN).is_owned_by("me"));
}

#[test]
fn everybody_follows_what_changes() {
    let world = World::new("everybody_follows_what_changes");
    let target = target();
    let controller = owned(&world, &target);
    let device = &controller.device;
    let mut watch = Command::new("runuser")
        .args(["-u", "nobody", "--", "nvmf", "registry", "watch"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("run runuser");
    let said = BufReader::new(watch.stdout.take().expect("its output"));
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        said.lines()
            .map_while(Result::ok)
            .try_for_each(|it| sender.send(it))
    });
    // It does not tell when it begins to look.
    let mut number = 0;
    world.wait_for("a change is shown", SOON, || {
        number += 1;
        let update = [
            "registry",
            "update",
            device,
            "-a",
            "note",
            "-V",
            &number.to_string(),
        ];
        world.nvmf(&update).expect_success();
        lines
            .try_iter()
            .any(|line| line.starts_with(&format!("{device} note: ")))
    });
    entry_goes(&world, &controller);
    let end = format!("{device} removed owner=me");
    world.wait_for("its end is shown", SOON, || {
        lines.try_iter().any(|line| line == end)
    });
    watch.kill().expect("kill it");
    watch.wait().expect("its end");
}

#[test]
fn of_many_who_claim_one_controller_one_gets_it() {
    let world = World::new("of_many_who_claim_one_controller_one_gets_it");
    let target = target();
    world.nvme_connect(&target, NQN);
    let device = world.controller(NQN).device;
    let namespace = format!("/dev/{device}n1");
    world.wait_for("its namespace", SOON, || Path::new(&namespace).exists());
    let names = [device.clone(), format!("/dev/{device}"), namespace];
    let claim = |number: usize, name: &str| {
        let owner = format!("tool{number}");
        let claim = ["registry", "claim", name, "--owner", &owner];
        let done = Command::new("nvmf").args(claim).output().expect("run nvmf");
        done.status.success().then_some(owner)
    };
    let granted: Vec<String> = thread::scope(|scope| {
        let claim = &claim;
        let tools = names.iter().cycle().take(12).enumerate();
        let tools: Vec<_> = tools
            .map(|(number, name)| scope.spawn(move || claim(number, name)))
            .collect();
        let end = |tool: ScopedJoinHandle<'_, _>| tool.join().expect("a tool's end");
        tools.into_iter().filter_map(end).collect()
    });
    let [owner] = granted.as_slice() else {
        panic!("granted to {granted:?}");
    };
    let controller = world.controller(NQN);
    assert!(
        registry::says(&device, controller.ino, owner),
        "{controller}"
    );
    let release = |owner| world.nvmf(&["registry", "release", &device, "--owner", owner]);
    release("other").expect_failure(1);
    release(owner).expect_success();
    assert_eq!(world.controller(NQN).owner, None);
    entry_goes(&world, &controller);
}
