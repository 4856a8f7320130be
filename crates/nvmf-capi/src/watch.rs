//! Following the registry.

#![expect(
    unsafe_code,
    reason = "the functions have names that C can link against"
)]

use std::ffi::{CString, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr;
use std::sync::{Mutex, PoisonError};

use nvmf::registry::Change;

use crate::failure::errno;
use crate::host::Host;
use crate::registry::{line, open};
use crate::text::given;

/// The registry as it was last seen.
#[derive(Debug)]
pub struct Watch(Mutex<nvmf::registry::Watch>);

/// One change of the registry. Its texts are there as long as the callback runs.
#[repr(C)]
#[derive(Debug)]
pub struct RegistryChange {
    /// The controller's name, such as "nvme3".
    pub device: *const c_char,
    /// The attribute that was set, changed or removed; NULL: the whole entry came or went. An
    /// entry that is about another controller than before goes first, and then comes.
    pub attribute: *const c_char,
    /// Its value before, or the owner in the entry that went; NULL: there was none.
    pub before: *const c_char,
    /// Its value now, or the owner in the entry that came; NULL: there is none.
    pub after: *const c_char,
    /// Whether the entry came (1) or went (-1); 0: it stayed.
    pub entry: c_int,
}

/// Called with a change.
pub type EachChange =
    Option<extern "C" fn(change: Option<&RegistryChange>, user_data: *mut c_void)>;

/// Follows the registry from now on, whether there is one already or not.
///
/// 0, and `*watch` is set.
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_registry_watch_new(
    host: Option<&Host>,
    watch: Option<&mut MaybeUninit<Option<Box<Watch>>>>,
) -> c_int {
    errno(|| {
        let out = given(watch, "watch")?;
        out.write(None);
        let watch = open(host)?.watch()?;
        out.write(Some(Box::new(Watch(Mutex::new(watch)))));
        Ok(0)
    })
}

/// The descriptor to poll: it is readable when `nvmf_registry_watch_changes` has something to look
/// at. It belongs to the watch.
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_registry_watch_fd(watch: Option<&Watch>) -> c_int {
    errno(|| {
        let watch = given(watch, "watch")?.0.lock();
        let watch = watch.unwrap_or_else(PoisonError::into_inner);
        Ok(watch.as_fd().as_raw_fd())
    })
}

/// Calls `each` with every change since the last call, in the order of the controllers' numbers.
/// Does not block. A readable descriptor may turn out to mean nothing.
///
/// The number of changes. After an error, what could not be read is tried again by the next call.
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_registry_watch_changes(
    watch: Option<&Watch>,
    each: EachChange,
    user_data: *mut c_void,
) -> c_int {
    errno(|| {
        let watch = given(watch, "watch")?;
        let each = given(each, "each")?;
        // The lock is gone before anything is called.
        let changes = watch
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .changes()?;
        let mut calls = 0;
        for change in changes {
            tell(&change, each, user_data);
            calls += 1;
        }
        Ok(calls)
    })
}

/// Frees a watch and closes its descriptor. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_registry_watch_free(watch: Option<Box<Watch>>) {
    drop(watch);
}

fn tell(
    change: &Change,
    each: extern "C" fn(Option<&RegistryChange>, *mut c_void),
    user_data: *mut c_void,
) {
    let (entry, attribute, before, after) = match change {
        Change::Appeared(entry) => (1, None, None, entry.attributes.get("owner")),
        Change::Gone(entry) => (-1, None, entry.attributes.get("owner"), None),
        Change::Changed {
            attribute,
            before,
            after,
            ..
        } => (0, Some(attribute), before.as_ref(), after.as_ref()),
    };
    let owned = |text: Option<&String>| text.map(|text| line(text));
    let (attribute, before, after) = (owned(attribute), owned(before), owned(after));
    let pointer = |text: &Option<CString>| text.as_ref().map_or(ptr::null(), |t| t.as_ptr());
    let device = line(change.device().as_str());
    let change = RegistryChange {
        device: device.as_ptr(),
        attribute: pointer(&attribute),
        before: pointer(&before),
        after: pointer(&after),
        entry,
    };
    each(Some(&change), user_data);
}
