//! How entries go.

use nvmf_types::{AttrName, DeviceName};

use super::look::Look;
use super::{Kind, again, done, look};
use crate::registry::steps::{Step, Steps};
use crate::registry::{Reaped, RegistryErrorKind};

/// Removes the entry of a controller that the kernel removed, and no other one.
pub(in crate::registry) fn reap<S: Steps>(
    steps: &S,
    device: &DeviceName,
    removed: Option<u64>,
) -> Kind<Reaped> {
    // Most controllers have none, and udev asks about many at once: nobody waits for the lock then.
    // One that is being made now is looked at again by who makes it.
    if look(steps, device)?.is_none() {
        return Ok(Reaped::NoEntry);
    }
    let Some(_lock) = steps.lock_existing()? else {
        return Ok(Reaped::NoEntry);
    };
    again(|| {
        // The verdict is on the open directory: an entry that is put into its place afterwards is
        // not touched.
        let Some(found) = look(steps, device)? else {
            return Ok(Some(Reaped::NoEntry));
        };
        let current = steps.current(device)?;
        if found.is_live(current) && !is_about_removed(&found, removed) {
            return Ok(Some(Reaped::Kept));
        }
        Ok(done(found.clear(steps, device)?, Reaped::Removed))
    })
}

/// Whether an entry that could be about the controller that there is says that it is older. Only
/// one without a stamp can: it was written before the removal if its number is the smaller one.
fn is_about_removed<S: Steps>(found: &Look<S>, removed: Option<u64>) -> bool {
    !found.is_stamped()
        && matches!((found.seqnum(), removed), (Some(written), Some(removed)) if written < removed)
}

/// Removes an entry about a controller that is gone. The lock is held.
pub(in crate::registry) fn remove_if_stale<S: Steps>(steps: &S, device: &DeviceName) -> Kind<bool> {
    let Some(found) = look(steps, device)? else {
        return Ok(false);
    };
    if found.is_live(steps.current(device)?) {
        return Ok(false);
    }
    Ok(found.clear(steps, device)? == Step::Done)
}

/// Removes an entry, whatever it is about.
pub(in crate::registry) fn delete<S: Steps>(steps: &S, device: &DeviceName) -> Kind<()> {
    let none = || RegistryErrorKind::NoSuchEntry(device.clone());
    let _lock = steps.lock_existing()?.ok_or_else(none)?;
    // As a whole: a reader never sees half of it.
    let hidden = steps.hide(device)?.ok_or_else(none)?;
    steps.destroy(hidden);
    Ok(())
}

/// Removes an attribute of a live entry.
pub(in crate::registry) fn remove<S: Steps>(
    steps: &S,
    device: &DeviceName,
    attribute: &AttrName,
) -> Kind<()> {
    let none = || RegistryErrorKind::NoSuchAttribute(attribute.clone());
    let _lock = steps.lock_existing()?.ok_or_else(none)?;
    again(|| {
        let current = steps.current(device)?;
        let found = look(steps, device)?.filter(|found| found.is_live(current));
        let found = found.ok_or_else(none)?;
        if !steps.unlink(&found.entry, attribute.as_str())? {
            return match found.is_still_in_place(steps, device)? {
                Step::Done => Err(none()),
                Step::Overtaken => Ok(None),
            };
        }
        Ok(done(found.is_still_in_place(steps, device)?, ()))
    })
}
