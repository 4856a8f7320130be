//! Waiting until a descriptor has something to say.
#![expect(
    unsafe_code,
    reason = "tokio cannot know that a type keeps its descriptor"
)]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use nvmf::net::Changes;
use nvmf::uevent::Socket;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::exclusion_watch::Watch;

/// A type that owns one descriptor, always the same, and closes it only when it is dropped.
pub(crate) trait KeepsItsFd: AsRawFd {}

impl KeepsItsFd for File {}
impl KeepsItsFd for Changes {}
impl KeepsItsFd for Socket {}
impl KeepsItsFd for Watch {}

/// Makes a non-blocking descriptor awaitable.
///
/// # Errors
/// The kernel refuses to poll it.
pub(crate) fn readable<T: KeepsItsFd>(inner: T) -> io::Result<AsyncFd<T>> {
    when(inner, Interest::READABLE)
}

/// Makes a descriptor awaitable for something.
///
/// # Errors
/// The kernel refuses to poll it.
pub(crate) fn when<T: KeepsItsFd>(inner: T, interest: Interest) -> io::Result<AsyncFd<T>> {
    // SAFETY: `KeepsItsFd` promises an open descriptor that stays the same until `inner` is
    // dropped; the types above hold it as a private `OwnedFd` that no method replaces (a `File` is one), and
    // `AsyncFd` owns `inner`.
    let registered = unsafe { AsyncFd::register_with_interest(inner, interest) };
    registered.map_err(|error| error.into_parts().1)
}
