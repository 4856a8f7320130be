//! Where the host's files are.

use std::path::{Path, PathBuf};

/// The prefix of every path that this crate touches: `/` in production, a folder in tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    prefix: PathBuf,
    credentials: Option<PathBuf>,
}

impl Root {
    /// The running system: `/`.
    #[must_use]
    pub fn system() -> Self {
        Self::new("/")
    }

    /// A tree of its own below `prefix`, for tests and for images.
    #[must_use]
    pub fn new(prefix: impl Into<PathBuf>) -> Self {
        Self {
            prefix: prefix.into(),
            credentials: None,
        }
    }

    /// With the folder of the credentials that systemd passes to this service
    /// (`$CREDENTIALS_DIRECTORY`), if it passes any.
    #[must_use]
    pub fn with_credentials(self, folder: Option<PathBuf>) -> Self {
        Self {
            credentials: folder,
            ..self
        }
    }

    /// The folder of this service's credentials.
    #[must_use]
    pub fn credentials(&self) -> Option<&Path> {
        self.credentials.as_deref()
    }

    /// An absolute path that a configuration names.
    #[must_use]
    pub fn of(&self, absolute: &str) -> PathBuf {
        self.prefix.join(absolute.trim_start_matches('/'))
    }

    /// `/etc`
    #[must_use]
    pub fn etc(&self) -> PathBuf {
        self.prefix.join("etc")
    }

    /// `/run`
    #[must_use]
    pub fn run(&self) -> PathBuf {
        self.prefix.join("run")
    }

    /// `/sys`
    #[must_use]
    pub fn sys(&self) -> PathBuf {
        self.prefix.join("sys")
    }

    /// `/dev`
    #[must_use]
    pub fn dev(&self) -> PathBuf {
        self.prefix.join("dev")
    }

    /// `/proc`
    #[must_use]
    pub fn proc(&self) -> PathBuf {
        self.prefix.join("proc")
    }

    /// Whether this is the running system, where devices and modules are real.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.prefix == Path::new("/")
    }
}
