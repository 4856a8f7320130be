//! Why a configuration was not loaded.

use std::io;
use std::path::PathBuf;

use nvmf_types::config::Problems;
use thiserror::Error;

/// A configuration that was not loaded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The files were read, and what they say is wrong.
    #[error(transparent)]
    Problems(#[from] Problems),
    /// A file or directory that is there, or was asked for, cannot be read.
    #[error("cannot read `{}`: {reason}; {}", .path.display(), remedy(.reason))]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// The predecessor's format.
    #[error("`{}` is JSON, which is not read: convert it with `nvmf config convert`", .0.display())]
    Json(PathBuf),
    /// `/etc/nvme/hostnqn` or `/etc/nvme/hostid` holds something else.
    #[error("{}: error: {message}; write one line with the value, or remove the file", .path.display())]
    Identity {
        /// The file.
        path: PathBuf,
        /// What is wrong with its content.
        message: String,
    },
}

fn remedy(reason: &io::Error) -> &'static str {
    match reason.kind() {
        io::ErrorKind::NotFound => "give the name of a file that there is",
        io::ErrorKind::PermissionDenied => "read it as root, or give it another mode",
        io::ErrorKind::InvalidData => "save it as UTF-8",
        io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => "move it out of the way",
        _ => "check the file system",
    }
}
