//! From results to errno.

#![expect(
    unsafe_code,
    reason = "the functions have names that C can link against"
)]

use std::any::Any;
use std::cell::RefCell;
use std::ffi::{c_char, c_int};
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use nvmf::exclusions::{EditError, ListError, ListErrorKind};
use nvmf::registry::{RegistryError, RegistryErrorKind};
use nvmf::sysfs::SysfsError;

use crate::text;

/// Why something was not done.
#[derive(Debug)]
pub(crate) struct Failure {
    /// A positive errno.
    pub(crate) errno: c_int,
    /// The whole story: what, where, why, and what to do about it.
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(errno: c_int, message: impl fmt::Display) -> Self {
        let message = message.to_string();
        Self { errno, message }
    }

    /// Something that the caller should not have passed.
    pub(crate) fn invalid(message: impl fmt::Display) -> Self {
        Self::new(libc::EINVAL, message)
    }
}

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Why the last function of this library that failed in this thread did: one sentence with the
/// place, the value and what to do about it. The caller frees it. NULL: none has failed yet.
#[unsafe(no_mangle)]
pub extern "C" fn nvmf_error_message() -> *mut c_char {
    let message = || LAST.with_borrow(|last| last.as_deref().map(text::give));
    match catch_unwind(message) {
        Ok(Some(Ok(text))) => text,
        _ => ptr::null_mut(),
    }
}

/// What `work` returns, or a negative errno. No panic comes out.
pub(crate) fn errno(work: impl FnOnce() -> Result<c_int, Failure>) -> c_int {
    or(work, |failure| -failure.errno)
}

/// What `work` returns, or `otherwise`. No panic comes out.
pub(crate) fn or_else<T>(otherwise: T, work: impl FnOnce() -> Result<T, Failure>) -> T {
    or(work, |_| otherwise)
}

fn or<T>(work: impl FnOnce() -> Result<T, Failure>, otherwise: impl FnOnce(&Failure) -> T) -> T {
    // What a panic leaves half done is in no object of the library: they change in one assignment.
    let failure = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => return value,
        Ok(Err(failure)) => failure,
        Err(panic) => Failure::new(libc::ENOTRECOVERABLE, panicked(&*panic)),
    };
    let value = otherwise(&failure);
    LAST.with_borrow_mut(|last| *last = Some(failure.message));
    value
}

fn panicked(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a bug in libnvmf: {}", text.unwrap_or("a panic"))
}

fn of_io(error: &io::Error) -> c_int {
    error.raw_os_error().unwrap_or(libc::EIO)
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        let errno = match &error.kind {
            RegistryErrorKind::NoSuchController(_) => libc::ENODEV,
            RegistryErrorKind::NotFabrics(_) => libc::EOPNOTSUPP,
            RegistryErrorKind::NoSuchEntry(_) | RegistryErrorKind::NoSuchAttribute(_) => {
                libc::ENOENT
            }
            RegistryErrorKind::Reserved(_) => libc::EPERM,
            RegistryErrorKind::Value(_) | RegistryErrorKind::Owner(_) => libc::EINVAL,
            RegistryErrorKind::Contended => libc::EAGAIN,
            RegistryErrorKind::Locked { .. } => libc::ETIMEDOUT,
            RegistryErrorKind::Io(e) => of_io(e),
            _ => libc::EIO,
        };
        Self::new(errno, error)
    }
}

impl From<ListError> for Failure {
    fn from(error: ListError) -> Self {
        let errno = match &error.kind {
            ListErrorKind::NoSuchList => libc::ENOENT,
            ListErrorKind::Symlink(_) => libc::ELOOP,
            ListErrorKind::NotAFile(_) | ListErrorKind::Dead(_) => libc::EINVAL,
            ListErrorKind::NotUtf8(_) => libc::EILSEQ,
            ListErrorKind::TooLarge => libc::EFBIG,
            ListErrorKind::FirstDesign(_) => libc::EROFS,
            ListErrorKind::Changed => libc::ESTALE,
            ListErrorKind::Locked { .. } => libc::ETIMEDOUT,
            ListErrorKind::Io(e) => of_io(e),
            _ => libc::EIO,
        };
        Self::new(errno, error)
    }
}

impl From<EditError<Self>> for Failure {
    fn from(error: EditError<Self>) -> Self {
        match error {
            EditError::Refused(failure) => failure,
            EditError::List(error) => error.into(),
            _ => Self::new(libc::EIO, "the list was not changed"),
        }
    }
}

impl From<SysfsError> for Failure {
    fn from(error: SysfsError) -> Self {
        Self::new(of_io(&error.source), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_errno() {
        let said = |work: fn() -> Result<c_int, Failure>| {
            let errno = errno(work);
            (
                errno,
                LAST.with_borrow(|last| last.clone().unwrap_or_default()),
            )
        };
        let (errno, message) = said(|| panic!("oh {}", 1));
        assert_eq!(errno, -libc::ENOTRECOVERABLE);
        assert_eq!(message, "a bug in libnvmf: oh 1");
        let (errno, message) = said(|| Err(Failure::invalid("no")));
        assert_eq!((errno, message.as_str()), (-libc::EINVAL, "no"));
        assert_eq!(said(|| Ok(7)), (7, "no".to_owned()));
        assert!(!or_else(false, || panic!("oh")));
    }
}
