//! The bytes as the specification lays them out: little endian, nothing aligned.

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

/// A place in the heap: offset from the table's begin, and length; length 0: nothing.
#[derive(Clone, Copy, Debug, FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct HeapRef {
    pub(super) offset: U32,
    pub(super) length: U16,
}

/// A list of descriptors: offset from the table's begin, bytes of each, version, how many.
#[derive(Clone, Copy, FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct RawList {
    pub(super) offset: U32,
    pub(super) length: U16,
    pub(super) version: u8,
    pub(super) count: u8,
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct RawHeader {
    pub(super) signature: [u8; 4],
    pub(super) length: U32,
    pub(super) major_revision: u8,
    _checksum: u8,
    _oem_id: [u8; 6],
    _oem_table_id: [u8; 8],
    _oem_revision: U32,
    _creator_id: U32,
    _creator_revision: U32,
    pub(super) heap_offset: U32,
    pub(super) heap_length: U32,
    _driver_signature: HeapRef,
    pub(super) minor_revision: u8,
    _reserved: [u8; 13],
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct RawControl {
    pub(super) structure_id: u8,
    pub(super) major_revision: u8,
    _minor_revision: u8,
    _reserved3: u8,
    pub(super) length: U16,
    pub(super) flags: u8,
    _reserved7: u8,
    pub(super) host: HeapRef,
    _host_version: u8,
    _reserved15: u8,
    pub(super) hfis: RawList,
    pub(super) subsystems: RawList,
    pub(super) security: RawList,
    pub(super) discovery: RawList,
    _reserved48: [u8; 16],
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct RawHost {
    pub(super) structure_id: u8,
    pub(super) flags: u8,
    pub(super) id: [u8; 16],
    pub(super) nqn: HeapRef,
    _reserved: [u8; 8],
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct RawHfi {
    pub(super) structure_id: u8,
    pub(super) index: u8,
    pub(super) flags: u8,
    pub(super) trtype: u8,
    _reserved4: [u8; 12],
    pub(super) info: HeapRef,
    _reserved22: [u8; 10],
}

/// The HFI's transport information for NVMe/TCP. Revision 1.0 reserves what
/// follows the host name.
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct RawHfiTcp {
    pub(super) structure_id: u8,
    pub(super) version: u8,
    pub(super) trtype: u8,
    pub(super) info_version: u8,
    pub(super) hfi_index: U16,
    pub(super) flags: u8,
    pub(super) pci_routing_id: U32,
    pub(super) mac: [u8; 6],
    pub(super) vlan: U16,
    pub(super) ip_origin: u8,
    pub(super) ip_address: [u8; 16],
    pub(super) prefix: u8,
    pub(super) gateway: [u8; 16],
    _reserved51: u8,
    pub(super) route_metric: U16,
    pub(super) primary_dns: [u8; 16],
    pub(super) secondary_dns: [u8; 16],
    pub(super) dhcp_server: [u8; 16],
    pub(super) host_name: HeapRef,
    pub(super) extended: HeapRef,
    pub(super) pci_segment: u8,
    _reserved117: [u8; 11],
}

/// Extended information of an HFI (since revision 1.1).
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct RawHfiExtended {
    pub(super) structure_id: u8,
    pub(super) version: u8,
    _index: U16,
    pub(super) flags: U32,
    pub(super) iaid: HeapRef,
    pub(super) duid: HeapRef,
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct RawSubsystem {
    pub(super) structure_id: u8,
    pub(super) index: U16,
    pub(super) flags: U16,
    pub(super) trtype: u8,
    pub(super) trflags: U16,
    pub(super) discovery: u8,
    _reserved9: u8,
    pub(super) traddr: HeapRef,
    pub(super) trsvcid: HeapRef,
    pub(super) port_id: U16,
    pub(super) nsid: U32,
    pub(super) nid_type: u8,
    pub(super) nid: [u8; 16],
    pub(super) security: u8,
    pub(super) primary_hfi: u8,
    _reserved47: u8,
    pub(super) secondary_hfis: HeapRef,
    pub(super) nqn: HeapRef,
    pub(super) extended: HeapRef,
    _reserved66: [u8; 62],
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct RawExtendedInfo {
    pub(super) structure_id: u8,
    pub(super) version: u8,
    pub(super) ssns_index: U16,
    pub(super) flags: U32,
    pub(super) cntlid: U16,
    pub(super) asqsz: U16,
    pub(super) dhcp_root_path: HeapRef,
}

/// What revision 1.1 adds behind [`RawExtendedInfo`].
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct RawDiagnostic {
    pub(super) naed: u8,
    pub(super) cipeec: u8,
    pub(super) connection_timeout: U16,
    pub(super) nceec: u8,
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct RawSecurity {
    pub(super) structure_id: u8,
    pub(super) index: u8,
    pub(super) flags: U16,
    pub(super) secret_type: u8,
    _reserved5: u8,
    pub(super) channel_algorithms: HeapRef,
    pub(super) auth_protocols: HeapRef,
    pub(super) cipher_suites: HeapRef,
    pub(super) dh_groups: HeapRef,
    pub(super) hash_functions: HeapRef,
    pub(super) secret_keypath: HeapRef,
    _reserved42: [u8; 22],
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct RawDiscovery {
    pub(super) structure_id: u8,
    pub(super) flags: u8,
    pub(super) index: u8,
    pub(super) hfi: u8,
    pub(super) security: u8,
    _reserved5: u8,
    pub(super) uri: HeapRef,
    pub(super) nqn: HeapRef,
    _reserved18: [u8; 14],
}

const _: () = {
    assert!(size_of::<RawHeader>() == 64);
    assert!(size_of::<RawControl>() == 64);
    assert!(size_of::<RawHost>() == 32);
    assert!(size_of::<RawHfi>() == 32);
    assert!(size_of::<RawHfiTcp>() == 128);
    assert!(size_of::<RawHfiExtended>() == 20);
    assert!(size_of::<RawSubsystem>() == 128);
    assert!(size_of::<RawExtendedInfo>() == 18);
    assert!(size_of::<RawDiagnostic>() == 5);
    assert!(size_of::<RawSecurity>() == 64);
    assert!(size_of::<RawDiscovery>() == 32);
};
