//! The steps on disk: how entries and attributes get into place and out of it.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use nvmf_types::DeviceName;
use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags, RenameFlags};
use rustix::io::{Errno, Result};

use crate::fs;

/// Whether a step happened, or another writer was faster and everything is to be looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Step {
    Done,
    Overtaken,
}

/// The registry's directory, with the lock of our own writers held.
#[derive(Debug)]
pub(super) struct Locked {
    pub(super) dir: OwnedFd,
    _lock: OwnedFd,
}

impl Locked {
    /// Locks the registry `path` (`…/nvme/registry`), creating it where it is missing.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let parent = path.parent().unwrap_or(path);
        for dir in [parent, path] {
            match rustix::fs::mkdir(dir, Mode::from_raw_mode(0o755)) {
                // whatever the umask is: everybody reads
                Ok(()) => rustix::fs::chmod(dir, Mode::from_raw_mode(0o755))?,
                Err(Errno::EXIST) => {}
                Err(e) => return Err(e),
            }
        }
        Self::existing(path)?.ok_or(Errno::NOTDIR)
    }

    /// Locks the registry if there is one.
    pub(super) fn existing(path: &Path) -> Result<Option<Self>> {
        let Some(dir) = fs::open_dir_at(CWD, path)? else {
            return Ok(None);
        };
        // Beside the registry, so that no reader meets it; 0600, or anybody could hold it.
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let mode = Mode::from_raw_mode(0o600);
        let lock = rustix::fs::openat(CWD, path.with_extension("lock"), flags, mode)?;
        rustix::io::retry_on_intr(|| rustix::fs::flock(&lock, FlockOperation::LockExclusive))?;
        Ok(Some(Self { dir, _lock: lock }))
    }

    /// Puts a whole entry into place. `replaces` is the inode of the entry's directory that was
    /// judged to be of no value; `None`: there was none.
    pub(super) fn publish(
        &self,
        device: &DeviceName,
        attributes: &BTreeMap<String, String>,
        replaces: Option<u64>,
    ) -> Result<Step> {
        let built = self.build(device, attributes)?;
        let rename = |flags| {
            rustix::fs::renameat_with(&self.dir, &*built, &self.dir, device.as_str(), flags)
        };
        let step = match replaces {
            None => rename(RenameFlags::NOREPLACE).map(|()| Step::Done),
            Some(old) => rename(RenameFlags::EXCHANGE).and_then(|()| {
                if inode(&self.dir, &built)? == Some(old) {
                    return Ok(Step::Done);
                }
                // Somebody's fresh entry: it goes back.
                rename(RenameFlags::EXCHANGE).map(|()| Step::Overtaken)
            }),
        };
        let cleaned = fs::remove_tree_at(&self.dir, &built);
        match step {
            Err(Errno::EXIST | Errno::NOENT) => Ok(Step::Overtaken),
            Err(e) => Err(e),
            // A leftover under a hidden name is garbage, not a failure.
            Ok(step) => {
                let _ = cleaned;
                Ok(step)
            }
        }
    }

    /// Takes the entry whose directory has the inode `expected` away.
    pub(super) fn discard(&self, device: &DeviceName, expected: u64) -> Result<Step> {
        let trash = self.hidden(".trash.", |name| {
            let flags = RenameFlags::NOREPLACE;
            rustix::fs::renameat_with(&self.dir, device.as_str(), &self.dir, name, flags)
        });
        let trash = match trash {
            Ok(trash) => trash,
            Err(Errno::NOENT) => return Ok(Step::Overtaken),
            Err(e) => return Err(e),
        };
        if inode(&self.dir, &trash)? == Some(expected) {
            let _ = fs::remove_tree_at(&self.dir, &trash);
            return Ok(Step::Done);
        }
        // Somebody's fresh entry: it goes back, if there is not even a newer one.
        let flags = RenameFlags::NOREPLACE;
        match rustix::fs::renameat_with(&self.dir, &*trash, &self.dir, device.as_str(), flags) {
            Ok(()) | Err(Errno::EXIST | Errno::NOENT) => Ok(Step::Overtaken),
            Err(e) => Err(e),
        }
    }

    /// Whether the entry's directory `inode` is still the one in place.
    pub(super) fn is_in_place(&self, device: &DeviceName, expected: u64) -> Result<bool> {
        Ok(inode(&self.dir, device.as_str())? == Some(expected))
    }

    fn build(&self, device: &DeviceName, attributes: &BTreeMap<String, String>) -> Result<String> {
        let name = self.hidden(&format!(".{device}.tmp."), |name| {
            rustix::fs::mkdirat(&self.dir, name, Mode::from_raw_mode(0o700))
        })?;
        let filled = fs::open_dir_at(&self.dir, &name).and_then(|entry| {
            let entry = entry.ok_or(Errno::NOENT)?;
            for (attribute, value) in attributes {
                fs::create_at(&entry, attribute, &format!("{value}\n"))?;
            }
            rustix::fs::fchmod(&entry, Mode::from_raw_mode(0o755))
        });
        if let Err(e) = filled {
            let _ = fs::remove_tree_at(&self.dir, &name);
            return Err(e);
        }
        Ok(name)
    }

    fn hidden(&self, prefix: &str, make: impl Fn(&str) -> Result<()>) -> Result<String> {
        unused(prefix, make)
    }
}

/// Writes one attribute of the open entry `entry`; it is there whole or not at all. With
/// `replace` unset, an attribute that is there already stays: [`Step::Overtaken`].
pub(super) fn write_attribute(
    entry: impl AsFd,
    attribute: &str,
    value: &str,
    replace: bool,
) -> Result<Step> {
    let text = format!("{value}\n");
    let built = unused(&format!("{attribute}.tmp."), |name| {
        fs::create_at(&entry, name, &text)
    })?;
    let flags = if replace {
        RenameFlags::empty()
    } else {
        RenameFlags::NOREPLACE
    };
    match rustix::fs::renameat_with(&entry, &*built, &entry, attribute, flags) {
        Ok(()) => Ok(Step::Done),
        Err(e) => {
            let _ = rustix::fs::unlinkat(&entry, &*built, AtFlags::empty());
            if e == Errno::EXIST {
                Ok(Step::Overtaken)
            } else {
                Err(e)
            }
        }
    }
}

/// The inode behind a name, without following a link.
pub(super) fn inode(dir: impl AsFd, name: &str) -> Result<Option<u64>> {
    match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat.st_ino)),
        Err(Errno::NOENT) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Calls `make` with names `<prefix>XXXXXX` until one is free.
fn unused(prefix: &str, make: impl Fn(&str) -> Result<()>) -> Result<String> {
    for _ in 0..100 {
        let name = format!("{prefix}{}", suffix());
        match make(&name) {
            Ok(()) => return Ok(name),
            Err(Errno::EXIST) => {}
            Err(e) => return Err(e),
        }
    }
    Err(Errno::EXIST)
}

/// Six characters that another writer is unlikely to use at the same time.
fn suffix() -> String {
    const DIGITS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let clock = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let mut rest = (u64::from(std::process::id()) << 32)
        .wrapping_add(COUNTER.fetch_add(1, Ordering::Relaxed))
        .wrapping_add(u64::from(clock.subsec_nanos()).rotate_left(20))
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        >> 16;
    let mut digit = || {
        let index = usize::try_from(rest % 36).unwrap_or_default();
        rest /= 36;
        char::from(DIGITS.get(index).copied().unwrap_or(b'a'))
    };
    (0..6).map(|_| digit()).collect()
}
