//! One writer after the other.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::io::Errno;

use super::error::ListErrorKind;
use crate::replace::make_dir;
use crate::{Root, lock};

/// Held as long as it is alive.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "closing it is its use")] OwnedFd);

impl Lock {
    /// Waits for the lock of all lists, `/etc/nvme/.exclusions.lock`: no list, and nobody reads it.
    pub(super) fn acquire(root: &Root) -> Result<Self, ListErrorKind> {
        let nvme = root.etc_nvme();
        make_dir(&nvme)?;
        Self::on(&nvme.join(".exclusions.lock"))
    }

    fn on(path: &Path) -> Result<Self, ListErrorKind> {
        match lock::acquire(path) {
            Ok(lock) => Ok(Self(lock)),
            Err(Errno::AGAIN) => Err(ListErrorKind::Locked {
                lock: path.to_owned(),
                waited: lock::PATIENCE,
            }),
            Err(e) => Err(e.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_that_never_ends_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let _held = Lock::on(&path).unwrap();
        let message = Lock::on(&path).unwrap_err().to_string();
        let remedy = format!("`fuser -v {}` shows which", path.display());
        assert!(message.ends_with(&remedy), "{message}");
    }
}
