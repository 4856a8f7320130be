//! Keeps the guest's kernel from patching its own network code while tests run.
//!
//! The first NVMe/TCP socket of a kernel switches a static key on (`sk_set_memalloc`, Linux
//! `net/core/sock.c`, `memalloc_socks_key`), the last one switches it off, and each time jumps are
//! patched in `__alloc_skb` and others, while the other processor runs them. Under QEMU's software
//! emulation with several threads such a patch ends now and then in a panic of the
//! guest, "Fatal exception in interrupt" at the patched jump. One more socket of this kind, there
//! before the tests and after them, keeps the key on: that of a network block device without a size,
//! which nobody reads.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::thread;

use rustix::ioctl::{IntegerSetter, NoArg, Opcode, ioctl};

/// `NBD_SET_SOCK`, Linux `include/uapi/linux/nbd.h`.
const SET_SOCK: Opcode = 0xab00;
/// `NBD_DO_IT`, ibid.: does not return as long as the device is in use.
const DO_IT: Opcode = 0xab03;

/// Keeps the key on for as long as this process lives.
///
/// # Errors
/// The kernel has no network block devices.
pub fn keep() -> io::Result<()> {
    let _ = Command::new("modprobe")
        .args(["nbd", "nbds_max=1"])
        .status();
    let device = File::options().read(true).write(true).open("/dev/nbd0")?;
    let (ours, silent) = UnixStream::pair()?;
    let socket = usize::try_from(ours.as_raw_fd()).map_err(io::Error::other)?;
    #[expect(unsafe_code, reason = "no library has the device's calls")]
    // SAFETY: this call takes the number of a socket, and the kernel takes a reference of its own.
    unsafe {
        ioctl(&device, IntegerSetter::<SET_SOCK>::new_usize(socket))?;
    }
    thread::Builder::new().spawn(move || {
        // Both ends stay open as long as the device is in use.
        let _ends = (ours, silent);
        #[expect(unsafe_code, reason = "no library has the device's calls")]
        // SAFETY: this call takes no argument and writes no memory.
        let _ = unsafe { ioctl(&device, NoArg::<DO_IT>::new()) };
    })?;
    Ok(())
}
