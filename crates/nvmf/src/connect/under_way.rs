//! Connects that are under way: `/run/nvme/connecting`.
//!
//! Between the moment in which the kernel has connected a controller and the one in which its
//! entry is in the registry, it looks like nobody's. So whoever connects for an owner says so
//! before the kernel is asked, in a file with the connection's transport id that is locked until
//! the entry is there; the lock dies with its holder. Who disconnects what nobody owns looks here
//! first, and at the owner afterwards: if nothing was under way, the entry is there already.
//!
//! The file's name stands for the connection, so two of our own processes do not make the same one
//! at once, which the kernel itself prevents for some transports only.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nvmf_types::TransportId;
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::{Errno, Result};

use crate::{Root, fs};

/// How often it is looked whether another process is done.
const GLANCE: Duration = Duration::from_millis(10);

/// How long another process of ours that connects the same is waited for: longer than the kernel
/// ever takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(90);

/// A connect that is under way for as long as this lives, or its process.
#[derive(Debug)]
pub(crate) struct UnderWay {
    dir: OwnedFd,
    name: String,
    _lock: OwnedFd,
}

impl UnderWay {
    /// Says that `tid` is being connected. `None`: another process has been saying so for as long
    /// as `patience`.
    pub(crate) fn begin(
        root: &Root,
        tid: &TransportId,
        patience: Duration,
    ) -> Result<Option<Self>> {
        Self::begin_as(root, tid, &name(tid), patience)
    }

    /// The same, whoever else connects `tid`.
    pub(crate) fn begin_another(root: &Root, tid: &TransportId) -> Result<Option<Self>> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}.{}.{number}", name(tid), std::process::id());
        Self::begin_as(root, tid, &name, Duration::ZERO)
    }

    fn begin_as(
        root: &Root,
        tid: &TransportId,
        name: &str,
        patience: Duration,
    ) -> Result<Option<Self>> {
        let dir = make_dir(root)?;
        let started = Instant::now();
        loop {
            if let Some(lock) = lock(&dir, name)? {
                rustix::fs::ftruncate(&lock, 0)?;
                fs::write_all(&lock, tid.to_string().as_bytes())?;
                let name = name.to_owned();
                return Ok(Some(Self {
                    dir,
                    name,
                    _lock: lock,
                }));
            }
            if started.elapsed() >= patience {
                return Ok(None);
            }
            std::thread::sleep(GLANCE);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        // What stays is collected later.
        let _ = rustix::fs::unlinkat(&self.dir, &*self.name, AtFlags::empty());
    }
}

/// Waits as long as another process of ours connects `tid`; then [`super::connect_once`] need not, which cannot
/// be stopped. Calls `waits` if there is something to wait for. Ends after a minute and a half in any case.
pub fn wait_for_others(root: &Root, tid: &TransportId, waits: impl FnOnce()) {
    let started = Instant::now();
    let mut waits = Some(waits);
    // What cannot be read is told by who connects.
    while is_under_way(root, |other| other == tid).unwrap_or_default()
        && started.elapsed() < PATIENCE
    {
        if let Some(waits) = waits.take() {
            waits();
        }
        std::thread::sleep(GLANCE);
    }
}

/// Whether a connect is under way that `fits`. One whose id cannot be read may be any.
pub(crate) fn is_under_way(root: &Root, fits: impl Fn(&TransportId) -> bool) -> Result<bool> {
    let Some(dir) = fs::open_dir(&path(root))? else {
        return Ok(false);
    };
    for name in fs::names(&dir)? {
        let Some(file) = open(&dir, &name, OFlags::RDONLY)? else {
            continue;
        };
        if rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
            continue;
        }
        let text = fs::read_at(&dir, &name).unwrap_or_default();
        let tid = std::str::from_utf8(&text).ok().and_then(|t| t.parse().ok());
        if tid.as_ref().is_none_or(&fits) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes what killed processes left; how much that was.
pub(crate) fn collect(root: &Root) -> Result<usize> {
    let Some(dir) = fs::open_dir(&path(root))? else {
        return Ok(0);
    };
    let mut collected = 0;
    for name in fs::names(&dir)? {
        if open(&dir, &name, OFlags::RDONLY)?.is_some()
            && let Some(_lock) = lock(&dir, &name)?
        {
            rustix::fs::unlinkat(&dir, &*name, AtFlags::empty())?;
            collected += 1;
        }
    }
    Ok(collected)
}

/// Locks the file, which is made where it is missing; `None`: somebody else has it.
fn lock(dir: &OwnedFd, name: &str) -> Result<Option<OwnedFd>> {
    loop {
        let Some(file) = open(dir, name, OFlags::RDWR | OFlags::CREATE)? else {
            continue;
        };
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::AGAIN) => return Ok(None),
            Err(Errno::INTR) => continue,
            Err(e) => return Err(e),
        }
        // Whoever had it before may have removed it.
        let mine = rustix::fs::fstat(&file)?.st_ino;
        match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if stat.st_ino == mine => return Ok(Some(file)),
            Ok(_) | Err(Errno::NOENT) => {}
            Err(e) => return Err(e),
        }
    }
}

fn open(dir: &OwnedFd, name: &str, flags: OFlags) -> Result<Option<OwnedFd>> {
    // 0600, or anybody could lock it
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    match rustix::fs::openat(dir, name, flags, Mode::from_raw_mode(0o600)) {
        Ok(file) => Ok(Some(file)),
        Err(Errno::NOENT) => Ok(None),
        Err(e) => Err(e),
    }
}

fn path(root: &Root) -> PathBuf {
    root.run_nvme().join("connecting")
}

fn make_dir(root: &Root) -> Result<OwnedFd> {
    fs::make_dir(&root.run_nvme())?;
    fs::make_dir(&path(root))?;
    fs::open_dir(&path(root))?.ok_or(Errno::NOTDIR)
}

/// A name for a connection. Should two have the same, one waits for the other.
fn name(tid: &TransportId) -> String {
    let mut hasher = DefaultHasher::new();
    tid.to_string().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    fn tid(port: u16) -> TransportId {
        format!("transport=tcp;traddr=192.0.2.10;trsvcid={port};nqn=nqn.2014-08.org.example:a")
            .parse()
            .unwrap()
    }

    fn begin(host: &FakeHost, port: u16) -> Option<UnderWay> {
        UnderWay::begin(&host.root(), &tid(port), Duration::ZERO).unwrap()
    }

    #[test]
    fn what_is_under_way_is_seen_until_it_is_over() {
        let host = FakeHost::new();
        let is = |port| is_under_way(&host.root(), |other| *other == tid(port)).unwrap();
        assert!(!is(1), "without a folder");
        let one = begin(&host, 1).unwrap();
        assert!(is(1) && !is(2));
        drop(one);
        assert!(!is(1));
        assert_eq!(collect(&host.root()).unwrap(), 0, "nothing is left");
    }

    #[test]
    fn one_connection_is_made_by_one_at_a_time() {
        let host = FakeHost::new();
        let one = begin(&host, 1).unwrap();
        assert!(begin(&host, 1).is_none());
        let two = begin(&host, 2);
        assert!(two.is_some(), "another connection");
        let another = UnderWay::begin_another(&host.root(), &tid(1)).unwrap();
        assert!(another.is_some(), "whoever else does");
        std::thread::scope(|scope| {
            let root = host.root();
            let waits = scope
                .spawn(move || UnderWay::begin(&root, &tid(1), Duration::from_secs(60)).unwrap());
            drop(one);
            assert!(waits.join().unwrap().is_some());
        });
    }

    #[test]
    fn who_waits_is_told_so_and_goes_on() {
        let host = FakeHost::new();
        wait_for_others(&host.root(), &tid(1), || panic!("for nobody"));
        let one = begin(&host, 1).unwrap();
        wait_for_others(&host.root(), &tid(2), || panic!("for another connection"));
        let mut one = Some(one);
        wait_for_others(&host.root(), &tid(1), || drop(one.take()));
        assert!(one.is_none(), "it was waited for");
    }

    #[test]
    fn many_take_turns() {
        let host = FakeHost::new();
        let busy = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let patience = Duration::from_secs(60);
                        let held = UnderWay::begin(&host.root(), &tid(1), patience);
                        let held = held.unwrap().unwrap();
                        let order = Ordering::SeqCst;
                        assert_eq!(busy.fetch_add(1, order), 0, "two at once");
                        busy.fetch_sub(1, order);
                        drop(held);
                    }
                });
            }
        });
    }

    #[test]
    fn the_dead_are_nobody() {
        let host = FakeHost::new();
        drop(begin(&host, 1));
        std::fs::write(path(&host.root()).join(name(&tid(1))), tid(1).to_string()).unwrap();
        assert!(!is_under_way(&host.root(), |_| true).unwrap());
        let held = begin(&host, 2).unwrap();
        assert_eq!(collect(&host.root()).unwrap(), 1);
        assert!(
            is_under_way(&host.root(), |_| true).unwrap(),
            "the living stay"
        );
        drop(held);
    }

    #[test]
    fn what_cannot_be_read_may_be_anything() {
        let host = FakeHost::new();
        let held = begin(&host, 1).unwrap();
        std::fs::write(path(&host.root()).join(name(&tid(1))), "\u{0}junk").unwrap();
        assert!(is_under_way(&host.root(), |_| false).unwrap());
        drop(held);
    }
}
