//! The bytes as the specification lays them out: little endian, nothing aligned.

use zerocopy::little_endian::{U16, U64};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct RawHeader {
    pub(super) genctr: U64,
    pub(super) numrec: U64,
    pub(super) recfmt: U16,
    _reserved: [u8; 1006],
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct RawEntry {
    pub(super) trtype: u8,
    pub(super) adrfam: u8,
    pub(super) subtype: u8,
    pub(super) treq: u8,
    pub(super) portid: U16,
    pub(super) cntlid: U16,
    pub(super) asqsz: U16,
    pub(super) eflags: U16,
    _reserved12: [u8; 20],
    pub(super) trsvcid: [u8; 32],
    _reserved64: [u8; 192],
    pub(super) subnqn: [u8; 256],
    pub(super) traddr: [u8; 256],
    pub(super) tsas: [u8; 256],
}

const _: () = assert!(size_of::<RawHeader>() == super::HEADER_LEN);
const _: () = assert!(size_of::<RawEntry>() == super::ENTRY_LEN);
