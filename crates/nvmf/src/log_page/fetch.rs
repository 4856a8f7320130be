//! The device that the log page is read from.

use std::os::fd::OwnedFd;

use nvmf_types::DeviceName;
use nvmf_types::log_page::DiscoveryLog;
use rustix::fs::{CWD, Mode, OFlags};

use super::paging::{Source, read_page};
use super::{LogPageFetchError, LogPageFetchErrorKind, ioctl};
use crate::Root;
use crate::sysfs::ControllerDir;

/// Reads the discovery log page of `device` in one generation, and so acknowledges the event that
/// announced it. Blocks as long as the controller does.
///
/// # Errors
/// It cannot be read, makes no sense, or changes all the time.
pub fn fetch(root: &Root, device: &DeviceName) -> Result<DiscoveryLog, LogPageFetchError> {
    read(root, device, None, decoded)
}

/// Like [`fetch`], but only if `device` is the incarnation `sysfs_ino`.
///
/// # Errors
/// Also if it is another one ([`LogPageFetchErrorKind::NoSuchController`]).
pub fn fetch_of(
    root: &Root,
    device: &DeviceName,
    sysfs_ino: u64,
) -> Result<DiscoveryLog, LogPageFetchError> {
    read(root, device, Some(sysfs_ino), decoded)
}

/// Like [`fetch_of`], but gives the bytes of the page, header and entries.
///
/// # Errors
/// As [`fetch_of`].
pub fn fetch_page_of(
    root: &Root,
    device: &DeviceName,
    sysfs_ino: u64,
) -> Result<Vec<u8>, LogPageFetchError> {
    read(root, device, Some(sysfs_ino), Ok)
}

fn decoded(page: Vec<u8>) -> Result<DiscoveryLog, LogPageFetchErrorKind> {
    Ok(DiscoveryLog::from_page(&page)?)
}

fn read<T>(
    root: &Root,
    device: &DeviceName,
    sysfs_ino: Option<u64>,
    finish: impl FnOnce(Vec<u8>) -> Result<T, LogPageFetchErrorKind>,
) -> Result<T, LogPageFetchError> {
    let read = || {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let node = root.dev().join(device.as_str());
        let fd = rustix::fs::openat(CWD, node, flags, Mode::empty())?;
        // The open device keeps its number, so this look is good for as long.
        let dir = ControllerDir::open(root, device)
            .map_err(|e| LogPageFetchErrorKind::Io(e.source))?
            .ok_or(LogPageFetchErrorKind::NoSuchController)?;
        if sysfs_ino.is_some_and(|ino| ino != dir.ino()) {
            return Err(LogPageFetchErrorKind::NoSuchController);
        }
        finish(read_page(&mut Device(fd))?)
    };
    read().map_err(|kind| LogPageFetchError {
        device: device.clone(),
        kind,
    })
}

struct Device(OwnedFd);

impl Source for Device {
    fn read(
        &mut self,
        offset: u64,
        buffer: &mut [u8],
        retain: bool,
    ) -> Result<(), LogPageFetchErrorKind> {
        match ioctl::discovery_log(&self.0, offset, buffer, retain)? {
            0 => Ok(()),
            status => Err(LogPageFetchErrorKind::Status(status)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    #[test]
    fn other_incarnations_and_other_files_are_not_read() {
        let host = FakeHost::new();
        let device = host.tcp("nvme3", "nqn.2014-08.org.nvmexpress.discovery");
        let kind = |sysfs_ino| match sysfs_ino {
            Some(ino) => fetch_of(&host.root(), &device, ino).unwrap_err().kind,
            None => fetch(&host.root(), &device).unwrap_err().kind,
        };
        assert!(
            matches!(kind(None), LogPageFetchErrorKind::NoSuchController),
            "no node"
        );
        std::fs::create_dir(host.path("dev")).unwrap();
        std::fs::write(host.path("dev/nvme3"), "").unwrap();
        let other = host.sysfs_ino("nvme3") + 1;
        assert!(matches!(
            kind(Some(other)),
            LogPageFetchErrorKind::NoSuchController
        ));
        let error = fetch(&host.root(), &device).unwrap_err().to_string();
        assert!(
            error.starts_with("cannot read the discovery log page of `nvme3`: Inappropriate ioctl"),
            "{error}"
        );
    }
}
