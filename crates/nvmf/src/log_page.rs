//! Reading the discovery log page.
use crate::Root;
use nvmf_types::{
    DeviceName,
    log_page::{DiscoveryLog, LogPageError},
};
use std::io;
/// Why
#[derive(Debug, thiserror::Error)]
#[error("cannot read the discovery log page of `{device}`: {kind}")]
pub struct LogPageFetchError {
    /// device
    pub device: DeviceName,
    /// why
    pub kind: LogPageFetchErrorKind,
}
/// Why
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogPageFetchErrorKind {
    /// no such
    #[error("gone")]
    NoSuchController,
    /// status
    #[error("status {0:#x}")]
    Status(u16),
    /// lies
    #[error("{0}")]
    Page(#[from] LogPageError),
    /// numrec lies
    #[error("short")]
    Short {
        /// numrec
        promised: u64,
        /// delivered
        delivered: u64,
    },
    /// moved
    #[error("moving")]
    Unsettled(u32),
    /// io
    #[error("{0}")]
    Io(io::Error),
}
#[allow(missing_docs)]
pub fn fetch(_root: &Root, _device: &DeviceName) -> Result<DiscoveryLog, LogPageFetchError> {
    todo!()
}
/// only of the incarnation `sysfs_ino`
pub fn fetch_of(
    _root: &Root,
    _device: &DeviceName,
    _sysfs_ino: u64,
) -> Result<DiscoveryLog, LogPageFetchError> {
    todo!()
}
