//! Changing entries.

use std::collections::BTreeMap;

use nvmf_types::{AttrName, DeviceName, Owner, Transport};
use rustix::fs::AtFlags;
use rustix::io::Errno;

use super::disk::{Locked, Step, write_attribute};
use super::found::Found;
use super::stamp::{self, OWNER};
use super::{Claim, Registered, Registry, RegistryError, RegistryErrorKind, Release};
use crate::sysfs::ControllerDir;

pub(super) type Kind<T> = Result<T, RegistryErrorKind>;

/// How often a writer looks again when others were faster.
const ATTEMPTS: usize = 1000;

impl Registry {
    /// Registers a controller that was just connected: a whole entry with `owner` and `notes`, in
    /// the place of a stale one. Without an owner, a stale entry goes. Whoever claimed this very
    /// controller meanwhile keeps it.
    ///
    /// # Errors
    /// `device` is not (any more) the incarnation `sysfs_ino`; a note that is reserved or has
    /// control characters; the registry cannot be written.
    pub fn register(
        &self,
        device: &DeviceName,
        sysfs_ino: u64,
        owner: Option<&Owner>,
        notes: &[(AttrName, String)],
    ) -> Result<Registered, RegistryError> {
        self.register_kind(device, sysfs_ino, owner, notes)
            .map_err(|kind| self.error("register", Some(device), kind))
    }

    /// Makes `owner` the owner of a controller that nobody owns. Of several claimants exactly one
    /// is granted.
    ///
    /// # Errors
    /// No fabrics controller, or the registry cannot be written.
    pub fn claim(&self, device: &DeviceName, owner: &Owner) -> Result<Claim, RegistryError> {
        self.claim_kind(device, None, owner)
            .map_err(|kind| self.error("claim", Some(device), kind))
    }

    /// Like [`Registry::claim`], but only exactly the controller `sysfs_ino`: the successor under
    /// its name is [`Claim::NoSuchController`], and stays whose it is.
    ///
    /// # Errors
    /// No fabrics controller, or the registry cannot be written.
    pub fn claim_of(
        &self,
        device: &DeviceName,
        sysfs_ino: u64,
        owner: &Owner,
    ) -> Result<Claim, RegistryError> {
        self.claim_kind(device, Some(sysfs_ino), owner)
            .map_err(|kind| self.error("claim", Some(device), kind))
    }

    /// Makes a controller nobody's if it is `owner`'s; its notes stay.
    ///
    /// # Errors
    /// The registry cannot be written.
    pub fn release(&self, device: &DeviceName, owner: &Owner) -> Result<Release, RegistryError> {
        let release = || -> Kind<Release> {
            let Some(locked) = Locked::existing(&self.dir)? else {
                return Ok(Release::NotOwned);
            };
            let found = Found::look(self, &locked, device)?;
            let Some(live) = found.filter(|found| found.live) else {
                return Ok(Release::NotOwned);
            };
            match live.owner() {
                None => Ok(Release::NotOwned),
                Some(other) if other != *owner => Ok(Release::OwnedBy(other)),
                Some(_) => match rustix::fs::unlinkat(&live.dir, OWNER, AtFlags::empty()) {
                    Ok(()) => Ok(Release::Released),
                    Err(Errno::NOENT) => Ok(Release::NotOwned),
                    Err(e) => Err(e.into()),
                },
            }
        };
        release().map_err(|kind| self.error("release", Some(device), kind))
    }

    /// Sets an attribute, the owner too, whoever it is now: a person's word.
    ///
    /// # Errors
    /// No such fabrics controller; a reserved attribute; a value with control characters or, for
    /// `owner`, one that is no owner; the registry cannot be written.
    pub fn set(
        &self,
        device: &DeviceName,
        attribute: &AttrName,
        value: &str,
    ) -> Result<(), RegistryError> {
        self.set_kind(device, attribute, value)
            .map_err(|kind| self.error("change", Some(device), kind))
    }

    /// Removes an attribute.
    ///
    /// # Errors
    /// There is none (a stale entry has none); a reserved one; the registry cannot be written.
    pub fn remove(&self, device: &DeviceName, attribute: &AttrName) -> Result<(), RegistryError> {
        let remove = || -> Kind<()> {
            let none = || RegistryErrorKind::NoSuchAttribute(attribute.clone());
            if stamp::is_reserved(attribute.as_str()) {
                return Err(RegistryErrorKind::Reserved(attribute.clone()));
            }
            let locked = Locked::existing(&self.dir)?.ok_or_else(none)?;
            let found = Found::look(self, &locked, device)?.filter(|found| found.live);
            let found = found.ok_or_else(none)?;
            match rustix::fs::unlinkat(&found.dir, attribute.as_str(), AtFlags::empty()) {
                Ok(()) => Ok(()),
                Err(Errno::NOENT) => Err(none()),
                Err(e) => Err(e.into()),
            }
        };
        remove().map_err(|kind| self.error("change", Some(device), kind))
    }

    /// Deletes a whole entry, stale or not.
    ///
    /// # Errors
    /// There is none; the registry cannot be written.
    pub fn delete(&self, device: &DeviceName) -> Result<(), RegistryError> {
        let delete = || -> Kind<()> {
            let none = || RegistryErrorKind::NoSuchEntry(device.clone());
            let locked = Locked::existing(&self.dir)?.ok_or_else(none)?;
            again(|| {
                let found = Found::look(self, &locked, device)?.ok_or_else(none)?;
                Ok(done(locked.discard(device, found.ino)?, ()))
            })
        };
        delete().map_err(|kind| self.error("delete", Some(device), kind))
    }

    /// Takes back the entry of the incarnation `sysfs_ino`, which went before it was registered.
    pub(crate) fn withdraw(
        &self,
        device: &DeviceName,
        sysfs_ino: u64,
    ) -> Result<(), RegistryError> {
        let withdraw = || -> Kind<()> {
            let Some(locked) = Locked::existing(&self.dir)? else {
                return Ok(());
            };
            let found = Found::look(self, &locked, device)?;
            if let Some(found) = found.filter(|found| found.about(sysfs_ino)) {
                // Overtaken: it was taken away already.
                let _ = locked.discard(device, found.ino)?;
            }
            Ok(())
        };
        withdraw().map_err(|kind| self.error("clean up", Some(device), kind))
    }

    fn register_kind(
        &self,
        device: &DeviceName,
        sysfs_ino: u64,
        owner: Option<&Owner>,
        notes: &[(AttrName, String)],
    ) -> Kind<Registered> {
        let mut attributes = BTreeMap::new();
        for (name, value) in notes {
            if stamp::is_reserved(name.as_str()) || name.as_str() == OWNER {
                return Err(RegistryErrorKind::Reserved(name.clone()));
            }
            attributes.insert(name.to_string(), one_line(value)?.to_owned());
        }
        let locked = match Locked::existing(&self.dir)? {
            Some(locked) => locked,
            None if owner.is_none() && notes.is_empty() => return Ok(Registered::Unowned),
            None => Locked::create(&self.dir)?,
        };
        if self.current(device)? != Some(sysfs_ino) {
            return Err(RegistryErrorKind::NoSuchController(device.clone()));
        }
        attributes.extend(stamp::stamp(&self.root, sysfs_ino));
        attributes.extend(owner.map(|owner| (OWNER.to_owned(), owner.to_string())));
        again(|| {
            let found = Found::look(self, &locked, device)?;
            // An entry without an inode is older than the controller, as far as anybody can tell.
            let about_this = |found: &Found| found.about(sysfs_ino);
            if let Some(owned) = found
                .as_ref()
                .filter(|f| about_this(f))
                .and_then(Found::owner)
                && Some(&owned) != owner
            {
                return Ok(Some(Registered::OwnedBy(owned)));
            }
            let ino = found.as_ref().map(|found| found.ino);
            if owner.is_none() && notes.is_empty() {
                return match ino {
                    None => Ok(Some(Registered::Unowned)),
                    Some(ino) => Ok(done(locked.discard(device, ino)?, Registered::Unowned)),
                };
            }
            let registered = if owner.is_some() {
                Registered::Owned
            } else {
                Registered::Unowned
            };
            Ok(done(locked.publish(device, &attributes, ino)?, registered))
        })
    }

    fn claim_kind(&self, device: &DeviceName, expected: Option<u64>, owner: &Owner) -> Kind<Claim> {
        let current = self.fabrics_controller(device)?;
        let Some(sysfs_ino) = current.filter(|ino| expected.is_none_or(|want| want == *ino)) else {
            return Ok(Claim::NoSuchController);
        };
        let locked = Locked::create(&self.dir)?;
        let claim = again(|| {
            if expected.is_some() && self.current(device)? != expected {
                return Ok(Some(Claim::NoSuchController));
            }
            let found = Found::look(self, &locked, device)?;
            match found.filter(|found| found.live) {
                Some(live) => match live.owner() {
                    Some(mine) if mine == *owner => Ok(Some(Claim::AlreadyMine)),
                    Some(other) => Ok(Some(Claim::OwnedBy(other))),
                    None => {
                        let step = live.write_owner(self, &locked, device, owner, false)?;
                        Ok(done(step, Claim::Granted))
                    }
                },
                None => {
                    let step = self.fresh(&locked, device, sysfs_ino, OWNER, owner.as_str())?;
                    Ok(done(step, Claim::Granted))
                }
            }
        })?;
        // The second look: the controller may have gone before its entry came.
        if claim == Claim::Granted && self.current(device)? != Some(sysfs_ino) {
            if let Some(found) = Found::look(self, &locked, device)?.filter(|f| f.about(sysfs_ino))
            {
                let _ = locked.discard(device, found.ino)?;
            }
            return Ok(Claim::NoSuchController);
        }
        Ok(claim)
    }

    fn set_kind(&self, device: &DeviceName, attribute: &AttrName, value: &str) -> Kind<()> {
        let name = attribute.as_str();
        if stamp::is_reserved(name) {
            return Err(RegistryErrorKind::Reserved(attribute.clone()));
        }
        let owner = (name == OWNER)
            .then(|| value.parse::<Owner>())
            .transpose()?;
        let value = one_line(value)?;
        let sysfs_ino = self
            .fabrics_controller(device)?
            .ok_or_else(|| RegistryErrorKind::NoSuchController(device.clone()))?;
        let locked = Locked::create(&self.dir)?;
        again(|| {
            let found = Found::look(self, &locked, device)?;
            let step = match (found.filter(|found| found.live), &owner) {
                (Some(live), Some(owner)) => {
                    live.write_owner(self, &locked, device, owner, true)?
                }
                (Some(live), None) => {
                    let _ = write_attribute(&live.dir, name, value, true)?;
                    live.still_in_place(&locked, device)?
                }
                (None, _) => self.fresh(&locked, device, sysfs_ino, name, value)?,
            };
            Ok(done(step, ()))
        })
    }

    /// Puts a new entry with one attribute in the place of none or a stale one.
    fn fresh(
        &self,
        locked: &Locked,
        device: &DeviceName,
        sysfs_ino: u64,
        attribute: &str,
        value: &str,
    ) -> Kind<Step> {
        let stale = Found::look(self, locked, device)?;
        if stale.as_ref().is_some_and(|found| found.live) {
            return Ok(Step::Overtaken);
        }
        let mut attributes = stamp::stamp(&self.root, sysfs_ino);
        attributes.insert(attribute.to_owned(), value.to_owned());
        Ok(locked.publish(device, &attributes, stale.map(|found| found.ino))?)
    }

    /// The incarnation of `device`, which must be a fabrics controller; `None`: there is none.
    fn fabrics_controller(&self, device: &DeviceName) -> Kind<Option<u64>> {
        let io = |e: crate::sysfs::SysfsError| RegistryErrorKind::Io(e.source);
        let Some(dir) = ControllerDir::open(&self.root, device).map_err(io)? else {
            return Ok(None);
        };
        match dir.attribute("transport").map_err(io)? {
            None => Ok(None),
            Some(word) if word.parse::<Transport>().is_ok() => Ok(Some(dir.ino())),
            Some(_) => Err(RegistryErrorKind::NotFabrics(device.clone())),
        }
    }
}

fn one_line(value: &str) -> Kind<&str> {
    match value.char_indices().find(|(_, c)| c.is_control()) {
        Some((at, _)) => Err(RegistryErrorKind::Value(at)),
        None => Ok(value),
    }
}

pub(super) fn done<T>(step: Step, outcome: T) -> Option<T> {
    (step == Step::Done).then_some(outcome)
}

/// Repeats until no other writer was faster.
pub(super) fn again<T>(mut attempt: impl FnMut() -> Kind<Option<T>>) -> Kind<T> {
    for _ in 0..ATTEMPTS {
        if let Some(outcome) = attempt()? {
            return Ok(outcome);
        }
    }
    Err(RegistryErrorKind::Contended)
}
