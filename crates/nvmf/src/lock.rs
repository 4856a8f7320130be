//! One writer after the other.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{CWD, FlockOperation, Mode, OFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use rustix::io::{Errno, Result};

/// How long a writer waits for one and the same other one.
pub(crate) const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 10 });

/// Waits for the lock on the file `path`, which is made where it is missing and held until what
/// is returned goes, however that comes about.
///
/// # Errors
/// `EAGAIN`: somebody has held it for [`PATIENCE`] and does not come to an end. He is stopped, or
/// stuck in the kernel: waiting there, for the lock, could have no end either.
pub(crate) fn acquire(path: &Path) -> Result<OwnedFd> {
    // 0600, or anybody could hold it
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let lock = rustix::fs::openat(CWD, path, flags, Mode::from_raw_mode(0o600))?;
    let mut pause = Duration::from_micros(50);
    let mut waited = Duration::ZERO;
    let mut since = None;
    loop {
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                // whoever waits sees that it changes hands
                let _ = rustix::fs::futimens(&lock, &NOW);
                return Ok(lock);
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let stat = rustix::fs::fstat(&lock)?;
                let taken = Some((stat.st_mtime, stat.st_mtime_nsec));
                if since != taken {
                    (since, waited) = (taken, Duration::ZERO);
                }
                if waited >= PATIENCE {
                    return Err(Errno::AGAIN);
                }
                std::thread::sleep(pause);
                waited += pause;
                pause = (pause * 2).min(Duration::from_millis(2));
            }
            Err(e) => return Err(e),
        }
    }
}

const NOW: Timestamps = Timestamps {
    last_access: Timespec {
        tv_sec: 0,
        tv_nsec: UTIME_OMIT,
    },
    last_modification: Timespec {
        tv_sec: 0,
        tv_nsec: UTIME_NOW,
    },
};

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn one_that_never_ends_is_not_waited_for_forever() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = acquire(&path).unwrap();
        let started = Instant::now();
        assert_eq!(acquire(&path).unwrap_err(), Errno::AGAIN);
        assert!(started.elapsed() >= PATIENCE);
        drop(held);
        let _ = acquire(&path).unwrap();
    }

    #[test]
    fn a_long_queue_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = acquire(&path).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| acquire(&path).is_ok());
            // As many holders, one after the other: each is seen by the time of the file.
            for _ in 0..6 {
                std::thread::sleep(PATIENCE / 4);
                rustix::fs::futimens(&held, &NOW).unwrap();
            }
            drop(held);
            assert!(waiting.join().unwrap());
        });
    }

    #[test]
    fn a_link_is_no_lock() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        std::os::unix::fs::symlink("elsewhere", &path).unwrap();
        assert!(acquire(&path).is_err());
        assert!(!dir.path().join("elsewhere").exists());
    }
}
