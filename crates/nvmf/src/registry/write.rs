//! Changing entries.

use nvmf_types::{AttrName, DeviceName, Owner, TransportId};

use super::protocol::{self, Kind, New};
use super::stamp::{self, OWNER};
use super::steps::Attributes;
use super::{
    Asked, Claim, Reaped, Registered, Registry, RegistryError, RegistryErrorKind, Release,
};
use crate::connect::under_way;
use crate::sysfs::{ControllerDir, ControllerKind};

impl Registry {
    /// Registers a controller that was just connected: a whole entry with `owner` and `notes`, in
    /// the place of a stale one. Without an owner, a stale entry goes. Whoever claimed this very
    /// controller meanwhile keeps it.
    ///
    /// `since` is `/sys/kernel/uevent_seqnum` from before the connect: what tools that do not
    /// stamp their entries wrote later is about this controller. Without it such entries count as
    /// left from a predecessor.
    ///
    /// # Errors
    /// `device` is not (any more) the incarnation `sysfs_ino`; a note that is reserved or has
    /// control characters; the registry cannot be written.
    pub fn register(
        &self,
        device: &DeviceName,
        sysfs_ino: u64,
        since: Option<u64>,
        owner: Option<&Owner>,
        notes: &[(AttrName, String)],
    ) -> Result<Registered, RegistryError> {
        let new = New {
            device,
            sysfs_ino,
            since,
        };
        checked(notes)
            .and_then(|notes| protocol::register(&self.disk(), new, owner, &notes))
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
        protocol::release(&self.disk(), device, owner)
            .map_err(|kind| self.error("release", Some(device), kind))
    }

    /// Sets an attribute, the owner too, whoever it is now: a person's word. What else the entry
    /// says stays.
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
        let set = || -> Kind<()> {
            let owner = (attribute.as_str() == OWNER)
                .then(|| value.parse::<Owner>())
                .transpose()?;
            let value = writable(attribute, value)?;
            let sysfs_ino = self
                .fabrics_controller(device)?
                .ok_or_else(|| RegistryErrorKind::NoSuchController(device.clone()))?;
            let set = (attribute, value);
            protocol::set(&self.disk(), device, sysfs_ino, set, owner.as_ref())
        };
        set().map_err(|kind| self.error("change", Some(device), kind))
    }

    /// Removes an attribute.
    ///
    /// # Errors
    /// There is none (a stale entry has none); a reserved one; the registry cannot be written.
    pub fn remove(&self, device: &DeviceName, attribute: &AttrName) -> Result<(), RegistryError> {
        unreserved(attribute)
            .and_then(|()| protocol::remove(&self.disk(), device, attribute))
            .map_err(|kind| self.error("change", Some(device), kind))
    }

    /// Deletes a whole entry, stale or not.
    ///
    /// # Errors
    /// There is none; the registry cannot be written.
    pub fn delete(&self, device: &DeviceName) -> Result<(), RegistryError> {
        protocol::delete(&self.disk(), device)
            .map_err(|kind| self.error("delete", Some(device), kind))
    }

    /// Removes the entry of a controller that is gone, for udev's `remove` event. By the time the
    /// rule runs, the kernel may have given the number to a new controller whose entry is there
    /// already: that one stays. `removed` is the event's `SEQNUM`; it is needed for entries that
    /// do not say which incarnation they are about.
    ///
    /// # Errors
    /// The registry cannot be written.
    pub fn reap(&self, device: &DeviceName, removed: Option<u64>) -> Result<Reaped, RegistryError> {
        protocol::reap(&self.disk(), device, removed)
            .map_err(|kind| self.error("clean up", Some(device), kind))
    }

    /// Calls `delete`, which must be able to hit no other one, if who owns the incarnation
    /// `sysfs_ino` of `device` at this moment `goes`, and no connect of ours that `fits` is under
    /// way.
    pub(crate) fn delete_if<T>(
        &self,
        device: &DeviceName,
        sysfs_ino: u64,
        goes: impl FnOnce(Option<&Owner>) -> bool,
        fits: impl Fn(&TransportId) -> bool,
        delete: impl FnOnce() -> T,
    ) -> Result<Asked<T, Owner>, RegistryError> {
        let is_under_way = || under_way::is_under_way(&self.root, fits);
        protocol::delete_if(&self.disk(), device, sysfs_ino, goes, is_under_way, delete)
            .map_err(|kind| self.error("read", Some(device), kind))
    }

    fn claim_kind(&self, device: &DeviceName, expected: Option<u64>, owner: &Owner) -> Kind<Claim> {
        match self.fabrics_controller(device)? {
            Some(ino) if expected.is_none_or(|expected| expected == ino) => {
                protocol::claim(&self.disk(), device, ino, owner)
            }
            _ => Ok(Claim::NoSuchController),
        }
    }

    /// The incarnation of `device`, which must be a fabrics controller; `None`: there is none.
    fn fabrics_controller(&self, device: &DeviceName) -> Kind<Option<u64>> {
        let io = |e: crate::sysfs::SysfsError| RegistryErrorKind::Io(e.source);
        let Some(dir) = ControllerDir::open(&self.root, device).map_err(io)? else {
            return Ok(None);
        };
        match dir.kind().map_err(io)? {
            None => Ok(None),
            Some(ControllerKind::Fabrics) => Ok(Some(dir.ino())),
            Some(ControllerKind::Local) => Err(RegistryErrorKind::NotFabrics(device.clone())),
        }
    }
}

fn checked(notes: &[(AttrName, String)]) -> Kind<Attributes> {
    let mut checked = Attributes::new();
    for (name, value) in notes {
        if name.as_str() == OWNER {
            return Err(RegistryErrorKind::Reserved(name.clone()));
        }
        checked.insert(name.to_string(), writable(name, value)?.to_owned());
    }
    Ok(checked)
}

/// A value that comes back as it was, in an attribute that is anybody's.
fn writable<'a>(attribute: &AttrName, value: &'a str) -> Kind<&'a str> {
    unreserved(attribute)?;
    match value.char_indices().find(|(_, c)| c.is_control()) {
        Some((at, _)) => Err(RegistryErrorKind::Value(at)),
        None => Ok(value),
    }
}

fn unreserved(attribute: &AttrName) -> Kind<()> {
    match stamp::is_reserved(attribute.as_str()) {
        true => Err(RegistryErrorKind::Reserved(attribute.clone())),
        false => Ok(()),
    }
}
