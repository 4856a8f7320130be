//! Reading entries.

use std::path::PathBuf;

use nvmf_types::{AttrName, DeviceName, Owner};
use rustix::io::Errno;

use super::disk::{self, Disk};
use super::stamp::{self, SYSFS_INO};
use super::steps::{Attributes, Steps};
use super::{RegistryError, RegistryErrorKind, protocol};
use crate::{Root, fs, lock};

/// The ownership registry of a host. Opening it creates nothing; the first write does.
#[derive(Clone, Debug)]
pub struct Registry {
    pub(super) root: Root,
    pub(super) dir: PathBuf,
}

/// One entry, read at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The controller's name.
    pub device: DeviceName,
    /// Its attributes, bookkeeping ones included.
    pub attributes: Attributes,
    /// Whether the entry is about a controller that is gone.
    pub stale: bool,
}

impl Registry {
    /// The registry below `root`: `/run/nvme/registry`.
    #[must_use]
    pub fn open(root: &Root) -> Self {
        Self {
            root: root.clone(),
            dir: root.run_nvme().join("registry"),
        }
    }

    /// Who owns `device`; stale entries do not count.
    ///
    /// # Errors
    /// The registry cannot be read.
    pub fn owner(&self, device: &DeviceName) -> Result<Option<Owner>, RegistryError> {
        protocol::owner(&self.disk(), device).map_err(|kind| self.error("read", Some(device), kind))
    }

    /// Who owns the incarnation `sysfs_ino` of `device`: nobody, if the name is another's now.
    ///
    /// # Errors
    /// The registry cannot be read.
    pub fn owner_of(
        &self,
        device: &DeviceName,
        sysfs_ino: u64,
    ) -> Result<Option<Owner>, RegistryError> {
        protocol::owner_of(&self.disk(), device, sysfs_ino)
            .map_err(|kind| self.error("read", Some(device), kind))
    }

    /// One attribute of `device`; stale entries do not count.
    ///
    /// # Errors
    /// The registry cannot be read.
    pub fn attribute(
        &self,
        device: &DeviceName,
        attribute: &AttrName,
    ) -> Result<Option<String>, RegistryError> {
        protocol::attribute(&self.disk(), device, attribute.as_str())
            .map_err(|kind| self.error("read", Some(device), kind))
    }

    /// The entry of `device`; a stale one does not count.
    ///
    /// # Errors
    /// The registry cannot be read.
    pub fn entry(&self, device: &DeviceName) -> Result<Option<Entry>, RegistryError> {
        let entry =
            entry(&self.disk(), device).map_err(|kind| self.error("read", Some(device), kind))?;
        Ok(entry.filter(|entry| !entry.stale))
    }

    /// The entries of the controllers that there are, in the order of their numbers.
    ///
    /// # Errors
    /// The registry cannot be read; an entry that vanishes meanwhile is left out.
    pub fn entries(&self) -> Result<Vec<Entry>, RegistryError> {
        let mut entries = self.all_entries()?;
        entries.retain(|entry| !entry.stale);
        Ok(entries)
    }

    /// Like [`Registry::entries`], with the stale ones, marked.
    ///
    /// # Errors
    /// The registry cannot be read; an entry that vanishes meanwhile is left out.
    pub fn all_entries(&self) -> Result<Vec<Entry>, RegistryError> {
        let disk = self.disk();
        let mut entries = Vec::new();
        for device in devices(&disk).map_err(|e| self.io("list", None, e))? {
            let entry = entry(&disk, &device);
            entries.extend(entry.map_err(|kind| self.error("read", Some(&device), kind))?);
        }
        Ok(entries)
    }

    /// The incarnation that has the name `device` now.
    pub(crate) fn incarnation(&self, device: &DeviceName) -> std::io::Result<Option<u64>> {
        Ok(self.disk().current(device)?)
    }

    /// The number of the kernel's last uevent (`/sys/kernel/uevent_seqnum`): to be read before a
    /// connect, for [`Registry::register`]. `None`: it cannot be read.
    #[must_use]
    pub fn seqnum(&self) -> Option<u64> {
        self.disk().seqnum()
    }

    pub(super) fn disk(&self) -> Disk<'_> {
        Disk::new(&self.root, &self.dir)
    }

    pub(super) fn error(
        &self,
        operation: &'static str,
        device: Option<&DeviceName>,
        kind: RegistryErrorKind,
    ) -> RegistryError {
        let path = device.map_or_else(|| self.dir.clone(), |d| self.dir.join(d.as_str()));
        let kind = match kind {
            // nothing but the lock says so
            RegistryErrorKind::Io(e) if e.kind() == std::io::ErrorKind::WouldBlock => {
                RegistryErrorKind::Locked {
                    lock: disk::lock_file(&self.dir),
                    waited: lock::PATIENCE,
                }
            }
            other => other,
        };
        RegistryError {
            operation,
            path,
            kind,
        }
    }

    pub(super) fn io(
        &self,
        operation: &'static str,
        device: Option<&DeviceName>,
        error: Errno,
    ) -> RegistryError {
        self.error(operation, device, RegistryErrorKind::Io(error.into()))
    }
}

/// The names of all entries, in the order of their numbers; other names are none of ours.
pub(super) fn devices(disk: &Disk<'_>) -> rustix::io::Result<Vec<DeviceName>> {
    let Some(dir) = disk.dir()? else {
        return Ok(Vec::new());
    };
    let names = fs::names(dir)?;
    let mut devices: Vec<DeviceName> = names.iter().filter_map(|n| n.parse().ok()).collect();
    devices.sort();
    Ok(devices)
}

/// The entry of `device`, read in one piece; `None`: there is none.
pub(super) fn entry(
    disk: &Disk<'_>,
    device: &DeviceName,
) -> Result<Option<Entry>, RegistryErrorKind> {
    let Some(attributes) = protocol::stable(disk, device, Disk::attributes)? else {
        return Ok(None);
    };
    let stamp = attributes.get(SYSFS_INO).map(String::as_str);
    let stale = !stamp::is_live(stamp, disk.current(device)?);
    Ok(Some(Entry {
        device: device.clone(),
        attributes,
        stale,
    }))
}
