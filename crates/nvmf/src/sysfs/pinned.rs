//! Controllers held by their sysfs directory.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use nvmf_types::{ControllerClass, ControllerState, DeviceName, LiveController, Owner, Transport};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use super::{SysfsError, read};
use crate::registry::{Registry, RegistryError};
use crate::{Root, fs};

/// A fabrics controller whose sysfs directory is held open, so that nothing done through it can
/// hit another controller that got the same number meanwhile. Little else is known of it.
#[derive(Debug)]
pub struct Held {
    dir: ControllerDir,
    transport: Transport,
    class: Option<ControllerClass>,
}

/// A controller that is held, and what it was at that moment.
#[derive(Debug)]
pub struct Pinned {
    held: Held,
    controller: LiveController,
}

/// What became of a disconnect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// The controller is disconnected.
    Yes,
    /// Somebody else was faster.
    AlreadyGone,
}

impl std::fmt::Display for Deleted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Yes => "disconnected",
            Self::AlreadyGone => "already gone",
        })
    }
}

impl Pinned {
    /// Pins the controller that has the name `device` now; `None`: there is none, or it is no
    /// fabrics controller.
    ///
    /// # Errors
    /// sysfs or the registry cannot be read.
    pub fn open(root: &Root, device: &DeviceName) -> Result<Option<Self>, SysfsError> {
        let Some(dir) = ControllerDir::open(root, device)? else {
            return Ok(None);
        };
        let controller = read::live_controller(root, &dir)?;
        Ok(controller.map(|controller| Self {
            held: Held {
                dir,
                transport: controller.tid.transport,
                class: controller.class,
            },
            controller,
        }))
    }

    /// What it was when it was pinned.
    #[must_use]
    pub const fn controller(&self) -> &LiveController {
        &self.controller
    }
}

impl std::ops::Deref for Pinned {
    type Target = Held;

    fn deref(&self) -> &Held {
        &self.held
    }
}

impl Held {
    /// Holds the controller that has the name `device` now; `None`: there is none, or it is no
    /// fabrics controller.
    ///
    /// # Errors
    /// sysfs cannot be read.
    pub fn open(root: &Root, device: &DeviceName) -> Result<Option<Self>, SysfsError> {
        let Some(dir) = ControllerDir::open(root, device)? else {
            return Ok(None);
        };
        let transport = dir.attribute("transport")?;
        let Some(transport) = transport.and_then(|word| word.parse().ok()) else {
            return Ok(None);
        };
        let class = read::class(&dir)?;
        Ok(Some(Self {
            dir,
            transport,
            class,
        }))
    }

    /// What it is now; `None`: it is gone.
    ///
    /// # Errors
    /// sysfs or the registry cannot be read.
    pub fn read(&self, root: &Root) -> Result<Option<LiveController>, SysfsError> {
        read::live_controller(root, &self.dir)
    }

    /// The kernel's name for it.
    #[must_use]
    pub const fn device(&self) -> &DeviceName {
        &self.dir.device
    }

    /// The inode of its sysfs directory.
    #[must_use]
    pub const fn sysfs_ino(&self) -> u64 {
        self.dir.ino
    }

    /// Its fabric.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// What kind of controller it was when it was held; `None`: its first connect was under way.
    #[must_use]
    pub const fn class(&self) -> Option<ControllerClass> {
        self.class
    }

    /// Its state now; `None`: it is gone.
    ///
    /// # Errors
    /// sysfs cannot be read.
    pub fn state(&self) -> Result<Option<ControllerState>, SysfsError> {
        let word = self.dir.attribute("state")?;
        Ok(word.map(|word| ControllerState::from_sysfs(&word)))
    }

    /// Who owns this very controller now.
    ///
    /// # Errors
    /// The registry cannot be read.
    pub fn owner(&self, registry: &Registry) -> Result<Option<Owner>, RegistryError> {
        registry.owner_of(self.device(), self.sysfs_ino())
    }

    /// Disconnects it: blocks until the kernel is done (Linux `drivers/nvme/host/sysfs.c`,
    /// `delete_controller`).
    ///
    /// # Errors
    /// Not root, or the controller's first connect is still under way.
    pub fn delete(&self) -> Result<Deleted, SysfsError> {
        let write = || {
            let flags = OFlags::WRONLY | OFlags::CLOEXEC;
            let file = rustix::fs::openat(&self.dir.fd, "delete_controller", flags, Mode::empty())?;
            rustix::io::retry_on_intr(|| rustix::io::write(&file, b"1"))
        };
        match write() {
            Ok(_) => Ok(Deleted::Yes),
            Err(e) if is_gone(e) => Ok(Deleted::AlreadyGone),
            Err(e) => Err(SysfsError {
                operation: "disconnect",
                path: self.dir.path.clone(),
                source: e.into(),
            }),
        }
    }
}

/// A controller's sysfs directory, held open.
#[derive(Debug)]
pub(crate) struct ControllerDir {
    pub(super) fd: OwnedFd,
    pub(super) path: PathBuf,
    pub(super) device: DeviceName,
    pub(super) ino: u64,
}

impl ControllerDir {
    /// `None`: there is no such controller.
    pub(crate) fn open(root: &Root, device: &DeviceName) -> Result<Option<Self>, SysfsError> {
        let path = root.sys().join("class/nvme").join(device.as_str());
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(CWD, &path, flags, Mode::empty())
            .and_then(|fd| rustix::fs::fstat(&fd).map(|stat| (fd, stat.st_ino)));
        match opened {
            Ok((fd, ino)) => Ok(Some(Self {
                fd,
                path,
                device: device.clone(),
                ino,
            })),
            Err(e) if is_gone(e) => Ok(None),
            Err(e) => Err(SysfsError {
                operation: "read",
                path,
                source: e.into(),
            }),
        }
    }

    pub(crate) const fn ino(&self) -> u64 {
        self.ino
    }

    /// An attribute without white space around it; `None`: no such attribute, or the controller
    /// is gone.
    pub(crate) fn attribute(&self, name: &str) -> Result<Option<String>, SysfsError> {
        match fs::read_at(&self.fd, name) {
            Ok(content) => Ok(Some(String::from_utf8_lossy(&content).trim().to_owned())),
            Err(e) if is_gone(e) => Ok(None),
            Err(e) => Err(SysfsError {
                operation: "read",
                path: self.path.join(name),
                source: io::Error::from(e),
            }),
        }
    }
}

/// How a removed controller answers, by a path or through its directory.
const fn is_gone(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::NODEV | Errno::NXIO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    #[test]
    fn a_pin_never_hits_the_successor() {
        let host = FakeHost::new();
        let device = host.tcp("nvme3", "nqn.2014-08.org.example:a");
        let pinned = Pinned::open(&host.root(), &device).unwrap().unwrap();
        assert_eq!(pinned.state().unwrap(), Some(ControllerState::Live));

        host.replace_tcp("nvme3", "nqn.2014-08.org.example:b");
        assert_eq!(pinned.delete().unwrap(), Deleted::AlreadyGone);
        assert_eq!(pinned.state().unwrap(), None);
        assert_eq!(
            host.deletes("nvme3"),
            "",
            "the successor must not be touched"
        );

        let successor = Pinned::open(&host.root(), &device).unwrap().unwrap();
        assert_ne!(successor.sysfs_ino(), pinned.sysfs_ino());
        assert_eq!(successor.delete().unwrap(), Deleted::Yes);
        assert_eq!(host.deletes("nvme3"), "1");
    }

    #[test]
    fn what_is_no_fabrics_controller_cannot_be_pinned() {
        let host = FakeHost::new();
        let pcie = host.pcie("nvme0");
        assert!(Pinned::open(&host.root(), &pcie).unwrap().is_none());
        assert!(
            Pinned::open(&host.root(), &DeviceName::from_number(9))
                .unwrap()
                .is_none()
        );
    }
}
