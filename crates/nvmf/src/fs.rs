//! Small files, read and written relative to an open directory.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::{Errno, Result};

/// What a small file may have at most, in bytes: sysfs gives a page, the registry a line.
const LIMIT: usize = 64 * 1024;

/// The text of `name` in `dir`, at most 64 KiB; a symbolic link is not followed and what is not
/// UTF-8 is replaced.
pub(crate) fn read_at(dir: impl AsFd, name: &str) -> Result<String> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = rustix::fs::openat(dir, name, flags, Mode::empty())?;
    let mut text = Vec::new();
    let mut chunk = [0_u8; 4096];
    while text.len() < LIMIT {
        let count = rustix::io::retry_on_intr(|| rustix::io::read(&file, &mut chunk))?;
        match chunk.get(..count) {
            Some(more) if !more.is_empty() => text.extend_from_slice(more),
            _ => break,
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Creates `name` in `dir` with `text` and mode 0644; it must not exist.
pub(crate) fn create_at(dir: impl AsFd, name: &str, text: &str) -> Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = rustix::fs::openat(&dir, name, flags, Mode::empty())?;
    let mut rest = text.as_bytes();
    let written = loop {
        if rest.is_empty() {
            // whatever the umask is: everybody reads
            break rustix::fs::fchmod(&file, Mode::from_raw_mode(0o644));
        }
        match rustix::io::retry_on_intr(|| rustix::io::write(&file, rest)) {
            Ok(count) => rest = rest.get(count..).unwrap_or_default(),
            Err(e) => break Err(e),
        }
    };
    if written.is_err() {
        let _ = rustix::fs::unlinkat(dir, name, AtFlags::empty());
    }
    written
}

/// Opens the directory `name` in `dir`, or `None` if there is none; a symbolic link or a file is
/// none.
pub(crate) fn open_dir_at(dir: impl AsFd, name: impl AsRef<Path>) -> Result<Option<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(dir, name.as_ref(), flags, Mode::empty()) {
        Ok(fd) => Ok(Some(fd)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(e) => Err(e),
    }
}

/// The names in `dir`, without `.` and `..` and what is not UTF-8.
pub(crate) fn names(dir: impl AsFd) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(dir)? {
        if let Ok(name) = entry?.file_name().to_str()
            && !matches!(name, "." | "..")
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// Removes the directory `name` in `dir` with the files in it (entries have no directories in
/// them); what is gone already does not matter.
pub(crate) fn remove_tree_at(dir: impl AsFd, name: &str) -> Result<()> {
    if let Some(inside) = open_dir_at(&dir, name)? {
        for file in names(&inside)? {
            let stat = rustix::fs::statat(&inside, file.as_str(), AtFlags::SYMLINK_NOFOLLOW);
            match stat.map(|s| FileType::from_raw_mode(s.st_mode)) {
                Ok(FileType::Directory) => remove_tree_at(&inside, &file)?,
                Ok(_) => gone_is_fine(rustix::fs::unlinkat(
                    &inside,
                    file.as_str(),
                    AtFlags::empty(),
                ))?,
                Err(Errno::NOENT) => {}
                Err(e) => return Err(e),
            }
        }
    }
    gone_is_fine(rustix::fs::unlinkat(&dir, name, AtFlags::REMOVEDIR))
}

fn gone_is_fine(result: Result<()>) -> Result<()> {
    match result {
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}
