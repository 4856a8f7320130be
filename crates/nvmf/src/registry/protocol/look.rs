//! An entry under a writer's eyes, and the steps that several operations share.

use nvmf_types::{DeviceName, Owner};

use super::Kind;
use crate::registry::stamp::{self, OWNER, SEQNUM, SYSFS_INO};
use crate::registry::steps::{Attributes, Existing, Step, Steps};
use crate::registry::text::believed_owner;

/// An open entry, and what it says about itself.
pub(super) struct Look<S: Steps> {
    pub(super) entry: S::Entry,
    ino: u64,
    stamp: Option<String>,
    seqnum: Option<u64>,
    owner: Option<Owner>,
}

/// Opens the entry of `device` and reads what decides about it.
pub(super) fn look<S: Steps>(steps: &S, device: &DeviceName) -> Kind<Option<Look<S>>> {
    let Some(entry) = steps.open(device)? else {
        return Ok(None);
    };
    let stamp = steps.read(&entry, SYSFS_INO)?;
    let seqnum = steps.read(&entry, SEQNUM)?;
    let owner = steps.read(&entry, OWNER)?;
    Ok(Some(Look {
        ino: steps.inode(&entry),
        entry,
        stamp,
        seqnum: seqnum.and_then(|text| text.parse().ok()),
        owner: owner.as_deref().and_then(believed_owner),
    }))
}

impl<S: Steps> Look<S> {
    pub(super) const fn owner(&self) -> Option<&Owner> {
        self.owner.as_ref()
    }

    /// Whether the entry is about the controller `current`, as far as it says.
    pub(super) fn is_live(&self, current: Option<u64>) -> bool {
        stamp::is_live(self.stamp.as_deref(), current)
    }

    /// Whether the entry says itself that it is about the incarnation `sysfs_ino`.
    pub(super) fn is_about(&self, sysfs_ino: u64) -> bool {
        self.stamp.is_some() && self.is_live(Some(sysfs_ino))
    }

    pub(super) const fn is_stamped(&self) -> bool {
        self.stamp.is_some()
    }

    /// The uevent number that the entry was written at.
    pub(super) const fn seqnum(&self) -> Option<u64> {
        self.seqnum
    }

    /// Makes an entry that has no owner `owner`'s. It is stamped before, if another tool wrote it.
    pub(super) fn give_to(
        &self,
        steps: &S,
        device: &DeviceName,
        sysfs_ino: u64,
        owner: &Owner,
        existing: Existing,
    ) -> Kind<Step> {
        if !self.is_stamped() {
            for (name, value) in stamp::of(steps, sysfs_ino) {
                // the other tool's own sequence number stays
                let existing = match name.as_str() {
                    SYSFS_INO => Existing::Replace,
                    _ => Existing::Keep,
                };
                let _ = steps.write(&self.entry, &name, &value, existing)?;
            }
        }
        match steps.write(&self.entry, OWNER, owner.as_str(), existing)? {
            Step::Done => self.is_still_in_place(steps, device),
            Step::Overtaken => {
                self.make_room(steps)?;
                Ok(Step::Overtaken)
            }
        }
    }

    /// What was written into a directory that was renamed away is not there.
    pub(super) fn is_still_in_place(&self, steps: &S, device: &DeviceName) -> Kind<Step> {
        let in_place = steps.inode_in_place(device)? == Some(self.ino);
        Ok(if in_place {
            Step::Done
        } else {
            Step::Overtaken
        })
    }

    /// Removes this entry, which must be of no value: a newer one under the name stays.
    ///
    /// What is in it is removed through its open directory, so that nothing under the name is
    /// touched by mistake. The last step goes by name, and fails if that is a newer, filled entry.
    pub(super) fn clear(&self, steps: &S, device: &DeviceName) -> Kind<Step> {
        steps.unlink(&self.entry, OWNER)?;
        steps.strip(&self.entry)?;
        Ok(steps.remove_empty(device)?)
    }

    /// Puts a whole new entry in the place of this one, which must be of no value, with no instant
    /// in which there is none.
    fn replace(&self, steps: &S, device: &DeviceName, attributes: &Attributes) -> Kind<Step> {
        let built = steps.build(device, attributes)?;
        let replaced = steps.exchange(&built, device);
        let somebodys = matches!(replaced, Ok(Some(ino)) if ino != self.ino);
        if somebodys && steps.exchange(&built, device)?.is_none() {
            // Ours is gone already; if there is an even newer one, that one counts.
            let _ = steps.place(&built, device)?;
        }
        steps.destroy(built);
        let done = replaced?.is_some() && !somebodys;
        Ok(if done { Step::Done } else { Step::Overtaken })
    }

    /// An owner that says nothing, of zero bytes or a mere line end, reads as absent and must not
    /// be in the way.
    fn make_room(&self, steps: &S) -> Kind<()> {
        let says_something = |text: Option<String>| text.as_deref().is_some_and(is_owner);
        if says_something(steps.read(&self.entry, OWNER)?) {
            return Ok(());
        }
        let Some((taken, text)) = steps.take(&self.entry, OWNER)? else {
            return Ok(());
        };
        if !says_something(text) {
            steps.drop_taken(&self.entry, taken);
            return Ok(());
        }
        // Somebody's; if there is an even newer one, that one counts.
        let _ = steps.put_back(&self.entry, taken, OWNER)?;
        Ok(())
    }
}

/// Puts a whole new entry into place: of none, or of one that is of no value.
pub(super) fn publish<S: Steps>(
    steps: &S,
    device: &DeviceName,
    attributes: &Attributes,
    worthless: Option<&Look<S>>,
) -> Kind<Step> {
    if let Some(old) = worthless {
        return old.replace(steps, device, attributes);
    }
    let built = steps.build(device, attributes)?;
    let step = steps.place(&built, device);
    if !matches!(step, Ok(Step::Done)) {
        steps.destroy(built);
    }
    Ok(step?)
}

fn is_owner(text: &str) -> bool {
    believed_owner(text).is_some()
}
