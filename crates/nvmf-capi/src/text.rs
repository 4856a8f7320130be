//! Strings from C and to C.

#![expect(unsafe_code, reason = "C's strings are pointers")]

use std::ffi::{CStr, CString, c_char};
use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::os::fd::RawFd;
use std::str::FromStr;

use crate::failure::Failure;

/// A string that C passed for the time of a call, or a null pointer. C makes them; here they can
/// only be taken.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub struct Text<'a>(*const c_char, PhantomData<&'a CStr>);

/// A place for a string, or a null pointer.
pub type Out<'a> = Option<&'a mut MaybeUninit<*mut c_char>>;

/// A `FILE *` that C passed, or a null pointer.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub struct Stream(*mut libc::FILE);

impl Stream {
    /// Its descriptor; `None`: a null pointer, or a stream that has none.
    pub(crate) fn descriptor(self) -> Option<RawFd> {
        if self.0.is_null() {
            return None;
        }
        // SAFETY: C passed it as a stream that is open.
        let descriptor = unsafe { libc::fileno(self.0) };
        (descriptor >= 0).then_some(descriptor)
    }
}

/// Writes a line to `descriptor`. Whether that succeeds concerns nobody.
pub(crate) fn log(descriptor: RawFd, message: &str) {
    let line = format!("{message}\n");
    // SAFETY: it reads as many bytes as the line has.
    unsafe { libc::write(descriptor, line.as_ptr().cast(), line.len()) };
}

impl<'a> Text<'a> {
    /// The text, or nothing if C passed a null pointer.
    pub(crate) fn optional(self, what: &str) -> Result<Option<&'a str>, Failure> {
        if self.0.is_null() {
            return Ok(None);
        }
        // SAFETY: C passed it as a string: it ends in a NUL, and stays what it is during the call.
        let bytes = unsafe { CStr::from_ptr(self.0) };
        let text = bytes.to_str();
        let text = text.map_err(|_| Failure::invalid(format!("{what} {bytes:?} is not UTF-8")));
        text.map(Some)
    }

    /// The text.
    pub(crate) fn required(self, what: &str) -> Result<&'a str, Failure> {
        self.optional(what)?
            .ok_or_else(|| Failure::invalid(format!("{what} is NULL")))
    }

    /// The text as what it means.
    pub(crate) fn parsed<T: FromStr<Err: fmt::Display>>(self, what: &str) -> Result<T, Failure> {
        let parsed = self.required(what)?.parse();
        parsed.map_err(|e| Failure::invalid(format!("{what}: {e}")))
    }
}

/// A copy of `text` that is freed with `free()`.
pub(crate) fn give(text: &str) -> Result<*mut c_char, Failure> {
    let text = CString::new(text)
        .map_err(|_| Failure::new(libc::EILSEQ, "there is a NUL character in the text"))?;
    // SAFETY: it is a string, and `strdup` only reads it.
    let copy = unsafe { libc::strdup(text.as_ptr()) };
    if copy.is_null() {
        return Err(Failure::new(libc::ENOMEM, "out of memory"));
    }
    Ok(copy)
}

/// Puts a copy of `text` where the caller wants it, if he does; NULL: no text.
pub(crate) fn put(out: Out<'_>, text: Option<&str>) -> Result<(), Failure> {
    if let Some(out) = out {
        out.write(match text {
            Some(text) => give(text)?,
            None => std::ptr::null_mut(),
        });
    }
    Ok(())
}

/// What must not be NULL.
pub(crate) fn given<T>(argument: Option<T>, what: &str) -> Result<T, Failure> {
    argument.ok_or_else(|| Failure::invalid(format!("{what} is NULL")))
}
