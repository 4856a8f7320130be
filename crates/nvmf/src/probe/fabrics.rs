//! A Connect of the admin queue as a PDU (NVMe/TCP Transport Specification §3.6.2.6, Base
//! Specification, Fabrics Connect command).

use nvmf_types::{HostId, Nqn};

use super::pdu::{self, HEADER_LEN};

const CAPSULE_CMD: u8 = 0x04;
const CAPSULE_RESP: u8 = 0x05;
/// Header and submission queue entry.
const COMMAND_LEN: u8 = 72;
const DATA_LEN: usize = 1024;
const LEN: usize = COMMAND_LEN as usize + DATA_LEN;

const FABRICS_COMMAND: u8 = 0x7f;
const CONNECT: u8 = 0x01;
/// SGLs are used; metadata has one, too (as Linux spells it).
const SGL: u8 = 0x40;
/// Data block descriptor, offset: the data is in the capsule.
const IN_CAPSULE: u8 = 0x01;
/// Entries of the submission queue, less one.
const SQSIZE: u16 = 31;
/// A target that misses the end of the connection forgets the controller after so long.
const KEEP_ALIVE_MS: u32 = 5_000;
/// Any controller: the dynamic controller model.
const ANY_CONTROLLER: u16 = 0xffff;

/// The command of `hostnqn` to the admin queue of `subnqn`, as a capsule.
pub(super) fn connect(subnqn: &Nqn, hostnqn: &Nqn, hostid: HostId) -> [u8; LEN] {
    let mut capsule = [0; LEN];
    let mut put = |at: usize, bytes: &[u8]| {
        let room = capsule.get_mut(at..at + bytes.len());
        if let Some(room) = room {
            room.copy_from_slice(bytes);
        }
    };
    let entry = HEADER_LEN;
    put(0, &[CAPSULE_CMD, 0, COMMAND_LEN, COMMAND_LEN]);
    put(4, &u32::try_from(LEN).unwrap_or_default().to_le_bytes());
    put(entry, &[FABRICS_COMMAND, SGL]);
    put(entry + 4, &[CONNECT]);
    let length = u32::try_from(DATA_LEN).unwrap_or_default();
    put(entry + 32, &length.to_le_bytes());
    put(entry + 39, &[IN_CAPSULE]);
    put(entry + 44, &SQSIZE.to_le_bytes());
    put(entry + 48, &KEEP_ALIVE_MS.to_le_bytes());
    let data = usize::from(COMMAND_LEN);
    put(data, &hostid.to_bytes());
    put(data + 16, &ANY_CONTROLLER.to_le_bytes());
    put(data + 256, subnqn.as_str().as_bytes());
    put(data + 512, hostnqn.as_str().as_bytes());
    capsule
}

/// Whether a header is that of a response; if not, what it is.
pub(super) fn check(header: &[u8]) -> Result<(), String> {
    match header {
        [CAPSULE_RESP, _, 24, _, 24, 0, 0, 0] => Ok(()),
        [pdu::C2H_TERM_REQ, ..] => Err("it terminates the connection (C2HTermReq)".to_owned()),
        _ => Err(format!(
            "its answer to Connect begins with `{}`",
            header.escape_ascii()
        )),
    }
}
