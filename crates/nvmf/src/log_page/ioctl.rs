//! `NVME_IOCTL_ADMIN_CMD` (Linux `include/uapi/linux/nvme_ioctl.h`) with Get Log Page.
#![expect(
    unsafe_code,
    reason = "an ioctl that hands the kernel a pointer to a buffer"
)]

use std::ffi::c_void;
use std::marker::PhantomData;
use std::os::fd::AsFd;

use rustix::io::{Errno, Result};
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, ioctl, opcode};

const GET_LOG_PAGE: u8 = 0x02;
const DISCOVERY: u32 = 0x70;

/// Bit 15 of dword 10: the event that announced the page stays pending.
const RETAIN_EVENT: u32 = 1 << 15;

/// `struct nvme_passthru_cmd`
#[repr(C)]
#[derive(Debug, Default)]
struct PassthruCommand {
    opcode: u8,
    flags: u8,
    reserved: u16,
    nsid: u32,
    cdw2: u32,
    cdw3: u32,
    metadata: u64,
    addr: u64,
    metadata_len: u32,
    data_len: u32,
    cdw10: u32,
    cdw11: u32,
    cdw12: u32,
    cdw13: u32,
    cdw14: u32,
    cdw15: u32,
    timeout_ms: u32,
    result: u32,
}

const _: () = assert!(size_of::<PassthruCommand>() == 72);
const ADMIN_COMMAND: Opcode = opcode::read_write::<PassthruCommand>(b'N', 0x41);

/// Reads `buffer.len()` bytes (a multiple of four, not zero) of the discovery log page from
/// `offset` (a multiple of four). Returns the NVMe status, 0 for success.
pub(super) fn discovery_log(
    device: impl AsFd,
    offset: u64,
    buffer: &mut [u8],
    retain: bool,
) -> Result<u16> {
    let command = command(offset, buffer, retain).ok_or(Errno::INVAL)?;
    // SAFETY: the opcode belongs to the struct, and the command's `addr` and `data_len` describe
    // `buffer`, which is borrowed mutably until the call is over. Devices that are no NVMe
    // controllers know no such opcode and answer ENOTTY.
    unsafe {
        ioctl(
            device,
            AdminRead {
                command,
                buffer: PhantomData,
            },
        )
    }
}

fn command(offset: u64, buffer: &mut [u8], retain: bool) -> Option<PassthruCommand> {
    let data_len = u32::try_from(buffer.len())
        .ok()
        .filter(|n| *n != 0 && n % 4 == 0)?;
    let dwords = data_len / 4 - 1;
    let (low, high) = (offset & 0xffff_ffff, offset >> 32);
    Some(PassthruCommand {
        opcode: GET_LOG_PAGE,
        addr: buffer.as_mut_ptr().expose_provenance() as u64,
        data_len,
        cdw10: DISCOVERY | if retain { RETAIN_EVENT } else { 0 } | (dwords & 0xffff) << 16,
        cdw11: dwords >> 16,
        cdw12: u32::try_from(low).ok()?,
        cdw13: u32::try_from(high).ok()?,
        ..PassthruCommand::default()
    })
}

/// A command that fills a buffer, which it keeps borrowed.
struct AdminRead<'a> {
    command: PassthruCommand,
    buffer: PhantomData<&'a mut [u8]>,
}

// SAFETY: `as_ptr` points to the struct that the opcode names, and nothing is read through the
// pointer afterwards: the status is the return value.
unsafe impl Ioctl for AdminRead<'_> {
    type Output = u16;

    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        ADMIN_COMMAND
    }

    fn as_ptr(&mut self) -> *mut c_void {
        (&raw mut self.command).cast()
    }

    unsafe fn output_from_ptr(status: IoctlOutput, _: *mut c_void) -> Result<u16> {
        // Status type and code; the bits above say whether to retry.
        Ok(u16::try_from(status & 0x7ff).unwrap_or(u16::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_as_the_kernel_reads_it() {
        assert_eq!(u64::from(ADMIN_COMMAND), 0xC048_4E41);
        let mut buffer = vec![0; 1 << 20];
        let page = command(0x1_0000_0400, &mut buffer, true).unwrap();
        assert_eq!((page.opcode, page.nsid, page.data_len), (0x02, 0, 1 << 20));
        assert_eq!(page.addr, buffer.as_ptr().addr() as u64);
        assert_eq!((page.cdw10, page.cdw11), (0xffff_8070, 0x3));
        assert_eq!((page.cdw12, page.cdw13), (0x400, 1));
        assert_eq!(command(0, &mut buffer[..4], false).unwrap().cdw10, 0x70);
        for length in [0, 3, 6] {
            assert!(command(0, &mut buffer[..length], false).is_none());
        }
    }
}
