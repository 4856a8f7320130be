//! `nvme/tid.h`

#![expect(
    unsafe_code,
    reason = "the functions have names that C can link against"
)]

use std::ffi::{CStr, c_char, c_int};
use std::mem::MaybeUninit;
use std::ptr;

use nvmf_types::{Traddr, Transport};

use super::context::GlobalContext;
use super::identity::Identity;
use crate::failure::{Failure, errno, or_else};
use crate::text::{Text, given};

/// A transport id of which any field may be missing.
#[derive(Clone, Debug, Default)]
pub struct AnyTid(pub(super) Identity);

/// A place for a new transport id, or a null pointer.
type New<'a> = Option<&'a mut MaybeUninit<Option<Box<AnyTid>>>>;

/// A transport id without any field.
///
/// 0; -EINVAL: `out` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_tid_new(out: Option<&mut MaybeUninit<Option<Box<AnyTid>>>>) -> c_int {
    errno(|| make(out, || Ok(Identity::default())))
}

/// A transport id of these fields; a NULL or empty one is not set. Addresses of tcp and rdma are
/// numeric and are kept in one way of writing them, so that equal ones have equal texts.
///
/// 0; -EINVAL: an address that is none, a text that is not UTF-8 or that no text form can hold.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_tid_from_fields(
    transport: Text<'_>,
    traddr: Text<'_>,
    trsvcid: Text<'_>,
    subsysnqn: Text<'_>,
    host_traddr: Text<'_>,
    host_iface: Text<'_>,
    hostnqn: Text<'_>,
    hostid: Text<'_>,
    out: Option<&mut MaybeUninit<Option<Box<AnyTid>>>>,
) -> c_int {
    errno(|| {
        make(out, || {
            let fields = [
                transport.optional("transport")?,
                traddr.optional("traddr")?,
                trsvcid.optional("trsvcid")?,
                subsysnqn.optional("subsysnqn")?,
                host_traddr.optional("host_traddr")?,
                host_iface.optional("host_iface")?,
                hostnqn.optional("hostnqn")?,
                hostid.optional("hostid")?,
            ];
            Identity::new(fields).map_err(Failure::invalid)
        })
    })
}

/// Reads `transport=tcp;traddr=192.0.2.10;…`, with the keys transport, traddr, trsvcid, nqn,
/// host-traddr, host-iface, hostnqn and hostid. What is not understood is left out, with a warning
/// if `ctx` is not NULL.
///
/// 0; -EINVAL: an address of tcp or rdma that is not numeric, or NULL.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_tid_parse(
    ctx: Option<&GlobalContext>,
    str: Text<'_>,
    out: Option<&mut MaybeUninit<Option<Box<AnyTid>>>>,
) -> c_int {
    errno(|| {
        make(out, || {
            let text = str.required("str")?;
            let odd = |why: String| {
                if let Some(ctx) = ctx {
                    ctx.warn(&format!("transport id `{}`: {why}", text.escape_debug()));
                }
            };
            Identity::parse(text, odd).map_err(Failure::invalid)
        })
    })
}

/// Like `libnvmf_tid_parse`, but what is not understood is an error: an unknown key, a word
/// without "=", a key without a value.
///
/// 0; -EINVAL.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_tid_parse_strict(
    ctx: Option<&GlobalContext>,
    str: Text<'_>,
    out: Option<&mut MaybeUninit<Option<Box<AnyTid>>>>,
) -> c_int {
    errno(|| {
        make(out, || {
            let text = str.required("str")?;
            let mut first = None;
            let read = Identity::parse(text, |why| first = first.take().or(Some(why)));
            let read = match first {
                Some(why) => Err(why),
                None => read,
            };
            read.map_err(|why| {
                let why = format!("transport id `{}`: {why}", text.escape_debug());
                if let Some(ctx) = ctx {
                    ctx.warn(&why);
                }
                Failure::invalid(why)
            })
        })
    })
}

/// A copy. NULL: `tid` is NULL, or out of memory.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_tid_dup(tid: Option<&AnyTid>) -> Option<Box<AnyTid>> {
    or_else(None, || Ok(tid.cloned().map(Box::new)))
}

/// Sets the subsystem and the host; NULL leaves a field as it is. Where no hostid is set, the one
/// that the hostnqn has in it (`…:uuid:`) is.
///
/// 0; -EINVAL: `tid` is NULL, or there would be a hostid without a hostnqn.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_tid_set_identity(
    tid: Option<&mut AnyTid>,
    subsysnqn: Text<'_>,
    hostnqn: Text<'_>,
    hostid: Text<'_>,
) -> c_int {
    errno(|| {
        let tid = given(tid, "tid")?;
        let next = tid.0.with_host(
            subsysnqn.optional("subsysnqn")?,
            hostnqn.optional("hostnqn")?,
            hostid.optional("hostid")?,
        );
        tid.0 = next.map_err(Failure::invalid)?;
        Ok(0)
    })
}

/// Whether no field is set, or `tid` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_tid_is_empty(tid: Option<&AnyTid>) -> bool {
    tid.is_none_or(|tid| tid.0.is_empty())
}

/// Whether the text is a numeric IP address, with or without an IPv6 scope.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_traddr_is_numeric(traddr: Text<'_>) -> bool {
    or_else(false, || {
        let text = traddr.required("traddr")?;
        Ok(Traddr::parse(Transport::Tcp, text).is_ok())
    })
}

/// The canonical text, the fields that are set in a fixed order. It belongs to `tid`. NULL: `tid`
/// is.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_tid_get_canonical(tid: Option<&AnyTid>) -> *const c_char {
    tid.map_or(ptr::null(), |tid| tid.0.canonical().as_ptr())
}

/// The text for logs: `(transport, traddr, trsvcid[, nqn][, host-iface][, host-traddr])`. It belongs
/// to `tid`. NULL: `tid` is.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_tid_str(tid: Option<&AnyTid>) -> *const c_char {
    tid.map_or(ptr::null(), |tid| tid.0.log().as_ptr())
}

/// The transport, which belongs to `p`; NULL: not set.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_tid_get_transport(p: Option<&AnyTid>) -> *const c_char {
    field(p, "transport")
}

/// The target's address, which belongs to `p`; NULL: not set.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_tid_get_traddr(p: Option<&AnyTid>) -> *const c_char {
    field(p, "traddr")
}

/// The target's port, which belongs to `p`; NULL: not set.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_tid_get_trsvcid(p: Option<&AnyTid>) -> *const c_char {
    field(p, "trsvcid")
}

/// The subsystem's NQN, which belongs to `p`; NULL: not set.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_tid_get_subsysnqn(p: Option<&AnyTid>) -> *const c_char {
    field(p, "nqn")
}

/// The host's address, which belongs to `p`; NULL: not set.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_tid_get_host_traddr(p: Option<&AnyTid>) -> *const c_char {
    field(p, "host-traddr")
}

/// The host's interface, which belongs to `p`; NULL: not set.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_tid_get_host_iface(p: Option<&AnyTid>) -> *const c_char {
    field(p, "host-iface")
}

/// The host's NQN, which belongs to `p`; NULL: not set.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_tid_get_hostnqn(p: Option<&AnyTid>) -> *const c_char {
    field(p, "hostnqn")
}

/// The host's identifier, which belongs to `p`; NULL: not set.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_tid_get_hostid(p: Option<&AnyTid>) -> *const c_char {
    field(p, "hostid")
}

/// Frees a transport id and the texts that belong to it. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn libnvmf_tid_free(p: Option<Box<AnyTid>>) {
    drop(p);
}

fn field(tid: Option<&AnyTid>, key: &str) -> *const c_char {
    let text = tid.and_then(|tid| tid.0.field(key));
    text.map_or(ptr::null(), CStr::as_ptr)
}

/// Puts a new transport id into `out`, or NULL.
fn make(out: New<'_>, read: impl FnOnce() -> Result<Identity, Failure>) -> Result<c_int, Failure> {
    let out = given(out, "out")?;
    out.write(None);
    out.write(Some(Box::new(AnyTid(read()?))));
    Ok(0)
}
