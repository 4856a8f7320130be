//! Why a configuration was not changed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nvmf_types::config::EditError;
use rustix::io::Errno;
use thiserror::Error;

use super::LoadError;
use crate::fs;

/// A configuration that was not changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// It cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The change is not possible.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// A symbolic link, which replacing would silently turn into a file.
    #[error("`{}` is a symbolic link: put a file in its place, or name the file that it leads to", .0.display())]
    Symlink(PathBuf),
    /// Something else of that name: a directory, a device.
    #[error("`{}` is no file: move it out of the way", .0.display())]
    NotAFile(PathBuf),
    /// Somebody else wrote it in this moment.
    #[error("`{}` has been changed meanwhile: try again", .0.display())]
    Changed(PathBuf),
    /// Another writer does not come to an end: stopped, or stuck in the kernel.
    #[error("another process has held the lock for {} s: `fuser -v {}` shows which", .waited.as_secs(), .lock.display())]
    Locked {
        /// The file that the lock is on.
        lock: PathBuf,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The file system says no.
    #[error("cannot {operation} `{}`: {reason}{}", .path.display(), remedy(*.reason))]
    Io {
        /// What was being done, as a verb.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it was not done.
        reason: Errno,
    },
    /// Not all was written.
    #[error("{cause}; written was only {}: the same command does the rest", .written.join(", "))]
    Partly {
        /// Why not all.
        cause: Box<Self>,
        /// What is written.
        written: Vec<String>,
    },
}

impl WriteError {
    /// The same, where some files are written already.
    pub(super) fn after(self, written: &[String]) -> Self {
        if written.is_empty() {
            return self;
        }
        Self::Partly {
            cause: Box::new(self),
            written: written.to_vec(),
        }
    }
}

/// Makes an error of what the system says.
pub(super) fn io(operation: &'static str, path: &Path) -> impl FnOnce(Errno) -> WriteError + use<> {
    let path = path.to_owned();
    move |reason| WriteError::Io {
        operation,
        path,
        reason,
    }
}

fn remedy(errno: Errno) -> &'static str {
    match errno {
        Errno::ACCESS | Errno::PERM => ": only root can change the configuration",
        Errno::NOENT => ": its folder must exist",
        errno => fs::remedy(Some(errno)),
    }
}
