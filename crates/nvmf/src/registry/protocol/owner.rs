//! Reading, without the lock.

use nvmf_types::{DeviceName, Owner};

use super::{Kind, again};
use crate::registry::stamp::{self, OWNER, SYSFS_INO};
use crate::registry::steps::Steps;
use crate::registry::text::believed_owner;

/// Who owns the controller that has the name `device` now.
pub(in crate::registry) fn owner<S: Steps>(steps: &S, device: &DeviceName) -> Kind<Option<Owner>> {
    let text = attribute(steps, device, OWNER)?;
    Ok(text.as_deref().and_then(believed_owner))
}

/// Who owns the incarnation `sysfs_ino` of `device`: nobody, if the entry is about another one.
pub(in crate::registry) fn owner_of<S: Steps>(
    steps: &S,
    device: &DeviceName,
    sysfs_ino: u64,
) -> Kind<Option<Owner>> {
    let read = stable(steps, device, |entry| {
        Ok((steps.read(entry, SYSFS_INO)?, steps.read(entry, OWNER)?))
    })?;
    let Some((stamp, Some(text))) = read else {
        return Ok(None);
    };
    let live = match stamp {
        Some(stamp) => stamp::is_live(Some(&stamp), Some(sysfs_ino)),
        None => steps.current(device)? == Some(sysfs_ino),
    };
    Ok(believed_owner(&text).filter(|_| live))
}

/// An attribute of the controller that has the name `device` now.
///
/// Each file is read by name, so between them the entry may have been replaced. That does no harm
/// in this order: if the stamp is the one of the controller that is there afterwards, the entry
/// cannot have been replaced by one about another controller.
pub(in crate::registry) fn attribute<S: Steps>(
    steps: &S,
    device: &DeviceName,
    name: &str,
) -> Kind<Option<String>> {
    let Some(stamp) = steps.read_in_place(device, SYSFS_INO)? else {
        return unstamped(steps, device, name);
    };
    let Some(value) = steps.read_in_place(device, name)? else {
        return Ok(None);
    };
    let live = stamp::is_live(Some(&stamp), steps.current(device)?);
    Ok(Some(value).filter(|_| live))
}

/// There is no entry, or another tool's: then what is read must be of one and the same.
fn unstamped<S: Steps>(steps: &S, device: &DeviceName, name: &str) -> Kind<Option<String>> {
    let read = stable(steps, device, |entry| {
        Ok((steps.read(entry, SYSFS_INO)?, steps.read(entry, name)?))
    })?;
    let Some((stamp, Some(value))) = read else {
        return Ok(None);
    };
    let live = stamp::is_live(stamp.as_deref(), steps.current(device)?);
    Ok(Some(value).filter(|_| live))
}

/// Reads from an entry's directory. It is renamed away before anything but a stale entry is
/// removed, so if it is still in place afterwards, what was read belongs together.
pub(in crate::registry) fn stable<S: Steps, T>(
    steps: &S,
    device: &DeviceName,
    read: impl Fn(&S::Entry) -> rustix::io::Result<T>,
) -> Kind<Option<T>> {
    again(|| {
        let Some(entry) = steps.open(device)? else {
            return Ok(Some(None));
        };
        let found = read(&entry)?;
        let in_place = steps.inode_in_place(device)? == Some(steps.inode(&entry));
        Ok(in_place.then_some(Some(found)))
    })
}
