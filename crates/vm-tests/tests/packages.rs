//! The Debian packages, on a guest without the files that other tests find there: installed,
//! upgraded, removed, purged; and the README's first five minutes with them.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use std::fs;
use std::path::Path;

use nvmf_testkit::target::Target;
use nvmf_testkit::{SOON, World};

const README: &str = include_str!("../../../README.md");

/// What is laid over the guest's root for the other tests.
const LAID_OVER: &str = "/host/install";

/// A world without any file of ours; all other tests find theirs again.
fn bare(name: &str) -> World {
    let world = World::new(name);
    world.on_end("the files of the other tests", || {
        shell("dpkg --purge nvme-discoverd nvmf && cp -dRf /host/install/. / && systemctl daemon-reload");
    });
    shell(&format!(
        "cd {LAID_OVER} && find . ! -type d -print0 | (cd / && xargs -0 rm -f); \
         systemctl daemon-reload; ! command -v nvmf"
    ));
    world
}

/// Runs a script; returns what it said.
#[track_caller]
fn shell(script: &str) -> String {
    let done = std::process::Command::new("sh")
        .args(["-ec", script])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success(),
        "{script}: {}\n{said}{wrong}",
        done.status
    );
    println!("$ {script}\n{said}{wrong}");
    said
}

/// The commands of the blocks marked `sh` below a heading, as they stand there.
fn commands<'a>(text: &'a str, heading: &str) -> Vec<&'a str> {
    let (_, section) = text
        .split_once(&format!("\n## {heading}\n"))
        .expect("no such heading");
    let section = section.split("\n## ").next().unwrap_or_default();
    let blocks = section.split("```sh\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap_or_default());
    blocks.flat_map(str::lines).collect()
}

#[test]
fn the_five_minutes_of_the_readme() {
    let world = bare("the_five_minutes_of_the_readme");
    // the array that the README speaks of is this machine, too
    shell("ip address add 192.0.2.10/24 dev nvmf0");
    world.on_end("the array's address", || {
        shell("ip address del 192.0.2.10/24 dev nvmf0");
    });
    let volume = "nqn.2014-08.org.example:volume1";
    let _target = Target::tcp("192.0.2.10", 8009).subsystem(volume);
    let commands = commands(README, "Five minutes");
    assert!(commands.len() > 10, "{commands:?}");
    for command in commands {
        let said = shell(&format!("cd /host/packages/new; {command}"));
        if command == "nvmf list" || command == "nvmf status" {
            assert!(said.contains(volume), "{command}: {said}");
        }
        if command.contains("disconnect -x") {
            assert!(world.controllers().iter().all(|it| it.nqn != volume));
        }
    }
    world.wait_connected(&[volume], SOON);
    assert_eq!(
        shell("systemctl is-enabled nvme-discoverd").trim(),
        "enabled"
    );
    shell("systemctl disable --now nvme-discoverd");
}

#[test]
fn packages_come_change_and_go_and_connections_stay() {
    let world = bare("packages_come_change_and_go_and_connections_stay");
    let target = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.packages:", 2);
    let settings = "/etc/nvme/nvme-discoverd.conf";
    let is = |what: &str| {
        let mut systemctl = std::process::Command::new("systemctl");
        systemctl.args([what, "nvme-discoverd.service"]);
        String::from_utf8(systemctl.output().unwrap().stdout).unwrap()
    };

    shell("rm -f /etc/nvme/hostnqn /etc/nvme/hostid");
    shell("dpkg -i /host/packages/old/*.deb");
    assert_eq!(is("is-enabled").trim(), "disabled", "enabled by nobody");
    assert_eq!(is("is-active").trim(), "inactive");
    let name = fs::read_to_string("/etc/nvme/hostnqn").unwrap();
    assert!(
        name.starts_with("nqn.2014-08.org.nvmexpress:uuid:"),
        "{name}"
    );
    shell(
        "dpkg --verify nvmf nvme-discoverd | grep -v '^missing .* /usr/share/\\(doc\\|man\\)/' && exit 1 || :",
    );
    shell(&format!("echo '# mine' >>{settings}"));
    world.config(&target.as_discovery_controller());
    world.start();
    world.wait_connected(target.nqns(), SOON);
    let (before, made) = (world.controllers(), world.controllers_made());
    let daemon = world.pid();

    shell("dpkg -i /host/packages/new/*.deb");
    assert_eq!(shell("dpkg-query -W -f '${Version}' nvmf"), "0.0.2");
    let restarted = || world.pid().is_some_and(|pid| Some(pid) != daemon);
    world.wait_for("another daemon runs", SOON, restarted);
    world.wait_connected(target.nqns(), SOON);
    assert_eq!(
        world.controllers(),
        before,
        "the same controllers and owners"
    );
    assert_eq!(world.controllers_made(), made, "the kernel made no other");
    assert_eq!(is("is-enabled").trim(), "disabled");
    let mine = || fs::read_to_string(settings).is_ok_and(|text| text.ends_with("# mine\n"));
    assert!(mine(), "a file that was edited stays");
    let device = &before.first().unwrap().device;
    let offered = shell(
        "_CLAP_IFS=' ' _CLAP_COMPLETE_INDEX=3 NVMF_COMPLETE=bash nvmf -- nvmf disconnect -d ''",
    );
    assert!(offered.contains(device.as_str()), "{offered}");

    shell("dpkg --remove nvme-discoverd nvmf");
    assert!(!Path::new("/usr/bin/nvmf").exists() && world.pid().is_none());
    assert_eq!(world.controllers(), before, "a removal disconnects nothing");
    assert!(mine(), "a removal leaves the configuration");
    shell("dpkg -i /host/packages/new/*.deb");
    world.start();
    world.wait_connected(target.nqns(), SOON);
    assert_eq!(world.controllers(), before);

    shell("dpkg --purge nvme-discoverd nvmf");
    assert!(!Path::new(settings).exists() && !Path::new("/run/nvme-discoverd").exists());
    assert_eq!(fs::read_to_string("/etc/nvme/hostnqn").unwrap(), name);
    shell("! find /etc/systemd /usr/lib/systemd /var/lib/systemd -name '*discoverd*' | grep .");
}
