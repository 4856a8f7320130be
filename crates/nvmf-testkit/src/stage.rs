//! Tests that go on after a reboot.
//!
//! The runner starts such a test again after the boot, with the next stage's number; see
//! `xtask/src/runner.rs` for the other side.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use crate::files::{OrFail, put};

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
/// `name` names the console log of this boot for [`console`].
pub fn end_with(name: &str, verb: &str) -> ! {
    put(
        share().join("stage").join(name),
        format!("{}\n", current() + 1),
    );
    let status = Command::new("systemctl")
        .arg(verb)
        .status()
        .or_fail("run systemctl");
    assert!(status.success(), "systemctl {verb}: {status}");
    loop {
        thread::park();
    }
}

/// The console log of the boot that ended with `stage`.
#[must_use]
pub fn console(name: &str, stage: u32) -> String {
    let path = share().join("console").join(format!("{name}.{stage}.log"));
    let log = fs::read(&path).or_fail(format_args!("read `{}`", path.display()));
    String::from_utf8_lossy(&log).into_owned()
}

fn share() -> PathBuf {
    env::var_os("NVMF_VM_SHARE").map_or_else(|| "/host".into(), PathBuf::from)
}
