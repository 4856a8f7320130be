//! Disconnecting what is one's own, and nothing else.

#![expect(
    unsafe_code,
    reason = "the functions have names that C can link against"
)]

use std::ffi::c_int;

use nvmf::disconnect::{Disconnect, DisconnectError, PATIENCE, disconnect_if};
use nvmf::sysfs::{Deleted, Held};
use nvmf_types::{DeviceName, Owner};

use crate::failure::{Failure, errno};
use crate::host::{Host, no_such};
use crate::registry::{busy, cleared, nobodys};
use crate::text::{Out, Text, given};

/// Disconnects exactly the controller `ino`, from `nvmf_controller_ino`, if it is `owner`'s at that
/// moment: neither its successor under the name `device` nor what somebody else took over can be
/// hit. Blocks until the kernel is done.
///
/// 0: it is disconnected. -ENODEV: it was gone already; -ENOENT: it is nobody's, and stays; -EBUSY:
/// it is another's, and stays, `*owned_by` as for `nvmf_registry_claim`; -EAGAIN: the connect that
/// made it is not over yet.
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_disconnect(
    host: Option<&Host>,
    device: Text<'_>,
    ino: u64,
    owner: Text<'_>,
    owned_by: Out<'_>,
) -> c_int {
    errno(|| {
        let owned_by = cleared(owned_by);
        let root = &given(host, "host")?.0;
        let device: DeviceName = device.parsed("device")?;
        let owner: Owner = owner.parsed("owner")?;
        let held = Held::open(root, &device)?.filter(|held| held.sysfs_ino() == ino);
        let held = held.ok_or_else(|| no_such(&device))?;
        match disconnect_if(root, &held, |other| other == Some(&owner), PATIENCE) {
            Ok(Disconnect::Deleted(Deleted::Yes)) => Ok(0),
            Ok(Disconnect::Deleted(Deleted::AlreadyGone)) => Err(no_such(&device)),
            Ok(Disconnect::Kept(Some(other))) => busy(&device, &other, owned_by),
            Ok(Disconnect::Kept(None)) => Err(nobodys(&device)),
            Ok(Disconnect::UnderWay) => Err(Failure::new(
                libc::EAGAIN,
                format!("the controller `{device}` is still connecting"),
            )),
            Err(DisconnectError::Owner(error)) => Err(error.into()),
            Err(DisconnectError::Kernel(error)) => Err(error.into()),
        }
    })
}
