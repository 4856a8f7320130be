//! Tests that go on after a reboot.
//!
//! The runner starts such a test again after the boot, with the next stage's number; see
//! `xtask/src/runner.rs` for the other side.

use std::env;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::files::{OrFail, make_dir, put};

const INITRAMFS: &str = r#"
b=/bin/busybox
nvmf() {
    /root/lib64/ld-linux-x86-64.so.2 --library-path /root/lib/x86_64-linux-gnu \
        /root/usr/bin/nvmf "$@"
}
"#;

/// The stage this run is: 0 at first.
#[must_use]
pub fn current() -> u32 {
    env::var("NVMF_VM_STAGE")
        .ok()
        .and_then(|stage| stage.parse().ok())
        .unwrap_or(0)
}

/// Ends this stage with `systemctl reboot` or `poweroff`; does not come back.
///
/// `name` names the console log of this boot for [`going_down`].
pub fn end_with(name: &str, verb: &str) -> ! {
    crate::host::assert_guest();
    put(
        share().join("stage").join(name),
        format!("{}\n", current() + 1),
    );
    put("/dev/kmsg", format!("{}\n", mark(name, current())));
    let status = Command::new("systemctl")
        .arg(verb)
        .status()
        .or_fail("run systemctl");
    // It may be ended by what it has asked for before it can say so.
    let ended = status.success() || status.signal().is_some();
    assert!(ended, "systemctl {verb}: {status}");
    loop {
        thread::park();
    }
}

/// Has the next boot run a script of busybox's `sh`, `$b` being busybox, in the initramfs: there is
/// no udev and no systemd, the system's disk is mounted at `/root`, and nothing else but `/dev`.
/// `nvmf` is the installed program with the libraries of the disk.
pub fn in_next_initramfs(script: &str) {
    put(share().join("initramfs"), format!("{INITRAMFS}{script}"));
}

/// Has the next boot use another initramfs, which has to mount `/dev/vda` and leave `/host` to the
/// system, and a firmware that has one more ACPI table.
pub fn next_boot(initramfs: &Path, acpi_table: &[u8]) {
    let folder = share().join("next-boot");
    make_dir(&folder);
    fs::copy(initramfs, folder.join("initrd")).or_fail("copy the initramfs");
    put(folder.join("acpi-table"), acpi_table);
}

/// What the script of [`in_next_initramfs`] said.
#[must_use]
pub fn initramfs_said() -> String {
    let path = share().join("initramfs.log");
    fs::read_to_string(&path).or_fail(format_args!("read `{}`", path.display()))
}

/// What the console said from [`end_with`] of `stage` on, until the machine was off.
#[must_use]
pub fn going_down(name: &str, stage: u32) -> String {
    let path = share().join("console").join(format!("{name}.{stage}.log"));
    let log = fs::read(&path).or_fail(format_args!("read `{}`", path.display()));
    let log = String::from_utf8_lossy(&log);
    let (_, rest) = log
        .split_once(&mark(name, stage))
        .unwrap_or_else(|| panic!("no end of stage {stage} in\n{log}"));
    rest.to_owned()
}

fn mark(name: &str, stage: u32) -> String {
    format!("nvmf-test: {name}: stage {stage} ends")
}

fn share() -> PathBuf {
    env::var_os("NVMF_VM_SHARE").map_or_else(|| "/host".into(), PathBuf::from)
}
