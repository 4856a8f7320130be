//! Many disconnects at once.
use crate::sysfs::{Deleted, Pinned, SysfsError};
#[allow(missing_docs)]
pub fn disconnect_all(
    _controllers: Vec<Pinned>,
    _threads: usize,
    _report: impl FnMut(&Pinned, Result<Deleted, SysfsError>),
) {
    todo!()
}
