//! Disconnecting exactly one controller.

use nvmf::Root;
use nvmf::mounts::root_controllers;
use nvmf::registry::Registry;
use nvmf::sysfs::{Deleted, Pinned};

use crate::protocol::{Disconnect, Outcome};

/// Disconnects the controller if it is still that incarnation and still of that owner, and the running
/// system does not stand on it. What is checked is held open, so a successor of the same name cannot
/// be hit. Blocks while the kernel does.
#[must_use]
pub fn disconnect(root: &Root, call: &Disconnect) -> Outcome {
    let pinned = match Pinned::open(root, &call.device) {
        Ok(Some(pinned)) => pinned,
        Ok(None) => return Outcome::Gone,
        Err(error) => return Outcome::other(error),
    };
    if pinned.sysfs_ino() != call.sysfs_ino {
        return Outcome::OtherController;
    }
    match pinned.owner(&Registry::open(root)) {
        Ok(Some(owner)) if owner == call.owner => {}
        Ok(owner) => return Outcome::OtherOwner(owner),
        Err(error) => return Outcome::other(error),
    }
    if root_controllers(root).contains(&call.device) {
        return Outcome::HoldsRoot;
    }
    match pinned.delete() {
        Ok(Deleted::Yes) => Outcome::Disconnected,
        Ok(Deleted::AlreadyGone) => Outcome::Gone,
        Err(error) => Outcome::other(error),
    }
}
