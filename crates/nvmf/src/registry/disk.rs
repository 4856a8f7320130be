//! The steps on a host: `/run/nvme/registry`.

use std::cell::OnceCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nvmf_types::{AttrName, DeviceName};
use rustix::fs::{AtFlags, Mode, RenameFlags};
use rustix::io::{Errno, Result};

use super::name::unused;
use super::stamp::SYSFS_INO;
use super::steps::{Attributes, Existing, Step, Steps};
use super::text;
use crate::{Root, fs, lock};

/// The file that our own writers lock: beside the registry, so that no reader meets it.
pub(super) fn lock_file(registry: &Path) -> PathBuf {
    registry.with_extension("lock")
}

/// The registry during one operation: its directory is opened once.
#[derive(Debug)]
pub(super) struct Disk<'a> {
    root: &'a Root,
    path: &'a Path,
    dir: OnceCell<OwnedFd>,
}

/// An entry's open directory.
#[derive(Debug)]
pub(super) struct Entry {
    dir: OwnedFd,
    ino: u64,
}

/// A hidden name, `.nvme3.tmp.XXXXXX` in the registry or `owner.tmp.XXXXXX` in an entry.
#[derive(Debug)]
pub(super) struct Hidden(String);

impl<'a> Disk<'a> {
    /// The registry at `path`, on the host `root`.
    pub(super) const fn new(root: &'a Root, path: &'a Path) -> Self {
        Self {
            root,
            path,
            dir: OnceCell::new(),
        }
    }

    /// The registry's directory; `None`: there is none.
    pub(super) fn dir(&self) -> Result<Option<BorrowedFd<'_>>> {
        if self.dir.get().is_none()
            && let Some(opened) = fs::open_dir(self.path)?
        {
            let _ = self.dir.set(opened);
        }
        Ok(self.dir.get().map(AsFd::as_fd))
    }

    fn existing_dir(&self) -> Result<BorrowedFd<'_>> {
        self.dir()?.ok_or(Errno::NOENT)
    }

    /// All attributes of an entry; names that are none (`owner.tmp.x`) are left out.
    pub(super) fn attributes(entry: &Entry) -> Result<Attributes> {
        let mut found = Attributes::new();
        for name in fs::names(&entry.dir)? {
            if name.parse::<AttrName>().is_ok()
                && let Some(value) = value(&entry.dir, &name)?
            {
                found.insert(name, value);
            }
        }
        Ok(found)
    }

    /// The directory of an open entry.
    pub(super) const fn entry_dir(entry: &Entry) -> &OwnedFd {
        &entry.dir
    }

    fn rename(&self, from: &str, to: &str, flags: RenameFlags) -> Result<()> {
        let dir = self.existing_dir()?;
        rustix::fs::renameat_with(dir, from, dir, to, flags)
    }
}

impl Steps for Disk<'_> {
    type Lock = OwnedFd;
    type Entry = Entry;
    type Hidden = Hidden;
    type Taken = Hidden;

    fn lock(&self) -> Result<OwnedFd> {
        if self.dir()?.is_none() {
            make_dirs(self.path)?;
        }
        self.lock_existing()?.ok_or(Errno::NOTDIR)
    }

    fn lock_existing(&self) -> Result<Option<OwnedFd>> {
        match self.dir()? {
            Some(_) => lock::acquire(&lock_file(self.path)).map(Some),
            None => Ok(None),
        }
    }

    fn current(&self, device: &DeviceName) -> Result<Option<u64>> {
        let path = self.root.sys().join("class/nvme").join(device.as_str());
        match rustix::fs::stat(path) {
            Ok(stat) => Ok(Some(stat.st_ino)),
            Err(Errno::NOENT | Errno::NODEV) => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn seqnum(&self) -> Option<u64> {
        let path = self.root.sys().join("kernel/uevent_seqnum");
        let content = fs::read(&path).ok()?;
        text::value(&content)?.trim().parse().ok()
    }

    fn open(&self, device: &DeviceName) -> Result<Option<Entry>> {
        let Some(registry) = self.dir()? else {
            return Ok(None);
        };
        let Some(dir) = fs::open_dir_at(registry, device.as_str())? else {
            return Ok(None);
        };
        let ino = rustix::fs::fstat(&dir)?.st_ino;
        Ok(Some(Entry { dir, ino }))
    }

    fn inode(&self, entry: &Entry) -> u64 {
        entry.ino
    }

    fn inode_in_place(&self, device: &DeviceName) -> Result<Option<u64>> {
        match self.dir()? {
            Some(dir) => inode(dir, device.as_str()),
            None => Ok(None),
        }
    }

    fn read_in_place(&self, device: &DeviceName, attribute: &str) -> Result<Option<String>> {
        match self.dir()? {
            Some(dir) => value(dir, &format!("{device}/{attribute}")),
            None => Ok(None),
        }
    }

    fn build(&self, device: &DeviceName, attributes: &Attributes) -> Result<Hidden> {
        let dir = self.existing_dir()?;
        let name = unused(&format!(".{device}.tmp."), |name| {
            rustix::fs::mkdirat(dir, name, Mode::from_raw_mode(0o700))
        })?;
        let filled = fs::open_dir_at(dir, &name).and_then(|entry| {
            let entry = entry.ok_or(Errno::NOENT)?;
            let filled = attributes
                .iter()
                .try_for_each(|(name, value)| fs::create_at(&entry, name, &format!("{value}\n")))
                // whatever the umask is: everybody reads
                .and_then(|()| rustix::fs::fchmod(&entry, Mode::from_raw_mode(0o755)));
            if filled.is_err() {
                // while there is a file descriptor for it
                for name in attributes.keys() {
                    let _ = rustix::fs::unlinkat(&entry, name, AtFlags::empty());
                }
            }
            filled
        });
        if let Err(e) = filled {
            self.destroy(Hidden(name));
            return Err(e);
        }
        Ok(Hidden(name))
    }

    fn place(&self, hidden: &Hidden, device: &DeviceName) -> Result<Step> {
        match self.rename(&hidden.0, device.as_str(), RenameFlags::NOREPLACE) {
            Ok(()) => Ok(Step::Done),
            Err(Errno::EXIST) => Ok(Step::Overtaken),
            Err(e) => Err(e),
        }
    }

    fn exchange(&self, hidden: &Hidden, device: &DeviceName) -> Result<Option<u64>> {
        match self.rename(&hidden.0, device.as_str(), RenameFlags::EXCHANGE) {
            Ok(()) => inode(self.existing_dir()?, &hidden.0),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn hide(&self, device: &DeviceName) -> Result<Option<Hidden>> {
        let hide = |name: &str| self.rename(device.as_str(), name, RenameFlags::NOREPLACE);
        match unused(".trash.", hide) {
            Ok(name) => Ok(Some(Hidden(name))),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn destroy(&self, hidden: Hidden) {
        if let Ok(dir) = self.existing_dir() {
            let _ = fs::remove_tree_at(dir, &hidden.0);
        }
    }

    fn remove_empty(&self, device: &DeviceName) -> Result<Step> {
        match rustix::fs::unlinkat(self.existing_dir()?, device.as_str(), AtFlags::REMOVEDIR) {
            // gone: somebody has the same in mind
            Ok(()) | Err(Errno::NOENT) => Ok(Step::Done),
            Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(Step::Overtaken),
            Err(e) => Err(e),
        }
    }

    fn read(&self, entry: &Entry, attribute: &str) -> Result<Option<String>> {
        value(&entry.dir, attribute)
    }

    fn write(&self, entry: &Entry, name: &str, value: &str, existing: Existing) -> Result<Step> {
        let text = format!("{value}\n");
        let built = unused(&format!("{name}.tmp."), |temporary| {
            fs::create_at(&entry.dir, temporary, &text)
        });
        let built = match built {
            Ok(built) => built,
            // the directory itself has been removed
            Err(Errno::NOENT) => return Ok(Step::Overtaken),
            Err(e) => return Err(e),
        };
        let flags = match existing {
            Existing::Replace => RenameFlags::empty(),
            Existing::Keep => RenameFlags::NOREPLACE,
        };
        let renamed = rustix::fs::renameat_with(&entry.dir, &*built, &entry.dir, name, flags);
        if renamed.is_err() {
            self.drop_taken(entry, Hidden(built));
        }
        match renamed {
            Ok(()) => Ok(Step::Done),
            Err(Errno::EXIST | Errno::NOENT) => Ok(Step::Overtaken),
            Err(e) => Err(e),
        }
    }

    fn take(&self, entry: &Entry, attribute: &str) -> Result<Option<(Hidden, Option<String>)>> {
        let (dir, flags) = (&entry.dir, RenameFlags::NOREPLACE);
        let hide = |name: &str| rustix::fs::renameat_with(dir, attribute, dir, name, flags);
        match unused(&format!("{attribute}.tmp."), hide) {
            Ok(name) => {
                let text = value(dir, &name).inspect_err(|_| {
                    let _ = rustix::fs::renameat_with(dir, &*name, dir, attribute, flags);
                })?;
                Ok(Some((Hidden(name), text)))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn put_back(&self, entry: &Entry, taken: Hidden, attribute: &str) -> Result<Step> {
        let (dir, flags) = (&entry.dir, RenameFlags::NOREPLACE);
        match rustix::fs::renameat_with(dir, &*taken.0, dir, attribute, flags) {
            Ok(()) => Ok(Step::Done),
            Err(Errno::EXIST) => {
                self.drop_taken(entry, taken);
                Ok(Step::Overtaken)
            }
            // the directory itself has been removed
            Err(Errno::NOENT) => Ok(Step::Overtaken),
            Err(e) => Err(e),
        }
    }

    fn drop_taken(&self, entry: &Entry, taken: Hidden) {
        let _ = rustix::fs::unlinkat(&entry.dir, &*taken.0, AtFlags::empty());
    }

    fn unlink(&self, entry: &Entry, attribute: &str) -> Result<bool> {
        match rustix::fs::unlinkat(&entry.dir, attribute, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            // another tool's idea of an attribute
            Err(Errno::ISDIR) => fs::remove_tree_at(&entry.dir, attribute).map(|()| true),
            Err(e) => Err(e),
        }
    }

    fn strip(&self, entry: &Entry) -> Result<()> {
        for name in fs::names(&entry.dir)? {
            if name != SYSFS_INO {
                self.unlink(entry, &name)?;
            }
        }
        self.unlink(entry, SYSFS_INO).map(|_| ())
    }
}

/// Makes the registry's directory and the one it is in.
fn make_dirs(registry: &Path) -> Result<()> {
    let parent = registry.parent().unwrap_or(registry);
    for dir in [parent, registry] {
        fs::make_dir(dir)?;
    }
    Ok(())
}

/// The value of an attribute: absent if there is no file, or what is there is none.
fn value(dir: impl AsFd, path: &str) -> Result<Option<String>> {
    match fs::read_at(dir, path) {
        Ok(content) => Ok(text::value(&content)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ISDIR | Errno::NXIO) => Ok(None),
        Err(e) => Err(e),
    }
}

/// The inode behind a name, without following a link.
fn inode(dir: impl AsFd, name: &str) -> Result<Option<u64>> {
    match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat.st_ino)),
        Err(Errno::NOENT) => Ok(None),
        Err(e) => Err(e),
    }
}
