//! What was connected in the initramfs, for the root file system or from a firmware table, is found
//! by the system as it was left.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::time::Duration;

use nvmf_testkit::{LATER, SOON, World, registry, stage};

const NAME: &str = "boot_entry";
const NQN: &str = "nqn.2026-11.boot:1";
const UNIT: &str = "nvme-discoverd.service";

/// Each line of `key value` that this says is looked at after the boot.
const INITRAMFS: &str = r#"
$b mkdir -p /proc /run /sys
$b mount -t proc none /proc
$b mount -t sysfs none /sys
$b mount -t tmpfs -o mode=755 none /run
$b chroot /root modprobe -a nvmet nvme-loop
$b mount -t configfs none /sys/kernel/config
target=/sys/kernel/config/nvmet
$b mkdir $target/ports/1
echo loop >$target/ports/1/addr_trtype
for nqn in nqn.2026-11.boot:1 nqn.2026-11.boot:2; do
    $b mkdir $target/subsystems/$nqn
    echo 1 >$target/subsystems/$nqn/attr_allow_any_host
    $b ln -s $target/subsystems/$nqn $target/ports/1/subsystems/$nqn
done
hostnqn=$($b cat /root/etc/nvme/hostnqn) hostid=$($b cat /root/etc/nvme/hostid)
new() { nvmf connect -t loop -n $1 --hostnqn $hostnqn --hostid $hostid --owner $2; }
gone() { echo 1 >/sys/class/nvme/$1/delete_controller; }
inode() { $b stat -Lc %i $1; }

new nqn.2026-11.boot:1 nbft
echo controller $(inode /sys/class/nvme/nvme0)
echo entry $(inode /run/nvme/registry/nvme0)

# The number of one that went is used again, by a tool that knows of no registry.
new nqn.2026-11.boot:2 gone
gone nvme1
echo nqn=nqn.2026-11.boot:2,transport=loop,hostnqn=$hostnqn,hostid=$hostid >/dev/nvme-fabrics
echo recycled $(inode /sys/class/nvme/nvme1)
echo left $($b cat /run/nvme/registry/nvme1/owner)
nvmf registry retrieve nvme1 -a owner && echo shown yes
echo reaped $(nvmf registry reap nvme1)
[ -e /run/nvme/registry/nvme1 ] && echo stayed yes
gone nvme1
echo kept $(nvmf registry reap nvme0)

# What nobody reaps here is the system's to find.
new nqn.2026-11.boot:2 gone
gone nvme1
echo entries $($b ls /run/nvme/registry)

$b umount /sys/kernel/config /sys /proc
$b mount --move /run /root/run
"#;

#[test]
fn an_owner_given_in_the_initramfs_outlives_the_switch_to_the_system() {
    if stage::current() == 0 {
        reboot_through_the_initramfs();
    }
    let world = World::as_it_is(NAME);
    world.on_end("the daemon at boot", || enable("disable"));
    let log = stage::initramfs_said();
    let said = |key: &str| {
        let of_key = |line: &str| Some(line.strip_prefix(key)?.strip_prefix(' ')?.to_owned());
        log.lines().find_map(of_key)
    };
    let number = |key: &str| said(key).and_then(|it| it.parse::<u64>().ok());
    assert_eq!(said("left").as_deref(), Some("gone"), "{log}");
    assert_ne!(number("recycled"), None, "{log}");
    assert_eq!(said("shown"), None, "a predecessor's owner\n{log}");
    let reaped = said("reaped").unwrap_or_default();
    assert!(reaped.contains("removed"), "{log}");
    assert_eq!(said("stayed"), None, "{log}");
    assert!(said("kept").unwrap_or_default().contains("kept"), "{log}");
    assert_eq!(said("entries").as_deref(), Some("nvme0 nvme1"), "{log}");

    world.wait_for("the daemon knows it", LATER, || {
        let ready = world.pid().is_some() && world.nvmf(&["status"]).status.success();
        ready && !world.status().state(NQN).is_empty()
    });
    let as_it_was = || {
        let it = world.controller(NQN);
        let entry = registry::entry(&it.device);
        it.is_live()
            && it.device == "nvme0"
            && Some(it.ino) == number("controller")
            && registry::says("nvme0", it.ino, "nbft")
            && fs::metadata(entry).map(|it| it.ino()).ok() == number("entry")
    };
    world.stays(
        "the controller and its entry",
        Duration::from_secs(2),
        as_it_was,
    );
    world.wait_for("what was left there goes", SOON, || {
        registry::all() == ["nvme0"]
    });
    world.settle();
    assert!(as_it_was(), "{:?}", world.controllers());
    let state = world.status().state(NQN);
    assert!(["connected", "foreign"].contains(&&*state), "`{state}`");
}

fn reboot_through_the_initramfs() -> ! {
    let world = World::new(NAME);
    let section = |nqn| format!("[Subsystem]\nnqn = {nqn}\ncontroller = transport=loop\n");
    world.config(&section(NQN));
    enable("enable");
    stage::in_next_initramfs(INITRAMFS);
    world.keep();
    stage::end_with(NAME, "reboot");
}

fn enable(verb: &str) {
    let done = Command::new("systemctl").args([verb, UNIT]).output();
    let done = done.expect("run systemctl");
    assert!(done.status.success(), "{done:?}");
}
