//! The single steps that the registry's operations are made of.
//!
//! The operations ([`super::protocol`]) are written against this trait, and nothing else. On a
//! host each step is a system call or a few ([`super::disk`]); the model checker runs the very
//! same operations on a registry in memory, with everybody else's steps in between.

use std::collections::BTreeMap;

use nvmf_types::DeviceName;
use rustix::io::Result;

/// Whether a step happened, or another writer was faster and everything is to be looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub(super) enum Step {
    Done,
    Overtaken,
}

/// What is to happen to an attribute that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Existing {
    Replace,
    Keep,
}

/// Attributes by name.
pub(super) type Attributes = BTreeMap<String, String>;

/// A host's registry and what the kernel says about its controllers. Every method is one step as
/// far as others can see: they see all of it or nothing.
pub(super) trait Steps {
    /// Held by one of our own writers; dropping it, or dying, lets the next one in.
    type Lock;
    /// An entry's directory, held open: it stays the same one when its name goes to another.
    type Entry;
    /// A directory under a name that nobody reads.
    type Hidden;
    /// An attribute under a name that nobody reads.
    type Taken;

    /// Waits for the lock, and makes the registry where it is missing.
    fn lock(&self) -> Result<Self::Lock>;
    /// Waits for the lock; `None`: there is no registry.
    fn lock_existing(&self) -> Result<Option<Self::Lock>>;

    /// The incarnation that has the name `device` now: the inode of its sysfs directory.
    fn current(&self, device: &DeviceName) -> Result<Option<u64>>;
    /// The number of the kernel's last uevent.
    fn seqnum(&self) -> Option<u64>;

    /// Opens an entry, for [`Steps::read`] and what changes it.
    fn open(&self, device: &DeviceName) -> Result<Option<Self::Entry>>;
    /// The inode of an open entry's directory.
    fn inode(&self, entry: &Self::Entry) -> u64;
    /// The inode of the directory that has the name now.
    fn inode_in_place(&self, device: &DeviceName) -> Result<Option<u64>>;
    /// An attribute of whatever entry has the name now.
    fn read_in_place(&self, device: &DeviceName, attribute: &str) -> Result<Option<String>>;

    /// Fills a hidden directory.
    fn build(&self, device: &DeviceName, attributes: &Attributes) -> Result<Self::Hidden>;
    /// Gives a hidden directory the name, if no entry has it.
    fn place(&self, hidden: &Self::Hidden, device: &DeviceName) -> Result<Step>;
    /// Gives a hidden directory the name, and hides the entry that had it under its own; the
    /// inode of that one. `None`: no entry had it, nothing happened.
    fn exchange(&self, hidden: &Self::Hidden, device: &DeviceName) -> Result<Option<u64>>;
    /// Hides the entry.
    fn hide(&self, device: &DeviceName) -> Result<Option<Self::Hidden>>;
    /// Removes a hidden directory; what cannot be removed is garbage.
    fn destroy(&self, hidden: Self::Hidden);
    /// Removes the entry if nothing is in it: [`Step::Overtaken`] if there is.
    fn remove_empty(&self, device: &DeviceName) -> Result<Step>;

    /// An attribute of an open entry.
    fn read(&self, entry: &Self::Entry, attribute: &str) -> Result<Option<String>>;
    /// Writes an attribute, whole or not at all. [`Step::Overtaken`]: it was there and is to be
    /// kept, or the entry has been removed.
    fn write(
        &self,
        entry: &Self::Entry,
        attribute: &str,
        value: &str,
        existing: Existing,
    ) -> Result<Step>;
    /// Hides an attribute, with what it was.
    fn take(
        &self,
        entry: &Self::Entry,
        attribute: &str,
    ) -> Result<Option<(Self::Taken, Option<String>)>>;
    /// Gives a hidden attribute its name back, unless another one has it.
    fn put_back(&self, entry: &Self::Entry, taken: Self::Taken, attribute: &str) -> Result<Step>;
    /// Removes a hidden attribute; what cannot be removed is garbage.
    fn drop_taken(&self, entry: &Self::Entry, taken: Self::Taken);
    /// Removes an attribute; `false`: there was none.
    fn unlink(&self, entry: &Self::Entry, attribute: &str) -> Result<bool>;
    /// Removes everything in an entry, the stamp last.
    fn strip(&self, entry: &Self::Entry) -> Result<()>;
}
