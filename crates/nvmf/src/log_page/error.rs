//! Why a log page was not read.

use std::fmt;
use std::io;

use nvmf_types::DeviceName;
use nvmf_types::log_page::LogPageError;
use rustix::io::Errno;
use thiserror::Error;

/// A discovery log page that was not read.
#[derive(Debug)]
pub struct LogPageFetchError {
    /// The discovery controller.
    pub device: DeviceName,
    /// Why it was not read.
    pub kind: LogPageFetchErrorKind,
}

/// Why a log page was not read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LogPageFetchErrorKind {
    /// There is no such controller (any more).
    #[error("there is no such controller (any more)")]
    NoSuchController,
    /// The caller is not root.
    #[error("only root may read it")]
    NotRoot,
    /// The controller answers with an error (NVMe status: type and code).
    #[error("the controller answers with NVMe status {0:#05x}: is it a discovery controller?")]
    Status(u16),
    /// The header makes no sense.
    #[error(transparent)]
    Page(#[from] LogPageError),
    /// The controller has fewer entries than it says.
    #[error("the controller announces {promised} entries and delivers {delivered}")]
    Short {
        /// `numrec`
        promised: u64,
        /// Entries that came before the first that consists of zeros.
        delivered: u64,
    },
    /// The log changed during every attempt.
    #[error("it changed during each of {0} attempts")]
    Unsettled(u32),
    /// The device says no.
    #[error("{0}")]
    Io(io::Error),
}

impl From<Errno> for LogPageFetchErrorKind {
    fn from(error: Errno) -> Self {
        match error {
            Errno::NOENT | Errno::NODEV | Errno::NXIO => Self::NoSuchController,
            Errno::ACCESS | Errno::PERM => Self::NotRoot,
            e => Self::Io(e.into()),
        }
    }
}

impl fmt::Display for LogPageFetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cannot read the discovery log page of `{}`: {}",
            self.device, self.kind
        )
    }
}

impl std::error::Error for LogPageFetchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The message has the cause in it already.
        None
    }
}
