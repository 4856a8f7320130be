//! What can go wrong in sysfs.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::registry::{RegistryError, RegistryErrorKind};

/// sysfs, or the registry beside it, could not be used for another reason than that the controller
/// is gone.
#[derive(Debug)]
pub struct SysfsError {
    /// What was being done, as a verb phrase: `read`, `disconnect`.
    pub operation: &'static str,
    /// The file or directory it was done to.
    pub path: PathBuf,
    /// Why it was not done.
    pub source: io::Error,
}

impl fmt::Display for SysfsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, source) = (self.path.display(), &self.source);
        write!(f, "cannot {} `{path}`: {source}", self.operation)?;
        match source.kind() {
            io::ErrorKind::PermissionDenied => f.write_str(": only root may"),
            io::ErrorKind::ResourceBusy => {
                f.write_str(": its first connect is still under way, try again when it is over")
            }
            _ => Ok(()),
        }
    }
}

impl std::error::Error for SysfsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.source()
    }
}

impl From<RegistryError> for SysfsError {
    fn from(error: RegistryError) -> Self {
        Self {
            operation: error.operation,
            path: error.path,
            source: match error.kind {
                RegistryErrorKind::Io(source) => source,
                other => io::Error::other(other),
            },
        }
    }
}
