//! Files of any content, read with care.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

/// Why a file was not read.
#[derive(Debug)]
pub(crate) enum FileError {
    /// Something else of that name: `a directory`, `a pipe`, …
    NotAFile(&'static str),
    /// More than the limit.
    TooLarge,
    /// The file system says no.
    Io(io::Error),
}

/// The content of `path`, whatever bytes it has, and its status; at most `limit` bytes. Nothing is
/// waited for, whatever is in the file's place.
pub(crate) fn content(
    dir: impl AsFd,
    path: &Path,
    flags: OFlags,
    limit: u64,
) -> Result<(Vec<u8>, Stat), FileError> {
    let flags = flags | OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(dir, path, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NXIO) => return Err(FileError::NotAFile("a socket")),
        Err(e) => return Err(e.into()),
    };
    let stat = rustix::fs::fstat(&file)?;
    let what = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => "",
        FileType::Directory => "a directory",
        FileType::Fifo => "a pipe",
        _ => "a device",
    };
    if !what.is_empty() {
        return Err(FileError::NotAFile(what));
    }
    let size = u64::try_from(stat.st_size).unwrap_or_default();
    let mut content = Vec::new();
    if size <= limit {
        content.reserve_exact(usize::try_from(size).unwrap_or_default() + 1);
        File::from(file).take(limit + 1).read_to_end(&mut content)?;
    }
    if size > limit || content.len() as u64 > limit {
        return Err(FileError::TooLarge);
    }
    Ok((content, stat))
}

/// The line (counted from 1) of the first byte that is not UTF-8.
pub(crate) fn bad_line(bytes: &[u8]) -> usize {
    let good = std::str::from_utf8(bytes).map_or_else(|e| e.valid_up_to(), str::len);
    let before = bytes.get(..good).unwrap_or_default();
    before.iter().filter(|b| **b == b'\n').count() + 1
}

impl From<Errno> for FileError {
    fn from(error: Errno) -> Self {
        Self::Io(error.into())
    }
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
