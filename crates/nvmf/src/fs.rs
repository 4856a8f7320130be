//! Small files, read and written relative to an open directory.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir, ResolveFlags, SeekFrom};
use rustix::io::{Errno, Result};

/// What a small file may have at most, in bytes: sysfs gives a page, the registry a line.
const LIMIT: usize = 64 * 1024;

/// The content of `path` in `dir`, at most 64 KiB. No link on the way is followed, and nothing
/// outside `dir` is reached.
pub(crate) fn read_at(dir: impl AsFd, path: &str) -> Result<Vec<u8>> {
    read_open(&open_beneath(dir, path, OFlags::RDONLY | OFlags::NONBLOCK)?)
}

/// The content of `path`, at most 64 KiB.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    read_open(&rustix::fs::openat(CWD, path, flags, Mode::empty())?)
}

fn read_open(file: &OwnedFd) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    let mut chunk = [0_u8; 4096];
    while content.len() < LIMIT {
        let count = rustix::io::retry_on_intr(|| rustix::io::read(file, &mut chunk))?;
        content.extend_from_slice(chunk.get(..count).unwrap_or_default());
        // these files are regular ones: a short read is the last
        if count < chunk.len() {
            break;
        }
    }
    Ok(content)
}

/// Creates `name` in `dir` with `text` and mode 0644; it must not exist.
pub(crate) fn create_at(dir: impl AsFd, name: &str, text: &str) -> Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = rustix::fs::openat(&dir, name, flags, Mode::empty())?;
    // whatever the umask is: everybody reads
    let written = write_all(&file, text.as_bytes())
        .and_then(|()| rustix::fs::fchmod(&file, Mode::from_raw_mode(0o644)));
    if written.is_err() {
        let _ = rustix::fs::unlinkat(dir, name, AtFlags::empty());
    }
    written
}

/// Writes all of `content`.
pub(crate) fn write_all(file: impl AsFd, content: &[u8]) -> Result<()> {
    let mut rest = content;
    while !rest.is_empty() {
        let count = rustix::io::retry_on_intr(|| rustix::io::write(&file, rest))?;
        rest = rest.get(count..).unwrap_or_default();
    }
    Ok(())
}

/// Makes the directory `path` for everybody to read; `false`: there is something already.
pub(crate) fn make_dir(path: &Path) -> Result<bool> {
    match rustix::fs::mkdir(path, Mode::from_raw_mode(0o755)) {
        // whatever the umask is
        Ok(()) => rustix::fs::chmod(path, Mode::from_raw_mode(0o755)).map(|()| true),
        Err(Errno::EXIST) => Ok(false),
        Err(e) => Err(e),
    }
}

/// What to do about a file system that says no, where that is not plain from its message.
pub(crate) fn remedy(errno: Option<Errno>) -> &'static str {
    match errno {
        Some(Errno::NOSPC | Errno::DQUOT) => ": make room there, `df` shows what is full",
        Some(Errno::ROFS) => ": it must be writable, `findmnt -T` shows what is mounted there",
        Some(Errno::MFILE) => ": raise the limit, `ulimit -n` shows it",
        Some(Errno::NFILE) => ": raise the limit, `sysctl fs.file-max` shows it",
        _ => "",
    }
}

/// Opens the directory `path`, or `None` if there is none; a symbolic link or a file is none.
pub(crate) fn open_dir(path: &Path) -> Result<Option<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    none_if_missing(rustix::fs::openat(CWD, path, flags, Mode::empty()))
}

/// Opens the directory `path` in `dir`, or `None` if there is none; a symbolic link or a file is
/// none.
pub(crate) fn open_dir_at(dir: impl AsFd, path: &str) -> Result<Option<OwnedFd>> {
    none_if_missing(open_beneath(dir, path, OFlags::RDONLY | OFlags::DIRECTORY))
}

fn none_if_missing(opened: Result<OwnedFd>) -> Result<Option<OwnedFd>> {
    match opened {
        Ok(fd) => Ok(Some(fd)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(e) => Err(e),
    }
}

fn open_beneath(dir: impl AsFd, path: &str, flags: OFlags) -> Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let flags = flags | OFlags::CLOEXEC;
    match rustix::fs::openat2(&dir, path, flags, Mode::empty(), resolve) {
        // systemd takes it from services with RestrictSUIDSGID=, and udev, which reaps, is one.
        Err(Errno::NOSYS) => walk_beneath(dir, path, flags),
        opened => opened,
    }
}

/// [`open_beneath`] folder by folder, for processes that may not use `openat2`.
fn walk_beneath(dir: impl AsFd, path: &str, flags: OFlags) -> Result<OwnedFd> {
    let open = |dir: BorrowedFd<'_>, name: &str, flags: OFlags| match name {
        "" | "." | ".." => Err(Errno::XDEV),
        name => rustix::fs::openat(dir, name, flags | OFlags::NOFOLLOW, Mode::empty()),
    };
    let through = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut folder: Option<OwnedFd> = None;
    let mut rest = path;
    while let Some((name, below)) = rest.split_once('/') {
        folder = Some(open(
            folder.as_ref().map_or(dir.as_fd(), AsFd::as_fd),
            name,
            through,
        )?);
        rest = below;
    }
    open(
        folder.as_ref().map_or(dir.as_fd(), AsFd::as_fd),
        rest,
        flags,
    )
}

/// The names in `dir`, without `.` and `..` and what is not UTF-8.
pub(crate) fn names(dir: impl AsFd) -> Result<Vec<String>> {
    let mut names = Vec::new();
    rustix::fs::seek(&dir, SeekFrom::Start(0))?;
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut entries = RawDir::new(dir, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = match entry {
            // the directory itself is removed
            Err(Errno::NOENT) => break,
            entry => entry?,
        };
        if let Ok(name) = entry.file_name().to_str()
            && !matches!(name, "." | "..")
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// Removes the directory `name` in `dir` with everything in it; what is gone already does not
/// matter.
pub(crate) fn remove_tree_at(dir: impl AsFd, name: &str) -> Result<()> {
    // an empty one needs no file descriptor
    match gone_is_fine(rustix::fs::unlinkat(&dir, name, AtFlags::REMOVEDIR)) {
        Err(Errno::NOTEMPTY | Errno::EXIST) => {}
        other => return other,
    }
    if let Some(inside) = open_dir_at(&dir, name)? {
        for file in names(&inside)? {
            remove_at(&inside, &file)?;
        }
    }
    gone_is_fine(rustix::fs::unlinkat(&dir, name, AtFlags::REMOVEDIR))
}

/// Removes `name` in `dir`, a file or a directory with everything in it.
pub(crate) fn remove_at(dir: impl AsFd, name: &str) -> Result<()> {
    match rustix::fs::unlinkat(&dir, name, AtFlags::empty()) {
        Err(Errno::ISDIR) => remove_tree_at(dir, name),
        other => gone_is_fine(other),
    }
}

fn gone_is_fine(result: Result<()>) -> Result<()> {
    match result {
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn without_openat2_the_same_is_opened_and_refused() {
        let host = tempfile::tempdir().unwrap();
        let path = host.path();
        std::fs::create_dir_all(path.join("registry/nvme3")).unwrap();
        std::fs::write(path.join("registry/nvme3/owner"), "me\n").unwrap();
        std::fs::write(path.join("outside"), "x\n").unwrap();
        symlink("../outside", path.join("registry/link")).unwrap();
        symlink("nvme3", path.join("registry/nvme4")).unwrap();
        let dir = open_dir(&path.join("registry")).unwrap().unwrap();
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        for (path, opens) in [
            ("nvme3", true),
            ("nvme3/owner", true),
            ("nvme3/seqnum", false),
            ("nvme3/owner/x", false),
            ("link", false),
            ("nvme4", false),
            ("nvme4/owner", false),
            ("../outside", false),
            ("nvme3/../../outside", false),
            ("/etc/hostname", false),
            ("", false),
        ] {
            assert_eq!(open_beneath(&dir, path, flags).is_ok(), opens, "{path}");
            assert_eq!(walk_beneath(&dir, path, flags).is_ok(), opens, "{path}");
        }
    }
}
