//! The machine goes down while everything is connected and in use.

use std::fs;

use nvmf_testkit::host::{DISCOVERY_NQN, block_device};
use nvmf_testkit::target::Target;
use nvmf_testkit::{SOON, World, stage};

const NAME: &str = "poweroff";
const NETWORK_UNIT: &str = "/etc/systemd/system/nvmf-test-network.service";
const NETWORK_GOES: &str = "nvmf-test-network: the network goes down";

/// Writes, and takes its time to end: what is not ordered after the unmount comes before it.
const WRITER: &str = "trap 'sleep 3; date; exit' TERM; \
                      while date; do sleep 0.1; done >/run/nvmf-mounted/written";

#[test]
fn poweroff_disconnects_before_the_network_goes() {
    if stage::current() == 0 {
        connect_mount_and_power_off();
    }
    let _ = fs::remove_file(NETWORK_UNIT);
    let console = stage::going_down(NAME, 0);
    let at = |what: &str| console.find(what);
    let last = |what: &str| console.rfind(what);
    let network = at(NETWORK_GOES).unwrap_or_else(|| panic!("no `{NETWORK_GOES}` in\n{console}"));
    let unmounted = last("unmounting filesystem").expect("the file system is unmounted");
    let removed: Vec<usize> = console
        .match_indices("Removing ctrl")
        .map(|(at, _)| at)
        .collect();
    assert_eq!(
        removed.len(),
        5,
        "each controller is disconnected once\n{console}"
    );
    assert!(
        removed.iter().all(|&it| it < network),
        "disconnected before the network goes"
    );
    let mounted = console.match_indices("Removing ctrl").find(|(at, _)| {
        console
            .get(*at..)
            .and_then(|rest| rest.lines().next())
            .is_some_and(|l| l.contains(":1\""))
    });
    let (mounted, _) = mounted.expect("the mounted subsystem is disconnected");
    assert!(
        unmounted < mounted,
        "unmounted before it is disconnected\n{console}"
    );
    assert!(
        at("reboot: Power down").is_some(),
        "the machine went off by itself\n{console}"
    );
    let waited = longest_silence(&console);
    assert!(waited < 10.0, "nothing went on for {waited} s\n{console}");
    for bad in [
        "Aborting journal",
        "I/O error",
        "blocked for more than",
        "timed out",
    ] {
        assert!(at(bad).is_none(), "`{bad}` in\n{console}");
    }
}

/// The most seconds between two lines of the kernel, by its own clock.
fn longest_silence(console: &str) -> f64 {
    let stamp = |line: &str| {
        let (stamp, _) = line.trim_start().strip_prefix('[')?.split_once(']')?;
        stamp.trim().parse::<f64>().ok()
    };
    let stamps: Vec<f64> = console.lines().filter_map(stamp).collect();
    assert!(stamps.len() > 5, "no times in\n{console}");
    let silences = stamps.windows(2).map(|pair| match pair {
        [before, after] => after - before,
        _ => 0.0,
    });
    silences.fold(0.0, f64::max)
}

fn connect_mount_and_power_off() -> ! {
    let world = World::new(NAME);
    let unit = format!(
        "[Unit]\nBefore=network.target\nWants=network.target\n[Service]\nType=oneshot\n\
         RemainAfterExit=yes\nExecStart=/bin/true\n\
         ExecStop=/bin/sh -c 'echo \"{NETWORK_GOES}\" >/dev/kmsg'\n"
    );
    fs::write(NETWORK_UNIT, unit).expect("a unit of the network");
    world.run("systemctl", &["daemon-reload"]).expect_success();
    world
        .run("systemctl", &["start", "nvmf-test-network.service"])
        .expect_success();
    let target = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.poweroff:", 4);
    world.config(&target.as_discovery_controller());
    world.start();
    world.wait_connected(target.nqns(), SOON);
    world.wait_connected(&[DISCOVERY_NQN], SOON);
    let nqn = "nqn.2026-11.poweroff:1";
    world.wait_for("its namespace is there", SOON, || {
        block_device(nqn).is_some()
    });
    let device = block_device(nqn)
        .expect("its namespace")
        .to_string_lossy()
        .into_owned();
    world.run("mkfs.ext4", &["-q", &device]).expect_success();
    fs::create_dir_all("/run/nvmf-mounted").expect("a place to mount");
    world
        .run("mount", &["-o", "_netdev", &device, "/run/nvmf-mounted"])
        .expect_success();
    world
        .run(
            "systemd-run",
            &[
                "-p",
                "RequiresMountsFor=/run/nvmf-mounted",
                "sh",
                "-c",
                WRITER,
            ],
        )
        .expect_success();
    let units = || {
        let list = [
            "list-units",
            "--no-legend",
            "--plain",
            "--state=active",
            "nvmf-nvme*.service",
        ];
        world.run("systemctl", &list).stdout.lines().count()
    };
    world.wait_for("each controller has its unit", SOON, || units() == 5);
    stage::end_with(NAME, "poweroff");
}
