//! The ownership registry: who looks after which controller.

#![expect(
    unsafe_code,
    reason = "the functions have names that C can link against"
)]

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr;

use nvmf::registry::{Claim, Registered, Registry, Release};
use nvmf_types::{DeviceName, Owner};

use crate::failure::{Failure, errno};
use crate::host::{Host, no_such};
use crate::text::{Out, Text, given, put};

/// Called with a controller's name and its owner; NULL: it has none.
pub type EachOwner =
    Option<extern "C" fn(device: *const c_char, owner: *const c_char, user_data: *mut c_void)>;

/// Who owns the controller `device`. `ino` is from `nvmf_controller_ino`: the owner of its
/// successor is none of yours; 0: whichever has the name.
///
/// 0, and `*owner` is set; -ENOENT: nobody does, and `*owner` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_registry_owner(
    host: Option<&Host>,
    device: Text<'_>,
    ino: u64,
    owner: Out<'_>,
) -> c_int {
    errno(|| {
        let registry = open(host)?;
        let device: DeviceName = device.parsed("device")?;
        let out = given(owner, "owner")?;
        let owner = match ino {
            0 => registry.owner(&device)?,
            ino => registry.owner_of(&device, ino)?,
        };
        put(Some(out), owner.as_ref().map(Owner::as_str))?;
        owner.map(|_| 0).ok_or_else(|| nobodys(&device))
    })
}

/// Makes `owner` (1 to 64 of A-Z a-z 0-9 . _ -) the owner of a controller that nobody owns. Of
/// several that claim at once exactly one is granted. `ino` is from `nvmf_controller_ino`; 0:
/// whichever has the name.
///
/// 0: it is yours now, or was before. -EBUSY: it is another's, and stays so; `*owned_by` (if
/// `owned_by` is not NULL) says whose. -ENODEV: it is gone. `*owned_by` is NULL in all other cases.
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_registry_claim(
    host: Option<&Host>,
    device: Text<'_>,
    ino: u64,
    owner: Text<'_>,
    owned_by: Out<'_>,
) -> c_int {
    errno(|| {
        let owned_by = cleared(owned_by);
        let registry = open(host)?;
        let (device, owner) = (device.parsed("device")?, owner.parsed("owner")?);
        let claim = match ino {
            0 => registry.claim(&device, &owner)?,
            ino => registry.claim_of(&device, ino, &owner)?,
        };
        match claim {
            Claim::Granted | Claim::AlreadyMine => Ok(0),
            Claim::OwnedBy(other) => busy(&device, &other, owned_by),
            Claim::NoSuchController => Err(no_such(&device)),
        }
    })
}

/// Enters a controller that you connected a moment ago. `ino` is from `nvmf_controller_ino`,
/// `since` what `nvmf_uevent_seqnum` said before the connect (0: not known), `owner` NULL if
/// nobody is to own it: then an entry of a predecessor goes.
///
/// 0; -EBUSY: another claimed it meanwhile, `*owned_by` as for `nvmf_registry_claim`; -ENODEV:
/// `device` is not that controller (any more).
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_registry_register(
    host: Option<&Host>,
    device: Text<'_>,
    ino: u64,
    since: u64,
    owner: Text<'_>,
    owned_by: Out<'_>,
) -> c_int {
    errno(|| {
        let owned_by = cleared(owned_by);
        let registry = open(host)?;
        let device = device.parsed("device")?;
        let owner: Option<Owner> = match owner.optional("owner")? {
            Some(_) => Some(owner.parsed("owner")?),
            None => None,
        };
        let since = Some(since).filter(|since| *since != 0);
        match registry.register(&device, ino, since, owner.as_ref(), &[])? {
            Registered::Owned | Registered::Unowned => Ok(0),
            Registered::OwnedBy(other) => busy(&device, &other, owned_by),
        }
    })
}

/// Gives a controller up that is yours: nobody owns it then. Your notes stay.
///
/// 0; -ENOENT: nobody owned it; -EBUSY: it is another's, and stays so, `*owned_by` as for
/// `nvmf_registry_claim`.
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_registry_release(
    host: Option<&Host>,
    device: Text<'_>,
    owner: Text<'_>,
    owned_by: Out<'_>,
) -> c_int {
    errno(|| {
        let owned_by = cleared(owned_by);
        let registry = open(host)?;
        let (device, owner) = (device.parsed("device")?, owner.parsed("owner")?);
        match registry.release(&device, &owner)? {
            Release::Released => Ok(0),
            Release::NotOwned => Err(nobodys(&device)),
            Release::OwnedBy(other) => busy(&device, &other, owned_by),
        }
    })
}

/// One attribute of a controller's entry.
///
/// 0, and `*value` is set; -ENOENT: there is none, and `*value` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_registry_get(
    host: Option<&Host>,
    device: Text<'_>,
    attribute: Text<'_>,
    value: Out<'_>,
) -> c_int {
    errno(|| {
        let out = given(value, "value")?;
        retrieve(&open(host)?, device, attribute, out)
    })
}

/// Sets an attribute to one line of text; NULL: removes it. The owner, too, whoever that is:
/// programs that want to own a controller claim it.
///
/// 0; -ENODEV: there is no such fabrics controller; -ENOENT: there is nothing to remove; -EPERM:
/// an attribute that only the registry writes.
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_registry_set(
    host: Option<&Host>,
    device: Text<'_>,
    attribute: Text<'_>,
    value: Text<'_>,
) -> c_int {
    errno(|| update(&open(host)?, device, attribute, value))
}

/// Calls `each` with every controller that has an entry, in the order of their numbers. Entries
/// of controllers that are gone do not count.
///
/// The number of calls.
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_registry_for_each(
    host: Option<&Host>,
    each: EachOwner,
    user_data: *mut c_void,
) -> c_int {
    errno(|| {
        let registry = open(host)?;
        let each = given(each, "each")?;
        let mut calls = 0;
        for entry in registry.entries()? {
            let owner = entry.attributes.get("owner").map(|owner| line(owner));
            let device = line(entry.device.as_str());
            let owner = owner.as_ref().map_or(ptr::null(), |owner| owner.as_ptr());
            each(device.as_ptr(), owner, user_data);
            calls += 1;
        }
        Ok(calls)
    })
}

/// The registry of `host`.
pub(crate) fn open(host: Option<&Host>) -> Result<Registry, Failure> {
    Ok(Registry::open(&given(host, "host")?.0))
}

/// Puts the value of an attribute into `out`.
pub(crate) fn retrieve(
    registry: &Registry,
    device: Text<'_>,
    attribute: Text<'_>,
    out: &mut std::mem::MaybeUninit<*mut c_char>,
) -> Result<c_int, Failure> {
    let device: DeviceName = device.parsed("device")?;
    let attribute = attribute.parsed("attribute")?;
    let value = registry.attribute(&device, &attribute)?;
    put(Some(out), value.as_deref())?;
    value.map(|_| 0).ok_or_else(|| {
        let message = format!("there is no attribute `{attribute}` of `{device}`");
        Failure::new(libc::ENOENT, message)
    })
}

/// Sets or removes an attribute.
pub(crate) fn update(
    registry: &Registry,
    device: Text<'_>,
    attribute: Text<'_>,
    value: Text<'_>,
) -> Result<c_int, Failure> {
    let (device, attribute) = (device.parsed("device")?, attribute.parsed("attribute")?);
    match value.optional("value")? {
        Some(value) => registry.set(&device, &attribute, value)?,
        None => registry.remove(&device, &attribute)?,
    }
    Ok(0)
}

/// The text for a callback. Registry and lists have no NUL; another tool's ends there.
pub(crate) fn line(text: &str) -> CString {
    let text = text.split('\0').next().unwrap_or_default();
    CString::new(text).unwrap_or_default()
}

/// The place of an answer that is there in one case only.
pub(crate) fn cleared(mut owned_by: Out<'_>) -> Out<'_> {
    if let Some(out) = &mut owned_by {
        out.write(ptr::null_mut());
    }
    owned_by
}

/// It is nobody's.
pub(crate) fn nobodys(device: &DeviceName) -> Failure {
    let message = format!("nobody owns the controller `{device}`");
    Failure::new(libc::ENOENT, message)
}

/// It is another's: says whose.
pub(crate) fn busy(
    device: &DeviceName,
    other: &Owner,
    owned_by: Out<'_>,
) -> Result<c_int, Failure> {
    put(owned_by, Some(other.as_str()))?;
    let message = format!("the controller `{device}` is owned by `{other}`");
    Err(Failure::new(libc::EBUSY, message))
}
