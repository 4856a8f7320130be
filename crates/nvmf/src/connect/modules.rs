//! Kernel modules.

use std::process::{Command, Stdio};

use crate::Root;

/// Whether the module is there, after loading it where that is possible.
pub(super) fn provide(root: &Root, module: &'static str) -> bool {
    root.sys()
        .join("module")
        .join(module.replace('-', "_"))
        .exists()
        || (root.is_system() && modprobe(module))
}

/// Success also means: built into the kernel.
fn modprobe(module: &str) -> bool {
    // A service's or a user's PATH may lack the directories of the administrator.
    ["modprobe", "/usr/sbin/modprobe", "/sbin/modprobe"]
        .into_iter()
        .any(|program| {
            Command::new(program)
                .args(["-q", "--", module])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        })
}
