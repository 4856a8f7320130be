//! Replacing files as a whole: others see the old content or the new one.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, RenameFlags, Stat, Uid};
use rustix::io::{Errno, Result};

use crate::fs;

/// Whose a file is to be, and who may do what with it.
#[derive(Clone, Copy)]
pub(crate) enum Attributes<'a> {
    /// Those of the file that is replaced.
    Like(&'a Stat),
    /// There is no such file yet: ours, with this mode.
    New(u32),
}

/// The next content of a file, complete and on the disk, under another name. It goes with this
/// value, unless it is [`put`](Self::put) in its place.
pub(crate) struct Staged {
    dir: OwnedFd,
    next: PathBuf,
    name: PathBuf,
    flags: RenameFlags,
    put: bool,
}

impl Staged {
    /// Writes `text`, which is to be the content of `name` in `dir`, into the file `next` there.
    /// Only one writer at a time may use that name; what a killed one left is removed.
    pub(crate) fn new(
        dir: OwnedFd,
        next: impl Into<PathBuf>,
        name: impl Into<PathBuf>,
        text: &str,
        attributes: Attributes<'_>,
    ) -> Result<Self> {
        let staged = Self {
            next: next.into(),
            name: name.into(),
            flags: match attributes {
                Attributes::Like(_) => RenameFlags::empty(),
                Attributes::New(_) => RenameFlags::NOREPLACE,
            },
            put: false,
            dir,
        };
        sweep(&staged.dir, &staged.next)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o600);
        let file = rustix::fs::openat(&staged.dir, &staged.next, flags, mode)?;
        fill(file, text, attributes)?;
        Ok(staged)
    }

    /// Puts it in its place, whatever happens meanwhile. If an error comes from the last step, which
    /// makes sure that a crash does not undo it, it is there.
    ///
    /// `EEXIST`: there is such a file now.
    pub(crate) fn put(mut self) -> Result<()> {
        rustix::fs::renameat_with(&self.dir, &self.next, &self.dir, &self.name, self.flags)?;
        self.put = true;
        sync_dir(&self.dir)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.put {
            let _ = sweep(&self.dir, &self.next);
        }
    }
}

/// Makes a directory for everybody to read, if there is none.
pub(crate) fn make_dir(path: &Path) -> Result<()> {
    let made = fs::make_dir(path)?;
    match path.parent() {
        Some(parent) if made => sync_dir(open_dir(parent)?),
        _ => Ok(()),
    }
}

/// Opens the directory `path`; links on the way are followed.
pub(crate) fn open_dir(path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, path, flags, Mode::empty())
}

/// Removes what a killed writer left.
pub(crate) fn sweep(dir: impl AsFd, next: &Path) -> Result<()> {
    match rustix::fs::unlinkat(dir, next, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(e) => Err(e),
    }
}

/// Makes sure that what was done in the directory survives a crash.
pub(crate) fn sync_dir(dir: impl AsFd) -> Result<()> {
    match rustix::fs::fsync(dir) {
        // a file system that has nothing to do
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        Err(e) => Err(e),
    }
}

fn fill(file: OwnedFd, text: &str, attributes: Attributes<'_>) -> Result<()> {
    fs::write_all(&file, text.as_bytes())?;
    let mode = match attributes {
        Attributes::New(mode) => mode,
        Attributes::Like(old) => {
            let mine = rustix::fs::fstat(&file)?;
            if (mine.st_uid, mine.st_gid) != (old.st_uid, old.st_gid) {
                let (owner, group) = (Uid::from_raw(old.st_uid), Gid::from_raw(old.st_gid));
                rustix::fs::fchown(&file, Some(owner), Some(group))?;
            }
            old.st_mode & 0o7777
        }
    };
    // after the owner, because changing that takes bits away; and whatever the umask is
    rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
    rustix::fs::fsync(&file)
}
