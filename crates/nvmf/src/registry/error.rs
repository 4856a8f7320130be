//! What can go wrong with the registry.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use nvmf_types::{AttrName, DeviceName, OwnerError};
use rustix::io::Errno;
use thiserror::Error;

use crate::fs;

/// An operation on the registry that was not done; what stood there before is intact.
#[derive(Debug)]
pub struct RegistryError {
    /// What was being done, as a verb phrase: `claim`, `read the owner of`.
    pub operation: &'static str,
    /// The entry, file or directory it was done to.
    pub path: PathBuf,
    /// Why it was not done.
    pub kind: RegistryErrorKind,
}

/// Why an operation on the registry was not done.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RegistryErrorKind {
    /// The kernel has no such controller (any more).
    #[error("there is no controller `{0}`")]
    NoSuchController(DeviceName),
    /// A controller that is no fabrics controller: the kernel manages it, nobody owns it.
    #[error("`{0}` is no fabrics controller, it is managed by the kernel")]
    NotFabrics(DeviceName),
    /// There is nothing to delete.
    #[error("`{0}` has no entry")]
    NoSuchEntry(DeviceName),
    /// There is nothing to remove.
    #[error("there is no attribute `{0}`")]
    NoSuchAttribute(AttrName),
    /// A bookkeeping attribute that only the registry itself writes.
    #[error("`{0}` is reserved: it is written together with the owner")]
    Reserved(AttrName),
    /// A value that does not fit on one line.
    #[error("the value contains a control character (byte {0}): one line of text is expected")]
    Value(usize),
    /// A value of `owner` that is none.
    #[error(transparent)]
    Owner(#[from] OwnerError),
    /// Other writers changed the entry again and again.
    #[error("the entry keeps changing, try again")]
    Contended,
    /// One of our own writers does not come to an end: stopped, or stuck in the kernel.
    #[error("another process has held its lock for {} s: `fuser -v {}` shows which", .waited.as_secs(), .lock.display())]
    Locked {
        /// The file that the lock is on.
        lock: PathBuf,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The file system says no.
    #[error("{cause}{}", remedy(.0), cause = .0)]
    Io(io::Error),
}

impl From<Errno> for RegistryErrorKind {
    fn from(error: Errno) -> Self {
        Self::Io(error.into())
    }
}

/// What to do about it, where that is not plain from the message.
fn remedy(error: &io::Error) -> &'static str {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::ACCESS | Errno::PERM) => ": only root can change the registry",
        errno => fs::remedy(errno),
    }
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        write!(f, "cannot {} `{path}`: {}", self.operation, self.kind)
    }
}

impl std::error::Error for RegistryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The message has the cause in it already.
        None
    }
}
