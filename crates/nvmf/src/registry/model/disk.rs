//! A registry's directory in memory: what a file system does, one call at a time.

use std::collections::BTreeMap;

use super::steps::{Name, Reply, Request};
use crate::registry::stamp::SYSFS_INO;
use crate::registry::steps::{Attributes, Existing, Step};

/// Directories by inode, and which name leads to which.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Disk {
    dirs: BTreeMap<u64, Attributes>,
    names: BTreeMap<Name, u64>,
}

impl Disk {
    /// Makes a call; `fresh` is an inode and a hidden name that nobody has.
    pub(super) fn call(&mut self, request: &Request, fresh: u64) -> Reply {
        match request {
            Request::Open(device) | Request::InodeInPlace(device) => {
                Reply::Inode(self.names.get(&Name::Entry(*device)).copied())
            }
            Request::ReadInPlace(device, attribute) => {
                let dir = self.names.get(&Name::Entry(*device));
                Reply::Text(dir.and_then(|dir| self.read(*dir, attribute)))
            }
            Request::Build(attributes) => {
                self.dirs.insert(fresh, attributes.clone());
                self.names.insert(Name::Hidden(fresh), fresh);
                Reply::Inode(Some(fresh))
            }
            Request::Place(hidden, device) => {
                Reply::Step(self.rename(Name::Hidden(*hidden), Name::Entry(*device)))
            }
            Request::Exchange(hidden, device) => Reply::Inode(self.exchange(*hidden, *device)),
            Request::Hide(device) => match self.rename(Name::Entry(*device), Name::Hidden(fresh)) {
                Step::Done => Reply::Inode(Some(fresh)),
                Step::Overtaken => Reply::Inode(None),
            },
            Request::Destroy(hidden) => {
                self.names.remove(&Name::Hidden(*hidden));
                self.forget_unreachable();
                Reply::Unit
            }
            Request::RemoveEmpty(device) => Reply::Step(self.remove_empty(*device)),
            Request::Read(entry, attribute) => Reply::Text(self.read(*entry, attribute)),
            Request::Write(entry, attribute, value, existing) => {
                Reply::Step(self.write(*entry, attribute, value, *existing))
            }
            Request::Take(entry, attribute) => {
                let attributes = self.dirs.get_mut(entry);
                Reply::Text(attributes.and_then(|all| all.remove(attribute)))
            }
            Request::Unlink(entry, attribute) => {
                let attributes = self.dirs.get_mut(entry);
                Reply::Bool(attributes.is_some_and(|all| all.remove(attribute).is_some()))
            }
            Request::StripNotes(entry) => {
                if let Some(all) = self.dirs.get_mut(entry) {
                    all.retain(|name, _| name == SYSFS_INO);
                }
                Reply::Unit
            }
            Request::Current(_)
            | Request::Seqnum
            | Request::Lock
            | Request::UnderWay(_)
            | Request::Delete(..) => {
                unreachable!("not a call to the file system: {request:?}")
            }
        }
    }

    /// The attributes of the entry that has the name.
    pub(super) fn entry(&self, device: u32) -> Option<&Attributes> {
        self.dirs.get(self.names.get(&Name::Entry(device))?)
    }

    /// The numbers that have entries.
    pub(super) fn entries(&self) -> impl Iterator<Item = u32> {
        self.names.keys().filter_map(|name| match name {
            Name::Entry(device) => Some(*device),
            Name::Hidden(_) => None,
        })
    }

    fn read(&self, dir: u64, attribute: &str) -> Option<String> {
        self.dirs.get(&dir)?.get(attribute).cloned()
    }

    fn write(&mut self, dir: u64, attribute: &str, value: &str, existing: Existing) -> Step {
        let Some(all) = self.dirs.get_mut(&dir) else {
            return Step::Overtaken;
        };
        if existing == Existing::Keep && all.contains_key(attribute) {
            return Step::Overtaken;
        }
        all.insert(attribute.to_owned(), value.to_owned());
        Step::Done
    }

    fn rename(&mut self, from: Name, to: Name) -> Step {
        if self.names.contains_key(&to) {
            return Step::Overtaken;
        }
        match self.names.remove(&from) {
            Some(dir) => {
                self.names.insert(to, dir);
                Step::Done
            }
            None => Step::Overtaken,
        }
    }

    fn exchange(&mut self, hidden: u64, device: u32) -> Option<u64> {
        let (hidden, entry) = (Name::Hidden(hidden), Name::Entry(device));
        let (mine, theirs) = (*self.names.get(&hidden)?, *self.names.get(&entry)?);
        self.names.insert(entry, mine);
        self.names.insert(hidden, theirs);
        Some(theirs)
    }

    fn remove_empty(&mut self, device: u32) -> Step {
        let name = Name::Entry(device);
        let Some(dir) = self.names.get(&name) else {
            return Step::Done;
        };
        if self.dirs.get(dir).is_some_and(|all| !all.is_empty()) {
            return Step::Overtaken;
        }
        self.names.remove(&name);
        self.forget_unreachable();
        Step::Done
    }

    /// A directory without a name is gone: nothing can be read or written in it any more.
    fn forget_unreachable(&mut self) {
        let reachable: Vec<u64> = self.names.values().copied().collect();
        self.dirs.retain(|dir, _| reachable.contains(dir));
    }
}
