//! Reading entries.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use nvmf_types::{AttrName, DeviceName, Owner};
use rustix::fs::CWD;
use rustix::io::Errno;

use super::stamp::{self, OWNER, SYSFS_INO};
use super::{RegistryError, RegistryErrorKind};
use crate::{Root, fs};

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
    pub attributes: BTreeMap<String, String>,
    /// Whether the entry is about a controller that is gone.
    pub stale: bool,
}

impl Registry {
    /// The registry below `root`: `/run/nvme/registry`.
    #[must_use]
    pub fn open(root: &Root) -> Self {
        Self {
            root: root.clone(),
            dir: root.run().join("nvme/registry"),
        }
    }

    /// Who owns `device`; stale entries do not count.
    ///
    /// # Errors
    /// The registry cannot be read.
    pub fn owner(&self, device: &DeviceName) -> Result<Option<Owner>, RegistryError> {
        self.owner_where(device, |ino| Ok(stamp::is_live(ino, self.current(device)?)))
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
        self.owner_where(device, |ino| match ino {
            Some(_) => Ok(stamp::is_live(ino, Some(sysfs_ino))),
            None => Ok(self.current(device)? == Some(sysfs_ino)),
        })
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
        let read = self.stable(device, |entry| {
            Ok((value(entry, SYSFS_INO)?, value(entry, attribute.as_str())?))
        });
        let read = read.map_err(|kind| self.error("read", Some(device), kind))?;
        let Some((ino, text)) = read else {
            return Ok(None);
        };
        let current = self
            .current(device)
            .map_err(|e| self.io("read", Some(device), e))?;
        Ok(text.filter(|_| stamp::is_live(ino.as_deref(), current)))
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
        let names = match fs::open_dir_at(CWD, &self.dir) {
            Ok(Some(dir)) => fs::names(dir).map_err(|e| self.io("list", None, e))?,
            Ok(None) => Vec::new(),
            Err(e) => return Err(self.io("list", None, e)),
        };
        let mut devices: Vec<DeviceName> = names.iter().filter_map(|n| n.parse().ok()).collect();
        devices.sort();
        let mut entries = Vec::with_capacity(devices.len());
        for device in devices {
            let attributes = self
                .stable(&device, |entry| attributes(entry))
                .map_err(|kind| self.error("read", Some(&device), kind))?;
            let Some(attributes) = attributes else {
                continue;
            };
            let current = self
                .current(&device)
                .map_err(|e| self.io("read", Some(&device), e))?;
            let ino = attributes.get(SYSFS_INO).map(String::as_str);
            let stale = !stamp::is_live(ino, current);
            entries.push(Entry {
                device,
                attributes,
                stale,
            });
        }
        Ok(entries)
    }

    pub(super) fn current(&self, device: &DeviceName) -> rustix::io::Result<Option<u64>> {
        stamp::current(&self.root, device)
    }

    pub(super) fn error(
        &self,
        operation: &'static str,
        device: Option<&DeviceName>,
        kind: RegistryErrorKind,
    ) -> RegistryError {
        let path = device.map_or_else(|| self.dir.clone(), |d| self.dir.join(d.as_str()));
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

    fn owner_where(
        &self,
        device: &DeviceName,
        is_live: impl Fn(Option<&str>) -> rustix::io::Result<bool>,
    ) -> Result<Option<Owner>, RegistryError> {
        let read = self
            .stable(device, |entry| {
                Ok((value(entry, SYSFS_INO)?, value(entry, OWNER)?))
            })
            .map_err(|kind| self.error("read", Some(device), kind))?;
        let Some((ino, Some(text))) = read else {
            return Ok(None);
        };
        let live = is_live(ino.as_deref()).map_err(|e| self.io("read", Some(device), e))?;
        Ok(believed_owner(&text).filter(|_| live))
    }

    /// Reads from an entry's directory. It is renamed away before anything in it is removed, so
    /// if it is still in place afterwards, what was read belongs together.
    fn stable<T>(
        &self,
        device: &DeviceName,
        read: impl Fn(&OwnedFd) -> rustix::io::Result<T>,
    ) -> Result<Option<T>, RegistryErrorKind> {
        let io = |e: Errno| RegistryErrorKind::Io(e.into());
        let Some(dir) = fs::open_dir_at(CWD, &self.dir).map_err(io)? else {
            return Ok(None);
        };
        for _ in 0..1000 {
            let Some(entry) = fs::open_dir_at(&dir, device.as_str()).map_err(io)? else {
                return Ok(None);
            };
            let found = read(&entry).map_err(io)?;
            let ino = rustix::fs::fstat(&entry).map_err(io)?.st_ino;
            if super::disk::inode(&dir, device.as_str()).map_err(io)? == Some(ino) {
                return Ok(Some(found));
            }
        }
        Err(RegistryErrorKind::Contended)
    }
}

/// The value of an attribute in an open entry: without line ends, and absent if the file is empty
/// or no file.
pub(super) fn value(entry: impl AsFd, attribute: &str) -> rustix::io::Result<Option<String>> {
    match fs::read_at(entry, attribute) {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned())),
        Err(Errno::NOENT | Errno::LOOP | Errno::ISDIR | Errno::NXIO) => Ok(None),
        Err(e) => Err(e),
    }
}

/// All attributes in an open entry; names that are none (`owner.tmp.x`) are left out.
pub(super) fn attributes(entry: impl AsFd) -> rustix::io::Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for name in fs::names(&entry)? {
        if name.parse::<AttrName>().is_ok()
            && let Some(value) = value(&entry, &name)?
        {
            found.insert(name, value);
        }
    }
    Ok(found)
}

/// The owner that a text means. What another tool wrote against the rules still means that
/// somebody owns the controller: it is shown with `_` for what an owner cannot have.
pub(super) fn believed_owner(text: &str) -> Option<Owner> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let shown: String = text
        .chars()
        .take(Owner::MAX_LEN)
        .map(|c| if fits(c) { c } else { '_' })
        .collect();
    shown.parse().ok()
}
