//! The ownership registry.
use nvmf_types::{AttrName, DeviceName, Owner};
use std::collections::BTreeMap;
mod error;
use crate::Root;
pub use error::{RegistryError, RegistryErrorKind};

/// The registry.
#[derive(Clone, Debug)]
pub struct Registry {
    root: Root,
}
/// What became of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It was unowned and is ours now.
    Granted,
    /// ours already
    AlreadyMine,
    /// another's
    OwnedBy(Owner),
    /// gone
    NoSuchController,
}
/// What became of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registered {
    /// entry written
    Owned,
    /// no entry
    Unowned,
    /// another claimed it already
    OwnedBy(Owner),
}
/// What became of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Release {
    /// was ours
    Released,
    /// nobody's
    NotOwned,
    /// another's
    OwnedBy(Owner),
}
/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// device
    pub device: DeviceName,
    /// attributes
    pub attributes: BTreeMap<String, String>,
    /// stale
    pub stale: bool,
}
type Result<T> = std::result::Result<T, RegistryError>;
#[allow(missing_docs, clippy::missing_errors_doc)]
impl Registry {
    pub fn open(root: &Root) -> Self {
        Self { root: root.clone() }
    }
    pub fn register(
        &self,
        _device: &DeviceName,
        _sysfs_ino: u64,
        _owner: Option<&Owner>,
        _notes: &[(AttrName, String)],
    ) -> Result<Registered> {
        todo!("{:?}", self.root)
    }
    pub fn claim(&self, _device: &DeviceName, _owner: &Owner) -> Result<Claim> {
        todo!()
    }
    pub fn release(&self, _device: &DeviceName, _owner: &Owner) -> Result<Release> {
        todo!()
    }
    pub fn owner(&self, _device: &DeviceName) -> Result<Option<Owner>> {
        todo!()
    }
    pub fn owner_of(&self, _device: &DeviceName, _sysfs_ino: u64) -> Result<Option<Owner>> {
        todo!()
    }
    pub fn attribute(&self, _device: &DeviceName, _attr: &AttrName) -> Result<Option<String>> {
        todo!()
    }
    pub fn set(&self, _device: &DeviceName, _attr: &AttrName, _value: &str) -> Result<()> {
        todo!()
    }
    pub fn remove(&self, _device: &DeviceName, _attr: &AttrName) -> Result<()> {
        todo!()
    }
    pub fn delete(&self, _device: &DeviceName) -> Result<()> {
        todo!()
    }
    pub fn entries(&self) -> Result<Vec<Entry>> {
        todo!()
    }
    pub fn collect_garbage(&self) -> Result<usize> {
        todo!()
    }
}
