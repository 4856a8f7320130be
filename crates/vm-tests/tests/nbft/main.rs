//! What the firmware's boot table names is connected in an initramfs, and left alone by the system.
//!
//! The target is in the same machine, in a network namespace of its own. It comes up only after
//! the first attempt has failed, and lets in only the host that the table names.

mod dracut;
mod initramfs_tools;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use nvmf_testkit::nbft::{address, encode, plain};
use nvmf_testkit::target::{AllowedHost, Target};
use nvmf_testkit::{OrFail, SOON, World, registry, stage};

const NQN: &str = "nqn.2026-11.boot:root";
const HOST_NQN: &str = "nqn.2026-11.boot:host-of-the-table";
const HOST_ID: &str = "6f1c1f6e-6a0d-4a5b-9f60-0b1f6a2d3c4e";
const INITRAMFS: &str = "/run/nvmf-test.img";
const MOUNT: &str = "/etc/systemd/system/host.mount";

/// What the last script of the initramfs runs.
const LOOK: &str = r#"
{
    echo controller $(stat -Lc %i /sys/class/nvme/nvme0)
    echo entry $(stat -c %i /run/nvme/registry/nvme0)
    echo owner $(cat /run/nvme/registry/nvme0/owner)
    cat /run/nvmf-test.first
} >/run/nvmf-test.look
"#;

/// Brings the target up, after the first attempt.
const TARGET: &str = r#"#!/bin/sh
{
    echo first-attempt $(cat /run/nvmf-boot.tried)
} >/run/nvmf-test.first
modprobe -a nvmet nvmet-tcp veth
ip netns add target
ip link add nvmf1 address 52:54:00:12:34:56 type veth peer name nvmf1 netns target
ip address add 198.51.100.2/24 dev nvmf1
ip link set nvmf1 up
ip -n target address add 198.51.100.1/24 dev nvmf1
ip -n target link set nvmf1 up
# not below /sys, which is another one in the namespace
mkdir /run/nvmf-test
mount -t configfs none /run/nvmf-test
cd /run/nvmf-test/nvmet
mkdir hosts/@HOST_NQN@ subsystems/@NQN@ ports/1
ln -s $PWD/hosts/@HOST_NQN@ subsystems/@NQN@/allowed_hosts/
truncate -s 16M /run/nvmf-test.disk
mkdir subsystems/@NQN@/namespaces/1
echo /run/nvmf-test.disk >subsystems/@NQN@/namespaces/1/device_path
echo 1 >subsystems/@NQN@/namespaces/1/buffered_io
echo 1 >subsystems/@NQN@/namespaces/1/enable
echo tcp >ports/1/addr_trtype
echo ipv4 >ports/1/addr_adrfam
echo 198.51.100.1 >ports/1/addr_traddr
echo 4420 >ports/1/addr_trsvcid
# a port listens in the namespace of who links its first subsystem
ip netns exec target ln -s $PWD/subsystems/@NQN@ ports/1/subsystems/
"#;

const MOUNT_UNIT: &str = "[Mount]
What=host
Where=/host
Type=9p
Options=trans=virtio,version=9p2000.L,msize=262144,cache=mmap
";

/// The text of the target's script.
fn target() -> String {
    TARGET.replace("@HOST_NQN@", HOST_NQN).replace("@NQN@", NQN)
}

/// A file that may be run.
fn script(path: &Path, text: &str) {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).or_fail("make the script's folder");
    }
    fs::write(path, text).or_fail("write the script");
    fs::set_permissions(path, Permissions::from_mode(0o755)).or_fail("make it executable");
}

/// Boots [`INITRAMFS`] on a firmware that has a boot table.
fn reboot(world: World, name: &str) -> ! {
    fs::write(MOUNT, MOUNT_UNIT).or_fail("write the unit");
    let table = encode(&plain(HOST_NQN, HOST_ID, NQN));
    stage::next_boot(Path::new(INITRAMFS), &table);
    world.keep();
    stage::end_with(name, "reboot");
}

/// The controller of the initramfs is there, is `nbft`'s, and nothing that is done on the system
/// disconnects it.
fn is_connected_and_stays(world: &World) {
    world.on_end("the unit of the test", || {
        let _ = fs::remove_file(MOUNT);
    });
    let look = fs::read_to_string("/run/nvmf-test.look").or_fail("read what the initramfs saw");
    let said = |key: &str| {
        let of_key = |line: &str| Some(line.strip_prefix(key)?.strip_prefix(' ')?.to_owned());
        look.lines().find_map(of_key)
    };
    assert_eq!(said("owner").as_deref(), Some("nbft"), "{look}");
    let first = said("first-attempt").unwrap_or_default();
    assert!(
        first.contains("198.51.100.1"),
        "it failed, and was tried again\n{look}"
    );

    let ino: u64 = said("controller")
        .and_then(|it| it.parse().ok())
        .or_fail("see a controller");
    let as_it_was = || {
        let it = world.controller(NQN);
        it.is_live() && it.ino == ino && registry::says(&it.device, ino, "nbft")
    };
    assert!(as_it_was(), "{:?}\n{look}", world.controllers());
    let address = fs::read_to_string("/sys/class/nvme/nvme0/address").or_fail("read its address");
    assert!(
        address.contains("host_traddr=198.51.100.2,host_iface=nvmf1"),
        "{address}"
    );

    shown(world);
    world.start();
    world.nvmf(&["disconnect-all"]).expect_success();
    world.nvmf(&["connect-all", "--nbft"]).expect_success();
    world.stays(
        "the controller and its entry",
        Duration::from_secs(2),
        as_it_was,
    );
    world.stop();
    assert!(as_it_was(), "{:?}", world.controllers());
    world.nvmf(&["disconnect", "-n", NQN]).expect_success();
    world.wait_for("the entry goes with it", SOON, || {
        registry::all().is_empty()
    });
}

#[test]
fn by_hand_from_a_file() {
    let world = World::new("by_hand_from_a_file");
    let target = Target::tcp("192.0.2.1", 4420).subsystem(NQN);
    target.allow(NQN, &AllowedHost::new(HOST_NQN));
    let mac = fs::read_to_string("/sys/class/net/nvmf0/address").or_fail("read the MAC");
    let mut table = plain(HOST_NQN, HOST_ID, NQN);
    table.hfis[0].ip_address = address("192.0.2.1");
    table.hfis[0].mac = mac.trim().parse().or_fail("parse the MAC");
    table.subsystems[0].traddr = address("192.0.2.1");
    let mut gone = table.subsystems[0].clone();
    gone.index = 2;
    gone.nqn = "nqn.2026-11.boot:gone".parse().or_fail("write an NQN");
    gone.unavailable = true;
    table.subsystems.push(gone);
    let folder = Path::new("/run/nvmf-test.nbft");
    fs::create_dir(folder).or_fail("make a folder");
    world.on_end("the table", move || {
        fs::remove_dir_all(folder).or_fail("remove it");
    });
    fs::write(folder.join("NBFT"), encode(&table)).or_fail("write the table");
    let connect = [
        "connect-all",
        "--nbft",
        "--nbft-path",
        "/run/nvmf-test.nbft",
    ];
    let said = world.nvmf(&connect).expect_success();
    assert!(said.contains("1 connected"), "{said}");
    let made = world.controller(NQN);
    assert!(made.is_live() && made.is_owned_by("nbft"), "{made}");
    assert_eq!(world.controllers().len(), 1, "not the unavailable one");
    let hostnqn = format!("/sys/class/nvme/{}/hostnqn", made.device);
    let hostnqn = fs::read_to_string(hostnqn).or_fail("read whose it is");
    assert_eq!(hostnqn.trim(), HOST_NQN);
    let again = world.nvmf(&connect).expect_success();
    assert!(again.contains("1 already connected"), "{again}");
    world.nvmf(&["disconnect", "-n", NQN]).expect_success();
}

fn shown(world: &World) {
    let text = world.nvmf(&["nbft", "show", "-o", "json"]).expect_success();
    for part in [
        r#""filename": "/sys/firmware/acpi/tables/NBFT""#,
        r#""mac_addr": "52:54:00:12:34:56""#,
        r#""subsys_nqn": "nqn.2026-11.boot:root""#,
        r#""problems": []"#,
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}
