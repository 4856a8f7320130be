//! An entry under a writer's eyes.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use nvmf_types::{DeviceName, Owner};
use rustix::fs::AtFlags;
use rustix::io::Errno;

use super::disk::{Locked, Step, write_attribute};
use super::stamp::{self, OWNER, SYSFS_INO};
use super::write::Kind;
use super::{Registry, read};
use crate::fs;

/// An entry as it is on disk.
pub(super) struct Found {
    pub(super) dir: OwnedFd,
    pub(super) ino: u64,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) live: bool,
}

impl Found {
    pub(super) fn look(
        registry: &Registry,
        locked: &Locked,
        device: &DeviceName,
    ) -> Kind<Option<Self>> {
        let Some(dir) = fs::open_dir_at(&locked.dir, device.as_str())? else {
            return Ok(None);
        };
        let ino = rustix::fs::fstat(&dir)?.st_ino;
        let attributes = read::attributes(&dir)?;
        let stamp = attributes.get(SYSFS_INO).map(String::as_str);
        let live = stamp::is_live(stamp, registry.current(device)?);
        Ok(Some(Self {
            dir,
            ino,
            attributes,
            live,
        }))
    }

    pub(super) fn owner(&self) -> Option<Owner> {
        self.attributes
            .get(OWNER)
            .and_then(|text| read::believed_owner(text))
    }

    /// Whether the entry says itself that it is about the controller `sysfs_ino`.
    pub(super) fn about(&self, sysfs_ino: u64) -> bool {
        self.attributes
            .get(SYSFS_INO)
            .is_some_and(|text| text.parse() == Ok(sysfs_ino))
    }

    /// Adds the stamp where another tool left it out, then the owner.
    pub(super) fn write_owner(
        &self,
        registry: &Registry,
        locked: &Locked,
        device: &DeviceName,
        owner: &Owner,
        replace: bool,
    ) -> Kind<Step> {
        if !self.attributes.contains_key(SYSFS_INO) {
            let Some(current) = registry.current(device)? else {
                return Ok(Step::Overtaken);
            };
            for (name, value) in stamp::stamp(&registry.root, current) {
                let _ = write_attribute(&self.dir, &name, &value, name == SYSFS_INO)?;
            }
        }
        if !replace {
            remove_empty_owner(&self.dir)?;
        }
        match write_attribute(&self.dir, OWNER, owner.as_str(), replace)? {
            Step::Done => self.still_in_place(locked, device),
            Step::Overtaken => Ok(Step::Overtaken),
        }
    }

    /// A file that was written into a directory that was renamed away is not there.
    pub(super) fn still_in_place(&self, locked: &Locked, device: &DeviceName) -> Kind<Step> {
        let in_place = locked.is_in_place(device, self.ino)?;
        Ok(if in_place {
            Step::Done
        } else {
            Step::Overtaken
        })
    }
}

/// An owner that says nothing, of zero bytes or a mere line end, reads as absent and must not be
/// in the way of a claim.
fn remove_empty_owner(entry: &OwnedFd) -> Kind<()> {
    let said = read::value(entry, OWNER)?;
    if said.as_deref().and_then(read::believed_owner).is_some() {
        return Ok(());
    }
    match rustix::fs::unlinkat(entry, OWNER, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(e) => Err(e.into()),
    }
}
