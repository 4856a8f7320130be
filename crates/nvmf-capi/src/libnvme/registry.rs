//! `nvme/registry.h`

#![expect(
    unsafe_code,
    reason = "the functions have names that C can link against"
)]

use std::ffi::{c_char, c_int, c_void};
use std::mem::MaybeUninit;

use nvmf::registry::Registry;
use nvmf_types::{AttrName, DeviceName};

use super::context::GlobalContext;
use crate::failure::{Failure, errno};
use crate::registry::{line, retrieve, update};
use crate::text::{Text, given};

/// Called with a controller's name.
pub type EachDevice = Option<extern "C" fn(device: *const c_char, user_data: *mut c_void)>;

/// Called with an attribute and its value.
pub type EachAttribute =
    Option<extern "C" fn(attr: *const c_char, value: *const c_char, user_data: *mut c_void)>;

/// Reads one attribute, such as "owner", of the controller `device`, such as "nvme3".
///
/// 0, and the caller frees `*value`; -ENOENT: there is none; -EINVAL: a NULL or a name that is none.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_registry_retrieve(
    ctx: Option<&GlobalContext>,
    device: Text<'_>,
    attr: Text<'_>,
    value: Option<&mut MaybeUninit<*mut c_char>>,
) -> c_int {
    errno(|| {
        let registry = open(ctx)?;
        retrieve(&registry, device, attr, given(value, "value")?)
    })
}

/// Compares an attribute with `value`; NULL: "there is none".
///
/// 0: equal; 1: different; negative: it cannot be read.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_registry_attr_equal(
    ctx: Option<&GlobalContext>,
    device: Text<'_>,
    attr: Text<'_>,
    value: Text<'_>,
) -> c_int {
    errno(|| {
        let registry = open(ctx)?;
        let device: DeviceName = device.parsed("device")?;
        let attribute: AttrName = attr.parsed("attr")?;
        let stored = registry.attribute(&device, &attribute)?;
        Ok(c_int::from(stored.as_deref() != value.optional("value")?))
    })
}

/// Sets an attribute; NULL: removes it. The owner, too, whoever that is: `nvmf_registry_claim` is
/// for programs that want to own what nobody owns.
///
/// 0; -ENODEV: there is no such fabrics controller; -ENOENT: there is nothing to remove.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_registry_update(
    ctx: Option<&GlobalContext>,
    device: Text<'_>,
    attr: Text<'_>,
    value: Text<'_>,
) -> c_int {
    errno(|| {
        let registry = open(ctx)?;
        if let (Some(ctx), Some(_)) = (ctx, value.optional("value")?) {
            ctx.pretend(&device.parsed("device")?);
        }
        update(&registry, device, attr, value)
    })
}

/// Removes the whole entry of a controller.
///
/// 0; -ENOENT: there is none.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_registry_delete(ctx: Option<&GlobalContext>, device: Text<'_>) -> c_int {
    errno(|| {
        let registry = open(ctx)?;
        let device = device.parsed("device")?;
        registry.delete(&device)?;
        given(ctx, "ctx")?.forget(&device);
        Ok(0)
    })
}

/// Calls `callback` with every controller that has an entry and that there is.
///
/// 0, also if there is no registry at all.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_registry_device_for_each(
    ctx: Option<&GlobalContext>,
    callback: EachDevice,
    user_data: *mut c_void,
) -> c_int {
    errno(|| {
        let registry = open(ctx)?;
        let callback = given(callback, "callback")?;
        for entry in registry.entries()? {
            let device = line(entry.device.as_str());
            callback(device.as_ptr(), user_data);
        }
        Ok(0)
    })
}

/// Calls `callback` with every attribute of a controller's entry.
///
/// 0; -ENOENT: there is no entry.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_registry_attr_for_each(
    ctx: Option<&GlobalContext>,
    device: Text<'_>,
    callback: EachAttribute,
    user_data: *mut c_void,
) -> c_int {
    errno(|| {
        let registry = open(ctx)?;
        let device = device.parsed("device")?;
        let callback = given(callback, "callback")?;
        let entry = registry
            .entry(&device)?
            .ok_or_else(|| Failure::new(libc::ENOENT, format!("`{device}` has no entry")))?;
        for (attribute, value) in &entry.attributes {
            let (attribute, value) = (line(attribute), line(value));
            callback(attribute.as_ptr(), value.as_ptr(), user_data);
        }
        Ok(0)
    })
}

fn open(ctx: Option<&GlobalContext>) -> Result<Registry, Failure> {
    Ok(Registry::open(&given(ctx, "ctx")?.root()))
}
