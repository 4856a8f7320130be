//! The entry of a controller that was just connected.

use nvmf_types::{DeviceName, Owner};

use super::look::{Look, publish};
use super::{Kind, again, done, look};
use crate::registry::stamp::{self, OWNER};
use crate::registry::steps::{Attributes, Existing, Step, Steps};
use crate::registry::{Registered, RegistryErrorKind};

/// A controller that was just connected.
#[derive(Clone, Copy, Debug)]
pub(in crate::registry) struct New<'a> {
    pub(in crate::registry) device: &'a DeviceName,
    pub(in crate::registry) sysfs_ino: u64,
    /// The kernel's uevent number before the connect began, if it is known.
    pub(in crate::registry) since: Option<u64>,
}

impl New<'_> {
    /// Whether an entry under its name is about this controller, and not about a predecessor. One
    /// without a stamp is about it if it was written after the connect began.
    fn is_meant_by<S: Steps>(&self, found: &Look<S>) -> bool {
        if found.is_stamped() {
            return found.is_about(self.sysfs_ino);
        }
        matches!((found.seqnum(), self.since), (Some(written), Some(since)) if written > since)
    }
}

/// Registers a new controller with `owner` and `notes`. What a predecessor left goes; who claimed
/// this very controller meanwhile keeps it.
pub(in crate::registry) fn register<S: Steps>(
    steps: &S,
    new: New<'_>,
    owner: Option<&Owner>,
    notes: &Attributes,
) -> Kind<Registered> {
    let New {
        device, sysfs_ino, ..
    } = new;
    let has_entry = owner.is_some() || !notes.is_empty();
    let lock = match has_entry {
        true => Some(steps.lock()?),
        false => steps.lock_existing()?,
    };
    if lock.is_none() {
        return Ok(Registered::Unowned);
    }
    let gone = || RegistryErrorKind::NoSuchController(device.clone());
    if steps.current(device)? != Some(sysfs_ino) {
        return Err(gone());
    }
    let registered = again(|| match look(steps, device)? {
        Some(found) if new.is_meant_by(&found) => join(steps, new, &found, owner, notes),
        predecessors if has_entry => {
            let mut attributes = notes.clone();
            attributes.extend(stamp::of(steps, sysfs_ino));
            attributes.extend(owner.map(|owner| (OWNER.to_owned(), owner.to_string())));
            let step = publish(steps, device, &attributes, predecessors.as_ref())?;
            Ok(done(step, outcome(owner)))
        }
        Some(predecessors) => {
            let step = predecessors.clear(steps, device)?;
            Ok(done(step, Registered::Unowned))
        }
        None => Ok(Some(Registered::Unowned)),
    })?;
    // The controller may have gone before its entry came.
    if has_entry && steps.current(device)? != Some(sysfs_ino) {
        withdraw(steps, device, sysfs_ino)?;
        return Err(gone());
    }
    Ok(registered)
}

/// Adds to the entry that somebody wrote about this controller before its maker came to it.
fn join<S: Steps>(
    steps: &S,
    new: New<'_>,
    found: &Look<S>,
    owner: Option<&Owner>,
    notes: &Attributes,
) -> Kind<Option<Registered>> {
    match (found.owner(), owner) {
        (Some(other), owner) if owner != Some(other) => {
            return Ok(Some(Registered::OwnedBy(other.clone())));
        }
        (None, Some(owner)) => {
            let keep = Existing::Keep;
            if found.give_to(steps, new.device, new.sysfs_ino, owner, keep)? == Step::Overtaken {
                return Ok(None);
            }
        }
        (_, _) => {}
    }
    for (name, value) in notes {
        if steps.write(&found.entry, name, value, Existing::Replace)? == Step::Overtaken {
            return Ok(None);
        }
    }
    Ok(Some(outcome(owner)))
}

/// Takes back the entry of the incarnation `sysfs_ino`, which is gone. The lock is held.
pub(in crate::registry) fn withdraw<S: Steps>(
    steps: &S,
    device: &DeviceName,
    sysfs_ino: u64,
) -> Kind<()> {
    let found = look(steps, device)?;
    if let Some(found) = found.filter(|found| found.is_about(sysfs_ino)) {
        // Overtaken: there is a newer one, which stays.
        let _ = found.clear(steps, device)?;
    }
    Ok(())
}

const fn outcome(owner: Option<&Owner>) -> Registered {
    match owner {
        Some(_) => Registered::Owned,
        None => Registered::Unowned,
    }
}
