//! Following the registry: what is in it, kept up to date from the kernel's inotify events.
//!
//! A [`Watch`] mirrors all entries. Events only say which entries to read again; what is reported
//! is the difference between what was read before and what is read now. So a change that was
//! undone before anybody looked is not reported, several changes in a row may be reported as one,
//! and nothing is missing in the end: when events were lost, or the registry itself was removed,
//! made or replaced, every entry is read again.
//!
//! A tool that writes an attribute in place, not by renaming, is seen at work: first the attribute
//! is absent, then it may have a part of its value. So does any other reader see it.

mod change;
mod places;
#[cfg(test)]
mod stress;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod upheaval;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nvmf_types::{DeviceName, Owner};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

pub use change::Change;
use places::{Places, Touched};

use super::stamp::{self, OWNER, SYSFS_INO};
use super::steps::Steps;
use super::text::believed_owner;
use super::{Entry, Registry, RegistryError, RegistryErrorKind, read};

/// The registry as it was last seen, and the means to see what changed since.
///
/// Its descriptor is readable when [`Watch::changes`] has something to look at. That may be
/// nothing to report, such as another writer's work under a hidden name.
#[derive(Debug)]
pub struct Watch {
    registry: Registry,
    inotify: OwnedFd,
    places: Places,
    mirror: BTreeMap<DeviceName, Entry>,
    /// What the mirror does not show yet.
    touched: Touched,
    /// What was not reported yet.
    found: Vec<Change>,
}

impl Registry {
    /// Follows the registry from now on, whether there is one already or not.
    ///
    /// # Errors
    /// The registry cannot be read, or the kernel gives no (more) inotify instances or watches.
    pub fn watch(&self) -> Result<Watch, RegistryError> {
        let inotify = places::inotify().map_err(|e| self.watch_error(None, e))?;
        let mut watch = Watch {
            registry: self.clone(),
            inotify,
            places: Places::new(&self.dir),
            mirror: BTreeMap::new(),
            touched: Touched::everything(),
            found: Vec::new(),
        };
        watch.catch_up()?;
        watch.found.clear();
        Ok(watch)
    }

    fn watch_error(&self, device: Option<&DeviceName>, error: io::Error) -> RegistryError {
        self.error("watch", device, RegistryErrorKind::Io(error))
    }
}

impl Watch {
    /// All entries as of the last [`Watch::changes`], in the order of their numbers. Whether an
    /// entry is `stale` is as of when it last changed: the removal of a controller shows here when
    /// its entry is reaped. [`Watch::owner`] looks at the controller itself.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.mirror.values()
    }

    /// What changed since the last call, in the order of the controllers' numbers; nothing, if
    /// nothing did. Does not block.
    ///
    /// # Errors
    /// An entry cannot be read or watched. What changed in others was reported by an earlier call,
    /// and the entry is tried again by the next one.
    pub fn changes(&mut self) -> Result<Vec<Change>, RegistryError> {
        let caught_up = self.catch_up();
        if self.found.is_empty() {
            caught_up?;
        }
        Ok(std::mem::take(&mut self.found))
    }

    /// Waits until something changes, at most for `timeout`: nothing, if nothing did.
    ///
    /// # Errors
    /// As of [`Watch::changes`].
    pub fn wait(&mut self, timeout: Option<Duration>) -> Result<Vec<Change>, RegistryError> {
        let end = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let changes = self.changes()?;
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if !changes.is_empty() || left == Some(Duration::ZERO) {
                return Ok(changes);
            }
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            let mut fds = [PollFd::new(&self.inotify, PollFlags::IN)];
            match poll(&mut fds, left.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(e) => return Err(self.registry.io("watch", None, e)),
            }
        }
    }

    /// Who owns `device` now, as [`Registry::owner`] says, but with two system calls as long as
    /// there is nothing for [`Watch::changes`] to look at. It takes nothing away from that.
    ///
    /// # Errors
    /// The registry cannot be read.
    pub fn owner(&self, device: &DeviceName) -> Result<Option<Owner>, RegistryError> {
        let pending = rustix::io::ioctl_fionread(&self.inotify);
        let pending = pending.map_err(|e| self.registry.io("watch", None, e))?;
        if pending > 0 || !self.touched.is_empty() {
            return self.registry.owner(device);
        }
        let Some(entry) = self.mirror.get(device) else {
            return Ok(None);
        };
        let value = |name: &str| entry.attributes.get(name).map(String::as_str);
        let Some(owner) = value(OWNER).and_then(believed_owner) else {
            return Ok(None);
        };
        let current = self.registry.disk().current(device);
        let current = current.map_err(|e| self.registry.io("read", Some(device), e))?;
        Ok(stamp::is_live(value(SYSFS_INO), current).then_some(owner))
    }

    /// Brings the mirror up to date as far as possible; what could not be read stays touched.
    fn catch_up(&mut self) -> Result<(), RegistryError> {
        let drained = places::drain(&self.inotify, &mut self.places, &mut self.touched);
        drained.map_err(|e| self.registry.watch_error(None, e))?;
        if self.touched.everything {
            // The watches come first: what happens from here on raises events again.
            let anchored = self.places.anchor(&self.inotify);
            anchored.map_err(|e| self.registry.watch_error(None, e))?;
            let listed = read::devices(&self.registry.disk());
            let listed = listed.map_err(|e| self.registry.io("list", None, e))?;
            self.touched.devices.extend(listed);
            self.touched.devices.extend(self.mirror.keys().cloned());
            self.touched.devices.extend(self.places.devices().cloned());
            self.touched.everything = false;
        }
        let mut outcome = Ok(());
        for device in std::mem::take(&mut self.touched.devices) {
            if let Err(e) = self.look_again(&device) {
                outcome = outcome.and(Err(e));
                self.touched.devices.insert(device);
            }
        }
        outcome
    }

    fn look_again(&mut self, device: &DeviceName) -> Result<(), RegistryError> {
        let followed = self.places.follow(&self.inotify, device);
        followed.map_err(|e| self.registry.watch_error(Some(device), e))?;
        let now = read::entry(&self.registry.disk(), device)
            .map_err(|kind| self.registry.error("read", Some(device), kind))?;
        let before = match now.clone() {
            Some(entry) => self.mirror.insert(device.clone(), entry),
            None => self.mirror.remove(device),
        };
        self.found.extend(change::between(before, now));
        Ok(())
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}
