//! Who gets a controller that nobody owns, and how it is given up.

use nvmf_types::{DeviceName, Owner};

use super::look::publish;
use super::{Kind, again, done, look, withdraw};
use crate::registry::stamp::{self, OWNER};
use crate::registry::steps::{Existing, Step, Steps};
use crate::registry::{Claim, Release};

/// Makes `owner` the owner of the incarnation `sysfs_ino` of `device`, if nobody owns it.
pub(in crate::registry) fn claim<S: Steps>(
    steps: &S,
    device: &DeviceName,
    sysfs_ino: u64,
    owner: &Owner,
) -> Kind<Claim> {
    let _lock = steps.lock()?;
    let claim = again(|| {
        if steps.current(device)? != Some(sysfs_ino) {
            return Ok(Some(Claim::NoSuchController));
        }
        let found = look(steps, device)?;
        match found {
            Some(live) if live.is_live(Some(sysfs_ino)) => match live.owner() {
                Some(mine) if mine == owner => Ok(Some(Claim::AlreadyMine)),
                Some(other) => Ok(Some(Claim::OwnedBy(other.clone()))),
                None => {
                    let step = live.give_to(steps, device, sysfs_ino, owner, Existing::Keep)?;
                    Ok(done(step, Claim::Granted))
                }
            },
            stale => {
                let mut attributes = stamp::of(steps, sysfs_ino);
                attributes.insert(OWNER.to_owned(), owner.to_string());
                let step = publish(steps, device, &attributes, stale.as_ref())?;
                Ok(done(step, Claim::Granted))
            }
        }
    })?;
    // The controller may have gone before its entry came.
    if claim == Claim::Granted && steps.current(device)? != Some(sysfs_ino) {
        withdraw(steps, device, sysfs_ino)?;
        return Ok(Claim::NoSuchController);
    }
    Ok(claim)
}

/// Makes a controller nobody's if it is `owner`'s; its notes stay.
pub(in crate::registry) fn release<S: Steps>(
    steps: &S,
    device: &DeviceName,
    owner: &Owner,
) -> Kind<Release> {
    let Some(_lock) = steps.lock_existing()? else {
        return Ok(Release::NotOwned);
    };
    again(|| {
        let current = steps.current(device)?;
        let found = look(steps, device)?.filter(|found| found.is_live(current));
        let Some(live) = found else {
            return Ok(Some(Release::NotOwned));
        };
        match live.owner() {
            None => return Ok(Some(Release::NotOwned)),
            Some(other) if other != owner => return Ok(Some(Release::OwnedBy(other.clone()))),
            Some(_) => {}
        }
        // Between the look and here another tool may have given it to somebody.
        let Some((taken, text)) = steps.take(&live.entry, OWNER)? else {
            return Ok(None);
        };
        if text.as_deref() != Some(owner.as_str()) {
            // Overtaken: an even newer one counts.
            let _ = steps.put_back(&live.entry, taken, OWNER)?;
            return Ok(None);
        }
        steps.drop_taken(&live.entry, taken);
        // In an entry that was replaced meanwhile it says nothing.
        Ok(match live.is_still_in_place(steps, device)? {
            Step::Done => Some(Release::Released),
            Step::Overtaken => None,
        })
    })
}
