//! An initramfs made by initramfs-tools.

use std::fs;
use std::path::Path;

use nvmf_testkit::{World, stage};

use crate::{INITRAMFS, LOOK, is_connected_and_stays, reboot, script, target};

const NAME: &str = "nbft-initramfs-tools";

/// Instead of `/etc/initramfs-tools`. What the package brings is taken from where it is.
const CONFIGURATION: &str = "/run/nvmf-test.initramfs-tools";

const SETTINGS: &str =
    "MODULES=list\nBUSYBOX=y\nKEYMAP=n\nCOMPRESS=gzip\nCOMPRESSLEVEL=1\nBOOT=local\nRUNSIZE=10%\n";

/// There is no table yet; and the target's script sets up the network.
const ASKED_FOR: &str = "NVMF_BOOT=y\nIP=off\n";

const MODULES: &str = "virtio_pci\nvirtio_blk\next4\ncrc32c_generic\nnvmet\nnvmet_tcp\nveth\n";

const HOOK: &str = r#"#!/bin/sh
[ "$1" = prereqs ] && exit 0
. /usr/share/initramfs-tools/hook-functions
copy_exec "$(command -v ip)" /usr/bin/real-ip
copy_file script /run/nvmf-test.initramfs-tools/target.sh /nvmf-test-target
"#;

/// Runs beside `nvmf-boot`, whose first attempt has failed when it says so.
const BESIDE: &str = r#"#!/bin/sh
[ "$1" = prereqs ] && exit 0
{
    tries=0
    until [ -s /run/nvmf-boot.tried ] || [ "$tries" = 600 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    sh /nvmf-test-target
} &
"#;

#[test]
fn what_the_firmware_names_is_connected_in_the_initramfs_and_stays() {
    if stage::current() == 0 {
        reboot_with_a_boot_table();
    }
    is_connected_and_stays(&World::as_it_is(NAME));
}

fn reboot_with_a_boot_table() -> ! {
    let world = World::new(NAME);
    let look = format!("#!/bin/sh\n[ \"$1\" = prereqs ] && exit 0\n{LOOK}");
    // the shell there would take its own `ip`, which knows no network namespaces
    let target = target().replace("\nip ", "\nreal-ip ");
    for (name, text) in [
        ("hooks/nvmf-test", HOOK),
        ("scripts/local-top/a-nvmf-test", BESIDE),
        ("scripts/local-bottom/nvmf-test", &look),
        ("target.sh", &target),
        ("initramfs.conf", SETTINGS),
        ("modules", MODULES),
        ("conf.d/nvmf-test", ASKED_FOR),
    ] {
        script(&Path::new(CONFIGURATION).join(name), text);
    }
    world.on_end("the configuration", || {
        let _ = fs::remove_dir_all(CONFIGURATION);
    });
    let options = ["-d", CONFIGURATION, "-o", INITRAMFS];
    let said = world.run("mkinitramfs", &options).expect_success();
    world.note(said);
    reboot(world, NAME);
}
