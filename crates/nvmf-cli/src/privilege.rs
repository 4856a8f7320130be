//! Who may change things.

use anyhow::bail;

/// Fails unless the process runs as root.
pub(crate) fn require_root() -> anyhow::Result<()> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    bail!("must be root: try again with sudo")
}
