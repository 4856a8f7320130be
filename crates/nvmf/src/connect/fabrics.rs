//! `/dev/nvme-fabrics`.

use std::os::fd::OwnedFd;

use nvmf_types::{ConnectString, Transport};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use super::ConnectErrorKind;
use super::modules;
use crate::Root;

/// What a connect needs of the kernel. Dropping it gives the new controller's number free.
pub(super) trait Fabrics {
    /// Hands the line to the kernel and returns its answer.
    fn write(&mut self, line: &ConnectString) -> Result<String, ConnectErrorKind>;
}

/// The open device.
pub(super) struct Device {
    root: Root,
    transport: Transport,
    fd: OwnedFd,
}

impl Device {
    /// Opens the device, loading `nvme-fabrics` if need be.
    pub(super) fn open(root: &Root, transport: Transport) -> Result<Self, ConnectErrorKind> {
        if !rustix::process::geteuid().is_root() {
            return Err(ConnectErrorKind::NotRoot);
        }
        let fd = match open(root) {
            Err(e) if is_missing(e) && modules::provide(root, "nvme-fabrics") => open(root),
            other => other,
        };
        match fd {
            Ok(fd) => Ok(Self {
                root: root.clone(),
                transport,
                fd,
            }),
            Err(e) if is_missing(e) => Err(ConnectErrorKind::NoFabrics(transport.module())),
            Err(Errno::ACCESS | Errno::PERM) => Err(ConnectErrorKind::NotRoot),
            Err(e) => Err(ConnectErrorKind::Io(e.into())),
        }
    }

    /// One attempt: the file takes a single line.
    fn attempt(&self, line: &ConnectString) -> Result<String, Errno> {
        rustix::io::write(&self.fd, line.expose().as_bytes())?;
        let mut answer = [0_u8; 256];
        let count = rustix::io::read(&self.fd, &mut answer)?;
        Ok(String::from_utf8_lossy(answer.get(..count).unwrap_or_default()).into_owned())
    }
}

impl Fabrics for Device {
    fn write(&mut self, line: &ConnectString) -> Result<String, ConnectErrorKind> {
        let module = self.transport.module();
        let loaded = || {
            self.root
                .sys()
                .join("module")
                .join(module.replace('-', "_"))
                .exists()
        };
        match self.attempt(line) {
            // The kernel has tried to load the transport itself and says no more than this.
            Err(Errno::INVAL) if !loaded() => {
                if !modules::provide(&self.root, module) {
                    return Err(ConnectErrorKind::NoModule(module));
                }
                self.fd = open(&self.root).map_err(|e| ConnectErrorKind::Io(e.into()))?;
                self.attempt(line).map_err(ConnectErrorKind::of_write)
            }
            other => other.map_err(ConnectErrorKind::of_write),
        }
    }
}

fn open(root: &Root) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, root.dev().join("nvme-fabrics"), flags, Mode::empty())
}

/// No device, or a device node that nothing is behind.
const fn is_missing(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::NODEV | Errno::NXIO)
}
