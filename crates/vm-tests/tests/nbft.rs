//! What the firmware's boot table names is connected in an initramfs made by dracut, and left alone
//! by the system.
//!
//! The target is in the same machine, in a network namespace of its own. It comes up only after
//! the first attempt has failed, and lets in only the host that the table names.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use nvmf_testkit::nbft::{address, encode, plain};
use nvmf_testkit::target::{AllowedHost, Target};
use nvmf_testkit::{OrFail, SOON, World, registry, stage};

const NAME: &str = "nbft";
const NQN: &str = "nqn.2026-11.boot:root";
const HOST_NQN: &str = "nqn.2026-11.boot:host-of-the-table";
const HOST_ID: &str = "6f1c1f6e-6a0d-4a5b-9f60-0b1f6a2d3c4e";
const INITRAMFS: &str = "/run/nvmf-test.img";
const MODULE: &str = "/usr/lib/dracut/modules.d/99nvmf-test";
const MOUNT: &str = "/etc/systemd/system/host.mount";

/// Without it dracut would take systemd into the initramfs, which takes minutes under emulation.
const DHCP_CLIENT: &str = "/usr/sbin/dhclient";

const MODULE_SETUP: &str = r#"#!/bin/bash
check() { return 255; }
depends() { echo nvmf-boot; }
installkernel() { hostonly='' instmods virtio_pci virtio_blk ext4 crc32c_generic nvmet nvmet_tcp veth; }
install() {
    inst_multiple ip mkdir ln truncate stat cat
    inst_script "$moddir/target.sh" /sbin/nvmf-test-target
    inst_hook cmdline 99 "$moddir/cmdline.sh"
    inst_hook initqueue/finished 99 "$moddir/finished.sh"
    inst_hook pre-pivot 99 "$moddir/look.sh"
}
"#;

/// `zz`: after `nvmf-boot`, whose first attempt therefore fails.
const CMDLINE: &str =
    "/sbin/initqueue --settled --onetime --name zz-target /sbin/nvmf-test-target\n";

/// As if the root file system were there.
const FINISHED: &str = "[ -b /dev/nvme0n1 ]\n";

const LOOK: &str = r#"
{
    echo controller $(stat -Lc %i /sys/class/nvme/nvme0)
    echo entry $(stat -c %i /run/nvme/registry/nvme0)
    echo owner $(cat /run/nvme/registry/nvme0/owner)
    cat /run/nvmf-test.first
} >/run/nvmf-test.look
"#;

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

#[test]
fn what_the_firmware_names_is_connected_in_the_initramfs_and_stays() {
    if stage::current() == 0 {
        reboot_with_a_boot_table();
    }
    let world = World::as_it_is(NAME);
    world.on_end("the files of the test", || {
        let _ = fs::remove_file(MOUNT);
        let _ = fs::remove_file(DHCP_CLIENT);
        let _ = fs::remove_dir_all(MODULE);
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

    shown(&world);
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

fn reboot_with_a_boot_table() -> ! {
    let world = World::new(NAME);
    fs::create_dir_all(MODULE).or_fail("make the module's folder");
    let target = TARGET.replace("@HOST_NQN@", HOST_NQN).replace("@NQN@", NQN);
    for (name, text) in [
        ("module-setup.sh", MODULE_SETUP),
        ("cmdline.sh", CMDLINE),
        ("finished.sh", FINISHED),
        ("look.sh", LOOK),
        ("target.sh", &target),
    ] {
        let path = Path::new(MODULE).join(name);
        fs::write(&path, text).or_fail("write the module");
        fs::set_permissions(&path, Permissions::from_mode(0o755)).or_fail("make it executable");
    }
    fs::write(MOUNT, MOUNT_UNIT).or_fail("write the unit");
    symlink("/bin/true", DHCP_CLIENT).or_fail("put a DHCP client there");
    let options = ["--force", "--no-hostonly", "--no-compress", "--modules"];
    let modules = "base rootfs-block fs-lib udev-rules network-legacy nvmf-test";
    let options = [&options[..], &[modules, INITRAMFS]].concat();
    let said = world.run("dracut", &options).expect_success();
    world.note(said);
    stage::next_boot(
        Path::new(INITRAMFS),
        &encode(&plain(HOST_NQN, HOST_ID, NQN)),
    );
    world.keep();
    stage::end_with(NAME, "reboot");
}
