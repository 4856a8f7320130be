//! Controllers in sysfs.
use crate::{
    Root,
    registry::{Registry, RegistryError},
};
use nvmf_types::{ControllerState, DeviceName, LiveController, Owner};
use std::io;
use std::path::PathBuf;
/// Reading sysfs failed otherwise than by the controller's disappearance.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} `{}`: {source}", .path.display())]
pub struct SysfsError {
    /// verb phrase
    pub operation: &'static str,
    /// path
    pub path: PathBuf,
    /// why
    pub source: io::Error,
}
/// Any NVMe controller, PCIe ones too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControllerInfo {
    /// device
    pub device: DeviceName,
    /// sysfs `transport`: `pcie`, `tcp` …
    pub transport: String,
    /// sysfs `address`
    pub address: String,
    /// subsysnqn
    pub subsysnqn: String,
    /// state
    pub state: ControllerState,
    /// model
    pub model: String,
    /// serial
    pub serial: String,
    /// firmware
    pub firmware: String,
    /// The fabrics view; `None`: managed by the kernel
    pub fabrics: Option<LiveController>,
}
/// A namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// `nvme3n1`
    pub name: String,
    /// nsid
    pub nsid: Option<u32>,
    /// bytes
    pub size: u64,
}
/// What became of a delete
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// by us
    Yes,
    /// was gone
    AlreadyGone,
}
/// A pinned controller
#[derive(Debug)]
pub struct Pinned {
    controller: LiveController,
}
#[allow(missing_docs, clippy::missing_errors_doc)]
pub fn controllers(_root: &Root) -> Result<Vec<LiveController>, SysfsError> {
    todo!()
}
#[allow(missing_docs)]
pub fn controller(
    _root: &Root,
    _device: &DeviceName,
) -> Result<Option<LiveController>, SysfsError> {
    todo!()
}
#[allow(missing_docs)]
pub fn all(_root: &Root) -> Result<Vec<ControllerInfo>, SysfsError> {
    todo!()
}
#[allow(missing_docs)]
pub fn namespaces(_root: &Root, _device: &DeviceName) -> Result<Vec<Namespace>, SysfsError> {
    todo!()
}
#[allow(missing_docs)]
impl Pinned {
    pub fn open(_root: &Root, _device: &DeviceName) -> Result<Option<Self>, SysfsError> {
        todo!()
    }
    pub fn device(&self) -> &DeviceName {
        &self.controller.device
    }
    pub fn sysfs_ino(&self) -> u64 {
        self.controller.sysfs_ino
    }
    /// as read when it was opened
    pub fn controller(&self) -> &LiveController {
        &self.controller
    }
    /// now; None: gone
    pub fn state(&self) -> Option<ControllerState> {
        todo!()
    }
    pub fn owner(&self, registry: &Registry) -> Result<Option<Owner>, RegistryError> {
        registry.owner_of(self.device(), self.sysfs_ino())
    }
    pub fn delete(&self) -> Result<Deleted, SysfsError> {
        todo!()
    }
}
