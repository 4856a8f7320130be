//! One writer after the other.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{CWD, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::error::ListErrorKind;
use super::save::make_dir;
use crate::Root;

/// How long a writer waits for the others.
const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 10 });

/// Held as long as it is alive.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "closing it is its use")] OwnedFd);

impl Lock {
    /// Waits for the lock of all lists, `/etc/nvme/.exclusions.lock`: no list, and nobody reads it.
    pub(super) fn acquire(root: &Root) -> Result<Self, ListErrorKind> {
        let nvme = root.etc().join("nvme");
        make_dir(&nvme)?;
        Self::on(&nvme.join(".exclusions.lock"))
    }

    fn on(path: &Path) -> Result<Self, ListErrorKind> {
        // 0600, or anybody could hold it
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let lock = rustix::fs::openat(CWD, path, flags, Mode::from_raw_mode(0o600))?;
        let mut pause = Duration::from_micros(50);
        let mut waited = Duration::ZERO;
        loop {
            match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self(lock)),
                Err(Errno::INTR) => {}
                // It is held for milliseconds, by what is not stopped. A lock that is waited for
                // in the kernel could be waited for without end.
                Err(Errno::AGAIN) if waited < PATIENCE => {
                    std::thread::sleep(pause);
                    waited += pause;
                    pause = (pause * 2).min(Duration::from_millis(5));
                }
                Err(Errno::AGAIN) => {
                    let lock = path.to_owned();
                    return Err(ListErrorKind::Locked { lock, waited });
                }
                Err(e) => return Err(e.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_writer_that_never_ends_is_not_waited_for_forever() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = Lock::on(&path).unwrap();
        let started = Instant::now();
        let refused = Lock::on(&path).unwrap_err();
        assert!(started.elapsed() >= PATIENCE);
        let message = refused.to_string();
        assert!(matches!(refused, ListErrorKind::Locked { .. }));
        let remedy = format!("`fuser -v {}` shows which", path.display());
        assert!(message.ends_with(&remedy), "{message}");
        drop(held);
        Lock::on(&path).unwrap();
    }

    #[test]
    fn a_link_is_no_lock() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        std::os::unix::fs::symlink("elsewhere", &path).unwrap();
        assert!(Lock::on(&path).is_err());
        assert!(!dir.path().join("elsewhere").exists());
    }
}
