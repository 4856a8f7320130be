//! An initramfs made by dracut.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use nvmf_testkit::{OrFail, World, stage};

use crate::{INITRAMFS, LOOK, is_connected_and_stays, reboot, script, target};

const NAME: &str = "nbft-dracut";
const MODULE: &str = "/usr/lib/dracut/modules.d/99nvmf-test";

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

#[test]
fn what_the_firmware_names_is_connected_in_the_initramfs_and_stays() {
    if stage::current() == 0 {
        reboot_with_a_boot_table();
    }
    let world = World::as_it_is(NAME);
    world.on_end("the files of the test", || {
        let _ = fs::remove_file(DHCP_CLIENT);
        let _ = fs::remove_dir_all(MODULE);
    });
    is_connected_and_stays(&world);
}

fn reboot_with_a_boot_table() -> ! {
    let world = World::new(NAME);
    for (name, text) in [
        ("module-setup.sh", MODULE_SETUP),
        ("cmdline.sh", CMDLINE),
        ("finished.sh", FINISHED),
        ("look.sh", LOOK),
        ("target.sh", &target()),
    ] {
        script(&Path::new(MODULE).join(name), text);
    }
    symlink("/bin/true", DHCP_CLIENT).or_fail("put a DHCP client there");
    let options = ["--force", "--no-hostonly", "--no-compress", "--modules"];
    let modules = "base rootfs-block fs-lib udev-rules network-legacy nvmf-test";
    let options = [&options[..], &[modules, INITRAMFS]].concat();
    let said = world.run("dracut", &options).expect_success();
    world.note(said);
    reboot(world, NAME);
}
