//! Replacing a file as a whole.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, RenameFlags, Stat, Uid};
use rustix::io::{Errno, Result};

use crate::fs;

/// The next content of a list while it is written. There is one at a time, because there is one
/// lock; what a killed writer left is removed by the next one.
const NEXT: &str = ".exclusions.next";

/// Makes a directory for everybody to read, if there is none.
pub(super) fn make_dir(path: &Path) -> Result<()> {
    let made = fs::make_dir(path)?;
    match path.parent() {
        Some(parent) if made => sync_dir(open_dir(parent)?),
        _ => Ok(()),
    }
}

/// Opens the directory `path`; links on the way are followed.
pub(super) fn open_dir(path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, path, flags, Mode::empty())
}

/// Removes what a killed writer left.
pub(super) fn sweep(dir: impl AsFd) -> Result<()> {
    match rustix::fs::unlinkat(dir, NEXT, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(e) => Err(e),
    }
}

/// Gives the file `name` in `dir` this text, all of it or nothing, whatever happens meanwhile.
/// `old` is the status of the file that is replaced, whose owner and mode are kept; without it
/// there must be no such file, and the new one has mode 0644.
pub(super) fn save(dir: impl AsFd, name: &Path, text: &str, old: Option<&Stat>) -> Result<()> {
    sweep(&dir)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = rustix::fs::openat(&dir, NEXT, flags, Mode::from_raw_mode(0o600))?;
    let flags = match old {
        Some(_) => RenameFlags::empty(),
        None => RenameFlags::NOREPLACE,
    };
    let saved = fill(file, text, old)
        .and_then(|()| rustix::fs::renameat_with(&dir, NEXT, &dir, name, flags));
    if saved.is_err() {
        let _ = sweep(&dir);
    }
    saved.and_then(|()| sync_dir(dir))
}

/// Makes sure that what was done in the directory survives a crash.
pub(super) fn sync_dir(dir: impl AsFd) -> Result<()> {
    match rustix::fs::fsync(dir) {
        // a file system that has nothing to do
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        Err(e) => Err(e),
    }
}

fn fill(file: OwnedFd, text: &str, old: Option<&Stat>) -> Result<()> {
    fs::write_all(&file, text.as_bytes())?;
    let mut mode = 0o644;
    if let Some(old) = old {
        mode = old.st_mode & 0o7777;
        let mine = rustix::fs::fstat(&file)?;
        if (mine.st_uid, mine.st_gid) != (old.st_uid, old.st_gid) {
            let (owner, group) = (Uid::from_raw(old.st_uid), Gid::from_raw(old.st_gid));
            rustix::fs::fchown(&file, Some(owner), Some(group))?;
        }
    }
    // after the owner, because changing that takes bits away; and whatever the umask is
    rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
    rustix::fs::fsync(&file)
}
