//! Where the host's files are.

use std::path::{Path, PathBuf};

/// The prefix of every path that this crate touches: `/` in production, a folder in tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root(PathBuf);

impl Root {
    /// The running system: `/`.
    #[must_use]
    pub fn system() -> Self {
        Self(PathBuf::from("/"))
    }

    /// A tree of its own below `prefix`, for tests and for images.
    #[must_use]
    pub fn new(prefix: impl Into<PathBuf>) -> Self {
        Self(prefix.into())
    }

    /// `/etc`
    #[must_use]
    pub fn etc(&self) -> PathBuf {
        self.0.join("etc")
    }

    /// `/run`
    #[must_use]
    pub fn run(&self) -> PathBuf {
        self.0.join("run")
    }

    /// `/sys`
    #[must_use]
    pub fn sys(&self) -> PathBuf {
        self.0.join("sys")
    }

    /// `/dev`
    #[must_use]
    pub fn dev(&self) -> PathBuf {
        self.0.join("dev")
    }

    /// `/proc`
    #[must_use]
    pub fn proc(&self) -> PathBuf {
        self.0.join("proc")
    }

    /// Whether this is the running system, where devices and modules are real.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.0 == Path::new("/")
    }
}
