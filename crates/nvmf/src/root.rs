//! Where the host's files are.

use std::path::{Path, PathBuf};

/// The prefix of every path that this crate touches: `/` in production, a folder in tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    prefix: PathBuf,
    credentials: Option<PathBuf>,
    /// Where sysfs is, if not below the prefix.
    sysfs: Option<PathBuf>,
    /// Whether the files of [`Root::etc_nvme`] and [`Root::run_nvme`] are in the prefix itself.
    flat: bool,
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
            sysfs: None,
            flat: false,
        }
    }

    /// One folder with the exclusion lists and the registry side by side, as libnvme lays out its
    /// test folder: for programs that were written for that.
    #[must_use]
    pub fn flat(folder: impl Into<PathBuf>) -> Self {
        Self {
            flat: true,
            ..Self::new(folder)
        }
    }

    /// With another sysfs.
    #[must_use]
    pub fn with_sysfs(self, folder: Option<PathBuf>) -> Self {
        Self {
            sysfs: folder,
            ..self
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

    /// `/etc/nvme`, where the exclusion lists are
    #[must_use]
    pub fn etc_nvme(&self) -> PathBuf {
        match self.flat {
            true => self.prefix.clone(),
            false => self.etc().join("nvme"),
        }
    }

    /// `/run/nvme`, where the registry is
    #[must_use]
    pub fn run_nvme(&self) -> PathBuf {
        match self.flat {
            true => self.prefix.clone(),
            false => self.run().join("nvme"),
        }
    }

    /// `/run`
    #[must_use]
    pub fn run(&self) -> PathBuf {
        self.prefix.join("run")
    }

    /// `/sys`
    #[must_use]
    pub fn sys(&self) -> PathBuf {
        let sysfs = self.sysfs.clone();
        sysfs.unwrap_or_else(|| self.prefix.join("sys"))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{exclusions, registry::Registry};

    #[test]
    fn everything_in_one_folder() {
        let (folder, sys) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = Root::flat(folder.path()).with_sysfs(Some(sys.path().into()));
        let controller = sys.path().join("class/nvme/nvme3");
        std::fs::create_dir_all(&controller).unwrap();
        std::fs::write(controller.join("transport"), "tcp\n").unwrap();

        let (registry, device) = (Registry::open(&root), "nvme3".parse().unwrap());
        assert_eq!(registry.entry(&device).unwrap(), None);
        let owner = "owner".parse().unwrap();
        registry.set(&device, &owner, "me").unwrap();
        let entry = registry.entry(&device).unwrap().unwrap();
        assert_eq!(entry.attributes["owner"], "me");
        let _ = exclusions::create(&root, &"lab".parse().unwrap()).unwrap();
        for file in ["registry/nvme3/owner", "exclusions.conf.d/lab.conf"] {
            assert!(folder.path().join(file).is_file(), "{file}");
        }
        std::fs::remove_dir_all(controller).unwrap();
        assert_eq!(registry.entry(&device).unwrap(), None, "it is stale");
    }
}
