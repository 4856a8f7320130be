//! Transport ids: which controller is to be connected to, and how.

#![expect(
    unsafe_code,
    reason = "the functions have names that C can link against"
)]

use std::ffi::c_char;
use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::ptr;

use nvmf_types::TransportId;

use crate::failure::{errno, or_else};
use crate::text::{Text, give, given};

/// A transport id: whole and checked. Use `struct libnvmf_tid` for one of which only some fields
/// are known.
#[derive(Debug)]
pub struct Tid(pub(crate) TransportId);

/// Reads `transport=tcp;traddr=192.0.2.10;trsvcid=4420;nqn=…`, with any of host-traddr, host-iface,
/// hostnqn and hostid. Addresses are numeric: names are to be resolved before.
///
/// 0, and `*tid` is set; -EINVAL: it is no transport id, `nvmf_error_message` says why.
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_tid_parse(
    text: Text<'_>,
    tid: Option<&mut MaybeUninit<Option<Box<Tid>>>>,
) -> c_int {
    errno(|| {
        let out = given(tid, "tid")?;
        out.write(None);
        let tid = text.parsed("transport id")?;
        out.write(Some(Box::new(Tid(tid))));
        Ok(0)
    })
}

/// The canonical text: the same connection target always has the same one. NULL: `tid` is NULL, or
/// out of memory.
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_tid_text(tid: Option<&Tid>) -> *mut c_char {
    or_else(ptr::null_mut(), || give(&given(tid, "tid")?.0.to_string()))
}

/// The text for logs: `(transport, traddr, trsvcid, nqn[, host-iface][, host-traddr])`. NULL as
/// for `nvmf_tid_text`.
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_tid_log_text(tid: Option<&Tid>) -> *mut c_char {
    or_else(ptr::null_mut(), || give(&given(tid, "tid")?.0.log_form()))
}

/// One field by its key in the canonical text. NULL: it is not set, or there is no such key.
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_tid_field(tid: Option<&Tid>, key: Text<'_>) -> *mut c_char {
    or_else(ptr::null_mut(), || {
        let value = given(tid, "tid")?.0.field(key.required("key")?);
        value.map_or(Ok(ptr::null_mut()), |value| give(&value))
    })
}

/// Whether both have the same fields. Addresses compare by value. NULL equals nothing.
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_tid_equal(one: Option<&Tid>, other: Option<&Tid>) -> bool {
    or_else(false, || {
        Ok(one.zip(other).is_some_and(|(one, other)| one.0 == other.0))
    })
}

/// Frees a transport id. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_tid_free(tid: Option<Box<Tid>>) {
    drop(tid);
}
