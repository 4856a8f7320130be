//! PDUs of NVMe/TCP (NVMe/TCP Transport Specification, 3.6), as much as an admin queue needs.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use super::log::fill;

const IC_REQ: u8 = 0x00;
const IC_RESP: u8 = 0x01;
const CAPSULE_CMD: u8 = 0x04;
const CAPSULE_RESP: u8 = 0x05;
const C2H_DATA: u8 = 0x07;
/// C2HData flag: the last PDU of this command's data.
const LAST: u8 = 0x04;
/// Most that is taken for one PDU.
const PDU_MAX: usize = 64 * 1024;

/// A command: submission queue entry and in-capsule data.
#[derive(Clone, Debug)]
pub(super) struct Command {
    sqe: Vec<u8>,
    /// What came with it in the capsule.
    pub(super) data: Vec<u8>,
}

impl Command {
    pub(super) fn byte(&self, at: usize) -> u8 {
        self.sqe.get(at).copied().unwrap_or(0)
    }

    pub(super) fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.byte(at), self.byte(at + 1)])
    }

    pub(super) fn u32(&self, at: usize) -> u32 {
        u32::from(self.u16(at)) | u32::from(self.u16(at + 2)) << 16
    }

    pub(super) fn u64(&self, at: usize) -> u64 {
        u64::from(self.u32(at)) | u64::from(self.u32(at + 4)) << 32
    }

    pub(super) fn id(&self) -> u16 {
        self.u16(2)
    }
}

/// One connection after its ICReq has been answered.
#[derive(Debug)]
pub(super) struct Queue {
    stream: TcpStream,
    sqhd: u16,
}

impl Queue {
    /// Answers the ICReq: no digests, no alignment.
    pub(super) fn accept(mut stream: TcpStream) -> io::Result<Self> {
        let (kind, request) = read_pdu(&mut stream)?;
        if kind != IC_REQ || request.len() != 128 {
            return Err(io::Error::other("not an ICReq"));
        }
        let mut response = header(IC_RESP, 0, 128, 0, 128);
        response.resize(128, 0);
        fill(&mut response, 12, &(128 * 1024_u32).to_le_bytes());
        stream.write_all(&response)?;
        Ok(Self { stream, sqhd: 0 })
    }

    /// The next command.
    pub(super) fn command(&mut self) -> io::Result<Command> {
        let (kind, pdu) = read_pdu(&mut self.stream)?;
        if kind != CAPSULE_CMD || pdu.len() < 72 {
            return Err(io::Error::other(format!(
                "PDU type {kind} is not expected here"
            )));
        }
        let offset = pdu.get(3).copied().map_or(0, usize::from);
        let data = if offset == 0 {
            &[][..]
        } else {
            pdu.get(offset..).unwrap_or_default()
        };
        let sqe = pdu.get(8..72).unwrap_or_default().to_vec();
        Ok(Command {
            data: data.to_vec(),
            sqe,
        })
    }

    /// Sends a command's data.
    pub(super) fn send(&mut self, command: &Command, data: &[u8]) -> io::Result<()> {
        let length = u32::try_from(data.len()).map_err(io::Error::other)?;
        let mut pdu = header(C2H_DATA, LAST, 24, 24, 24 + length);
        pdu.extend(command.id().to_le_bytes());
        pdu.extend([0; 6]);
        pdu.extend(length.to_le_bytes());
        pdu.extend([0; 4]);
        pdu.extend(data);
        self.stream.write_all(&pdu)
    }

    /// Completes a command: `status` is SCT and SC as the completion queue entry has them.
    pub(super) fn complete(
        &mut self,
        command: &Command,
        status: u16,
        result: u64,
    ) -> io::Result<()> {
        self.sqhd = self.sqhd.wrapping_add(1) % 32;
        let mut pdu = header(CAPSULE_RESP, 0, 24, 0, 24);
        pdu.extend(result.to_le_bytes());
        pdu.extend(self.sqhd.to_le_bytes());
        pdu.extend([0; 2]);
        pdu.extend(command.id().to_le_bytes());
        pdu.extend((status << 1).to_le_bytes());
        self.stream.write_all(&pdu)
    }
}

fn header(kind: u8, flags: u8, hlen: u8, pdo: u8, plen: u32) -> Vec<u8> {
    let mut header = vec![kind, flags, hlen, pdo];
    header.extend(plen.to_le_bytes());
    header
}

/// One whole PDU and its type.
fn read_pdu(stream: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut common = [0; 8];
    stream.read_exact(&mut common)?;
    let [kind, _, _, _, plen @ ..] = common;
    let length = usize::try_from(u32::from_le_bytes(plen)).map_err(io::Error::other)?;
    if !(8..=PDU_MAX).contains(&length) {
        return Err(io::Error::other(format!("a PDU of {length} bytes")));
    }
    let mut pdu = common.to_vec();
    pdu.resize(length, 0);
    stream.read_exact(pdu.get_mut(8..).unwrap_or_default())?;
    Ok((kind, pdu))
}
