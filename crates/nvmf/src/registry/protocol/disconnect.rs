//! Disconnecting only what its owner allows.

use nvmf_types::{DeviceName, Owner};

use super::{Kind, owner_of};
use crate::registry::steps::Steps;

/// What became of a controller that was to be disconnected if its owner allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked<T, O> {
    /// It may go, and this came of it.
    Goes(T),
    /// It stays for its owner's sake.
    Stays(Option<O>),
    /// It looks like nobody's, but somebody is about to register it.
    UnderWay,
}

/// Asks who owns the incarnation `sysfs_ino` of `device` now, and calls `delete`, which must be
/// able to hit no other one, if such an owner `goes`. What is nobody's stays if it `is_under_way`:
/// the controller may be one that an owner has just connected.
pub(in crate::registry) fn delete_if<S: Steps, T>(
    steps: &S,
    device: &DeviceName,
    sysfs_ino: u64,
    goes: impl FnOnce(Option<&Owner>) -> bool,
    is_under_way: impl FnOnce() -> rustix::io::Result<bool>,
    delete: impl FnOnce() -> T,
) -> Kind<Asked<T, Owner>> {
    // In this order: the entry of what is not under way any more is there.
    let under_way = is_under_way()?;
    let owner = owner_of(steps, device, sysfs_ino)?;
    Ok(match goes(owner.as_ref()) {
        false => Asked::Stays(owner),
        true if under_way && owner.is_none() => Asked::UnderWay,
        true => Asked::Goes(delete()),
    })
}
