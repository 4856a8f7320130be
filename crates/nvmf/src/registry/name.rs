//! Names that nobody reads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use rustix::io::{Errno, Result};

/// Calls `make` with names `<prefix>XXXXXX` until one is free.
pub(super) fn unused(prefix: &str, make: impl Fn(&str) -> Result<()>) -> Result<String> {
    for _ in 0..100 {
        let name = format!("{prefix}{}", suffix());
        match make(&name) {
            Ok(()) => return Ok(name),
            Err(Errno::EXIST) => {}
            Err(e) => return Err(e),
        }
    }
    Err(Errno::EXIST)
}

/// Whether a name in the registry's directory is that of work in progress, or of what a killed
/// writer left: `.nvme3.tmp.XXXXXX` or `.trash.XXXXXX`.
pub(super) fn is_hidden_entry(name: &str) -> bool {
    name.starts_with(".trash.") || (name.starts_with(".nvme") && name.contains(".tmp."))
}

/// The same in an entry: `owner.tmp.XXXXXX`.
pub(super) fn is_hidden_attribute(name: &str) -> bool {
    name.contains(".tmp.")
}

/// Six characters that another writer is unlikely to use at the same time.
fn suffix() -> String {
    const DIGITS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let clock = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let mut rest = (u64::from(std::process::id()) << 32)
        .wrapping_add(COUNTER.fetch_add(1, Ordering::Relaxed))
        .wrapping_add(u64::from(clock.subsec_nanos()).rotate_left(20))
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        >> 16;
    let mut digit = || {
        let index = usize::try_from(rest % 36).unwrap_or_default();
        rest /= 36;
        char::from(DIGITS.get(index).copied().unwrap_or(b'a'))
    };
    (0..6).map(|_| digit()).collect()
}
