//! What can go wrong with a list.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use nvmf_types::exclusion::Entry;
use rustix::io::Errno;
use thiserror::Error;

use super::file::LIMIT;
use crate::file::FileError;
use crate::fs;

/// An operation on a list that was not done. What stood there before is intact.
#[derive(Debug)]
pub struct ListError {
    /// What was being done, as a verb: `read`, `change`, `create`, `delete`.
    pub operation: &'static str,
    /// The list's file.
    pub path: PathBuf,
    /// Why it was not done.
    pub kind: ListErrorKind,
}

/// Why an operation on a list was not done.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ListErrorKind {
    /// There is no file.
    #[error("there is no such list")]
    NoSuchList,
    /// A symbolic link, which replacing would silently turn into a file.
    #[error("it is a symbolic link to `{}`: change that file, or put a file in the link's place", .0.display())]
    Symlink(PathBuf),
    /// Something else of that name: a directory, a device.
    #[error("it is {0}: a list is a file")]
    NotAFile(&'static str),
    /// Bytes that are no text.
    #[error("line {0} is not UTF-8: correct it with a text editor")]
    NotUtf8(usize),
    /// More than a list has.
    #[error("it has more than {} MiB, the most that a list has", LIMIT >> 20)]
    TooLarge,
    /// A list where the first design had them.
    #[error("lists in that folder are only read: move it to `{}`, then it can be changed", .0.display())]
    FirstDesign(PathBuf),
    /// It is not what the change was based on.
    #[error("it has been changed meanwhile: look at it, and change it again")]
    Changed,
    /// The file would have entries that exclude nothing: at least one.
    #[error("{}: correct it or take it out first", Dead(.0))]
    Dead(Vec<Entry>),
    /// Another writer does not come to an end: stopped, or stuck in the kernel.
    #[error("another process has held the lock for {} s: `fuser -v {}` shows which", .waited.as_secs(), .lock.display())]
    Locked {
        /// The file that the lock is on.
        lock: PathBuf,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The file system says no.
    #[error("{cause}{}", remedy(.0), cause = .0)]
    Io(io::Error),
}

impl ListErrorKind {
    /// The error of an operation on a file.
    pub(super) fn of(self, operation: &'static str, path: impl Into<PathBuf>) -> ListError {
        ListError {
            operation,
            path: path.into(),
            kind: self,
        }
    }
}

impl From<Errno> for ListErrorKind {
    fn from(error: Errno) -> Self {
        Self::Io(error.into())
    }
}

impl From<FileError> for ListErrorKind {
    fn from(error: FileError) -> Self {
        match error {
            FileError::NotAFile(what) => Self::NotAFile(what),
            FileError::TooLarge => Self::TooLarge,
            FileError::Io(e) => Self::Io(e),
        }
    }
}

impl From<io::Error> for ListErrorKind {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The first dead entry, and how many more.
struct Dead<'a>(&'a [Entry]);

impl fmt::Display for Dead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(entry) = self.0.first() else {
            return f.write_str("an entry excludes nothing");
        };
        let line = entry.source.line;
        write!(f, "line {line} `{}` ", entry.text.escape_debug())?;
        if self.0.len() > 1 {
            write!(f, "(and {} more) ", self.0.len() - 1)?;
        }
        f.write_str("excludes nothing")?;
        match &entry.kind {
            Err(why) => write!(f, ", {why}"),
            Ok(_) => Ok(()),
        }
    }
}

/// What to do about it, where that is not plain from the message.
fn remedy(error: &io::Error) -> &'static str {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::ACCESS) => ": only root can change lists",
        Some(Errno::PERM) => {
            ": only root can change lists, and `lsattr` shows whether the file is immutable"
        }
        Some(Errno::BUSY) => ": a mount is in its place, change the file that is mounted there",
        errno => fs::remedy(errno),
    }
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        write!(f, "cannot {} `{path}`: {}", self.operation, self.kind)
    }
}

impl std::error::Error for ListError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The message has the cause in it already.
        None
    }
}
