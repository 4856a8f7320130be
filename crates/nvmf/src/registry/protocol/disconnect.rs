//! Disconnecting only what its owner allows.

use nvmf_types::{DeviceName, Owner};

use super::{Kind, owner_of};
use crate::registry::steps::Steps;

/// Asks who owns the incarnation `sysfs_ino` of `device` now, and calls `delete`, which must be
/// able to hit no other one, if such an owner `goes`. Otherwise whose it is comes back.
pub(in crate::registry) fn delete_if<S: Steps, T>(
    steps: &S,
    device: &DeviceName,
    sysfs_ino: u64,
    goes: impl FnOnce(Option<&Owner>) -> bool,
    delete: impl FnOnce() -> T,
) -> Kind<Result<T, Option<Owner>>> {
    let owner = owner_of(steps, device, sysfs_ino)?;
    Ok(match goes(owner.as_ref()) {
        true => Ok(delete()),
        false => Err(owner),
    })
}
