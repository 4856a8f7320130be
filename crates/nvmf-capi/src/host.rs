//! The host whose files are meant.

#![expect(
    unsafe_code,
    reason = "the functions have names that C can link against"
)]

use std::ffi::c_int;
use std::mem::MaybeUninit;

use nvmf::Root;
use nvmf::registry::Registry;
use nvmf::sysfs::Held;
use nvmf_types::DeviceName;

use crate::failure::{Failure, errno, or_else};
use crate::text::{Text, given};

/// A host: the running system, or one made of files, for tests.
#[derive(Debug)]
pub struct Host(pub(crate) Root);

/// The host whose root directory is `folder`; NULL: the running system. For tests, make a folder
/// with `sys/class/nvme/nvme3/transport` and whatever else is asked for.
///
/// NULL: `folder` is not UTF-8.
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_host_new(folder: Text<'_>) -> Option<Box<Host>> {
    or_else(None, || {
        let root = folder.optional("folder")?;
        Ok(Some(Box::new(Host(
            root.map_or_else(Root::system, Root::new),
        ))))
    })
}

/// Frees a host. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_host_free(host: Option<Box<Host>>) {
    drop(host);
}

/// The number that tells the controller that is called `device` now from all others that ever
/// were or will be: the inode of its sysfs directory. The kernel gives the name to another one as
/// soon as it is gone.
///
/// 0; -ENODEV: there is no such fabrics controller.
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_controller_ino(
    host: Option<&Host>,
    device: Text<'_>,
    ino: Option<&mut MaybeUninit<u64>>,
) -> c_int {
    errno(|| {
        let root = &given(host, "host")?.0;
        let device = device.parsed("device")?;
        let ino = given(ino, "ino")?;
        let held = Held::open(root, &device)?.ok_or_else(|| no_such(&device))?;
        ino.write(held.sysfs_ino());
        Ok(0)
    })
}

/// The number of the kernel's last event: to be read before a connect, for
/// `nvmf_registry_register`. 0: it cannot be read, and need not be.
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_uevent_seqnum(host: Option<&Host>) -> u64 {
    or_else(0, || {
        let seqnum = Registry::open(&given(host, "host")?.0).seqnum();
        Ok(seqnum.unwrap_or_default())
    })
}

/// There is no such controller.
pub(crate) fn no_such(device: &DeviceName) -> Failure {
    Failure::new(
        libc::ENODEV,
        format!("there is no fabrics controller `{device}`"),
    )
}
