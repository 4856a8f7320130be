//! What the administrator does not want to be connected.

#![expect(
    unsafe_code,
    reason = "the functions have names that C can link against"
)]

use std::ffi::c_int;

use nvmf::exclusions;
use nvmf_types::ControllerClass;

use crate::failure::errno;
use crate::host::Host;
use crate::text::{Out, given, put};
use crate::tid::Tid;

/// Whether this connection must not be made: some entry of the exclusion lists matches it. The
/// lists are read anew; one that cannot be read excludes nothing. `discovery` says that the
/// controller is a discovery controller, whose default port is another one.
///
/// 1, and `*entry` (if `entry` is not NULL) is the entry with its place, such as
/// "/etc/nvme/exclusions.conf:4: nqn=…"; 0: it may be made, and `*entry` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_exclusion_match(
    host: Option<&Host>,
    tid: Option<&Tid>,
    discovery: bool,
    entry: Out<'_>,
) -> c_int {
    errno(|| {
        let (root, tid) = (&given(host, "host")?.0, &given(tid, "tid")?.0);
        let class = match discovery {
            true => ControllerClass::Discovery,
            false => tid.class_by_nqn(),
        };
        let loaded = exclusions::load(root);
        let found = loaded.set.matches(tid, class);
        let text = found.map(|found| format!("{}: {}", found.source, found.text));
        put(entry, text.as_deref())?;
        Ok(c_int::from(found.is_some()))
    })
}
