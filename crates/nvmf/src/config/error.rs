//! Why a configuration was not loaded.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use nvmf_types::config::Problems;
use thiserror::Error;

use crate::file;

/// A configuration that was not loaded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The files were read, and what they say is wrong.
    #[error(transparent)]
    Problems(#[from] Problems),
    /// Files that were not read: at least one.
    #[error("{}", Lines(.0))]
    Files(Vec<FileError>),
}

/// A file or folder that was not read.
#[derive(Debug)]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// The line that is wrong, counted from 1, if it is one.
    pub line: Option<usize>,
    /// Why.
    pub kind: FileErrorKind,
}

/// Why a file was not read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FileErrorKind {
    /// The file system says no.
    #[error("{0}")]
    Io(io::Error),
    /// Something else of that name: a directory, a pipe, a device.
    #[error("it is {0}")]
    NotAFile(&'static str),
    /// More than a configuration file has.
    #[error("it has more than 1 MiB, the most that a configuration file has")]
    TooLarge,
    /// Bytes that are no text.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// The predecessor's format.
    #[error("it is JSON, which is not read")]
    Json,
    /// `/etc/nvme/hostnqn` or `/etc/nvme/hostid` holds something else.
    #[error("{0}")]
    Identity(String),
}

impl FileError {
    pub(super) fn new(path: &Path, kind: FileErrorKind) -> Self {
        Self {
            path: path.to_owned(),
            line: None,
            kind,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match &self.kind {
            FileErrorKind::Io(reason) => match reason.kind() {
                io::ErrorKind::NotFound => "give the name of a file that there is",
                io::ErrorKind::PermissionDenied => "read it as root, or give it another mode",
                io::ErrorKind::NotADirectory => "move it out of the way",
                _ => "check the file system",
            },
            FileErrorKind::NotAFile(_) => "move it out of the way",
            FileErrorKind::TooLarge => "split it into drop-ins",
            FileErrorKind::NotUtf8 => "save it as UTF-8",
            FileErrorKind::Json => "convert it with `nvmf config convert`",
            FileErrorKind::Identity(_) => "write one line with the value, or remove the file",
        }
    }
}

impl From<FileError> for LoadError {
    fn from(error: FileError) -> Self {
        Self::Files(vec![error])
    }
}

impl From<file::FileError> for FileErrorKind {
    fn from(error: file::FileError) -> Self {
        match error {
            file::FileError::NotAFile(what) => Self::NotAFile(what),
            file::FileError::TooLarge => Self::TooLarge,
            file::FileError::Io(e) => Self::Io(e),
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, kind, remedy) = (self.path.display(), &self.kind, self.remedy());
        match self.line {
            Some(line) => write!(f, "{path}:{line}: error: {kind}; {remedy}"),
            None => write!(f, "cannot read `{path}`: {kind}; {remedy}"),
        }
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The message has the cause in it already.
        None
    }
}

struct Lines<'a>(&'a [FileError]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}
