//! What both commands say alike.

use nvmf_types::{DeviceName, Owner};

/// Of a target that the kernel is at when the user wants to stop.
pub(crate) const IN_THE_KERNEL: &str = "stopping, but the kernel is connecting this one and cannot be interrupted: that takes a minute at most";

/// Of a discovery controller that is another owner's.
pub(crate) fn skipped(device: &DeviceName, owner: &Owner) -> String {
    format!(
        "{device} is owned by {owner}, skipped: --owner {owner} asks it, --no-reuse connects another one"
    )
}
