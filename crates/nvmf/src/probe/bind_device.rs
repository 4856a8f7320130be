//! `SO_BINDTODEVICE`, which rustix does not have.
#![expect(
    unsafe_code,
    reason = "a socket option that only the C library reaches"
)]

use std::ffi::{c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

unsafe extern "C" {
    fn setsockopt(fd: c_int, level: c_int, name: c_int, value: *const c_void, length: u32)
    -> c_int;
}

// Linux `include/uapi/asm-generic/socket.h`
const SOL_SOCKET: c_int = 1;
const SO_BINDTODEVICE: c_int = 25;

/// Lets the socket send through one network interface only.
pub(super) fn bind_device(socket: BorrowedFd<'_>, interface: &str) -> io::Result<()> {
    let length = u32::try_from(interface.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: the descriptor is open as long as it is borrowed, and the kernel reads `length`
    // bytes from `value` and keeps no pointer.
    let result = unsafe {
        setsockopt(
            socket.as_raw_fd(),
            SOL_SOCKET,
            SO_BINDTODEVICE,
            interface.as_ptr().cast(),
            length,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
