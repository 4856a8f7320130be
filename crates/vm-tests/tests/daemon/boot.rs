//! What the firmware names, and what a boot waits for.

use std::fs;
use std::path::Path;

use nvmf_testkit::host::block_device;
use nvmf_testkit::nbft::{address, encode, plain};
use nvmf_testkit::target::{AllowedHost, Target};
use nvmf_testkit::{LATER, OrFail, SOON, World, stage};

const HOST_NQN: &str = "nqn.2026-11.table:host";
const HOST_ID: &str = "7c0f5f2e-31e4-4a6d-8f77-0f8f4f0d9c11";
const TABLES: &str = "/sys/firmware/acpi/tables";

/// Puts a table where the firmware's are, until the world ends.
fn firmware(world: &World, table: &[u8]) {
    let folder = "/run/nvmf-test.tables";
    fs::create_dir_all(folder).or_fail("make a folder");
    fs::write(Path::new(folder).join("NBFT"), table).or_fail("write the table");
    world
        .run("mount", &["--bind", folder, TABLES])
        .expect_success();
    world.on_end("the firmware's own tables", move || {
        // The daemon may be reading them.
        let script = format!("umount --lazy {TABLES}; rm -r {folder}");
        drop(
            std::process::Command::new("sh")
                .args(["-c", &script])
                .output(),
        );
    });
}

#[test]
fn what_a_boot_table_names_is_taken_over_and_kept_connected() {
    let world = World::new("what_a_boot_table_names_is_taken_over_and_kept_connected");
    let nqns = ["nqn.2026-11.table:1", "nqn.2026-11.table:2"];
    let target = Target::tcp("192.0.2.1", 4420)
        .subsystem(nqns[0])
        .subsystem(nqns[1]);
    for nqn in nqns {
        target.allow(nqn, &AllowedHost::new(HOST_NQN));
    }
    let mac = fs::read_to_string("/sys/class/net/nvmf0/address").or_fail("read the MAC");
    let mut table = plain(HOST_NQN, HOST_ID, nqns[0]);
    table.hfis[0].ip_address = address("192.0.2.1");
    table.hfis[0].mac = mac.trim().parse().or_fail("parse the MAC");
    table.subsystems[0].traddr = address("192.0.2.1");
    let mut second = table.subsystems[0].clone();
    (second.index, second.nqn) = (2, nqns[1].parse().or_fail("write an NQN"));
    table.subsystems.push(second);
    firmware(&world, &encode(&table));
    // As dracut's own module leaves it: connected, and nobody's.
    let by_dracut = [
        "connect",
        "--transport=tcp",
        "--traddr=192.0.2.1",
        "--trsvcid=4420",
        "--host-traddr=192.0.2.1",
        "--host-iface=nvmf0",
        &format!("--hostnqn={HOST_NQN}"),
        &format!("--hostid={HOST_ID}"),
        &format!("--nqn={}", nqns[0]),
    ];
    world.run("nvme", &by_dracut).expect_success();
    let first = world.controller(nqns[0]);
    world.config("");
    world.start();
    let theirs = |nqn: &str| {
        let all = world.controllers();
        let mut of_it = all.iter().filter(|it| it.nqn == nqn);
        of_it
            .next()
            .is_some_and(|it| it.is_live() && it.is_owned_by("nbft"))
            && of_it.next().is_none()
    };
    world.wait_for("both are there, and the boot's", SOON, || {
        nqns.iter().all(|nqn| theirs(nqn))
    });
    assert_eq!(world.controller(nqns[0]).ino, first.ino, "not another one");
    world.wait_for("the status says who asks for it", SOON, || {
        let sources = world.status().connection(nqns[0], "sources");
        sources.is_some_and(|it| it.contains("boot table"))
    });
    assert_eq!(world.status().problems(), "");
    let units = ["list-units", "--no-legend", "--plain", "nvmf-nvme*.service"];
    let units = world.run("systemctl", &units).expect_success();
    assert_eq!(units, "", "nothing disconnects the boot's at shutdown");
    world.nvmf(&["disconnect-all"]).expect_success();
    assert!(
        nqns.iter().all(|nqn| theirs(nqn)),
        "{:?}",
        world.controllers()
    );

    let lost = world.controller(nqns[1]);
    lost.delete();
    world.wait_for("it is connected again", LATER, || {
        theirs(nqns[1]) && world.controller(nqns[1]).ino != lost.ino
    });
}

const NAME: &str = "waiting";
const NQN: &str = "nqn.2026-11.waiting:1";
const BACKING: &str = "/var/lib/nvmf-test.disk";
const PLACE: &str = "/srv/nvmf-test";
const TARGET: &str = "/etc/systemd/system/nvmf-test-target.service";
const SCRIPT: &str = "/var/lib/nvmf-test-target";

/// The target comes up only after the daemon has failed to reach it.
const LATE_TARGET: &str = r#"#!/bin/sh -e
until nvmf status | grep -q retrying; do sleep 0.2; done
modprobe -a nvmet nvmet-tcp
cd /sys/kernel/config/nvmet
mkdir subsystems/@NQN@
echo 1 >subsystems/@NQN@/attr_allow_any_host
mkdir subsystems/@NQN@/namespaces/1
echo @BACKING@ >subsystems/@NQN@/namespaces/1/device_path
echo 1 >subsystems/@NQN@/namespaces/1/buffered_io
echo 1 >subsystems/@NQN@/namespaces/1/enable
mkdir ports/1
echo tcp >ports/1/addr_trtype
echo ipv4 >ports/1/addr_adrfam
echo 127.0.0.1 >ports/1/addr_traddr
echo 4420 >ports/1/addr_trsvcid
ln -s $PWD/subsystems/@NQN@ ports/1/subsystems/
"#;

const TARGET_UNIT: &str = "[Unit]\nAfter=local-fs.target sys-kernel-config.mount\n\
     DefaultDependencies=no\n[Service]\nType=oneshot\nRemainAfterExit=yes\nTimeoutStartSec=90\n\
     ExecStart=@SCRIPT@\n[Install]\nWantedBy=multi-user.target\n";

#[test]
fn a_boot_that_waits_for_a_target_that_comes_late_mounts_what_is_on_it() {
    if stage::current() == 0 {
        reboot_with_a_late_target();
    }
    let world = World::as_it_is(NAME);
    world.on_end("nothing of this boot", || {
        let script = format!(
            "umount {PLACE}; systemctl disable --now nvme-discoverd nvme-discoverd-wait nvmf-test-target; \
             rm -f {TARGET} {SCRIPT} {BACKING}; sed -i '/LABEL=nvmf-test/d' /etc/fstab; \
             systemctl daemon-reload"
        );
        drop(std::process::Command::new("sh").args(["-c", &script]).output());
    });
    let property = |unit: &str, name: &str| {
        let shown = world.run("systemctl", &["show", "--value", "-p", name, unit]);
        shown.expect_success().trim().to_owned()
    };
    world.wait_for("the boot has mounted it", LATER, || {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        mounts
            .lines()
            .any(|line| line.contains(&format!(" {PLACE} ")))
    });
    let wait = "nvme-discoverd-wait.service";
    assert_eq!(property(wait, "ActiveState"), "active");
    let at = |unit: &str, name: &str| -> u64 {
        let moment = property(unit, &format!("{name}TimestampMonotonic"));
        moment
            .parse()
            .or_fail(format_args!("read when {unit} was {name}"))
    };
    let ready = at("nvme-discoverd.service", "ActiveEnter");
    let there = at("nvmf-test-target.service", "ActiveEnter");
    let waited = at(wait, "ActiveEnter");
    let before = at("remote-fs-pre.target", "ActiveEnter");
    assert!(ready < there, "the daemon waits for no target");
    assert!(there <= waited, "whoever waits does: {there} {waited}");
    assert!(waited <= before, "so do the mounts: {waited} {before}");
    let controller = world.controller(NQN);
    assert!(controller.is_owned_by("discoverd"), "{controller}");
    assert_eq!(world.status().problems(), "");
}

fn reboot_with_a_late_target() -> ! {
    let world = World::new(NAME);
    let fill = |text: &str| {
        let text = text.replace("@NQN@", NQN).replace("@BACKING@", BACKING);
        text.replace("@SCRIPT@", SCRIPT)
    };
    fs::write(SCRIPT, fill(LATE_TARGET)).or_fail("write the script");
    fs::write(TARGET, fill(TARGET_UNIT)).or_fail("write the unit");
    fs::create_dir_all(PLACE).or_fail("make a place to mount");
    for (program, arguments) in [
        ("chmod", &["755", SCRIPT][..]),
        ("truncate", &["-s", "32M", BACKING]),
        (
            "mkfs.ext4",
            &["-q", "-b", "4096", "-L", "nvmf-test", BACKING],
        ),
        (
            "sh",
            &[
                "-c",
                "echo LABEL=nvmf-test /srv/nvmf-test ext4 _netdev 0 0 >>/etc/fstab",
            ],
        ),
        (
            "systemctl",
            &[
                "enable",
                "nvme-discoverd",
                "nvme-discoverd-wait",
                "nvmf-test-target",
            ],
        ),
    ] {
        world.run(program, arguments).expect_success();
    }
    assert_eq!(block_device(NQN), None);
    world.config(&format!(
        "[Subsystem]\nnqn = {NQN}\ncontroller = transport=tcp;traddr=127.0.0.1;trsvcid=4420\n"
    ));
    world.keep();
    stage::end_with(NAME, "reboot");
}
