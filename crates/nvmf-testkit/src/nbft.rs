//! Boot tables as a firmware would write them.

mod plain;

pub use plain::{address, plain};

use std::net::IpAddr;

use nvmf_types::nbft::{
    Discovery, ExtendedInfo, Hfi, Host, NamespaceId, Nbft, PrimaryAdmin, Requirement,
    SecurityProfile, SubsystemNamespace,
};

const HEADER: usize = 64;
const CONTROL: usize = 64;

/// The bytes of a table with this content: every descriptor valid, checksum right, and what
/// revision 1.1 added where it is used. [`Nbft::decode`] reads the same content from them.
///
/// Lists are as long as the table can say: 255 descriptors. [`Nbft::problems`] is not written.
#[must_use]
pub fn encode(table: &Nbft) -> Vec<u8> {
    let lists = [
        (32, table.hfis.len()),
        (128, table.subsystems.len()),
        (64, table.security.len()),
        (32, table.discovery.len()),
    ];
    let host = HEADER + CONTROL;
    let descriptors: usize = lists.iter().map(|(length, count)| length * count).sum();
    let mut heap = Heap {
        offset: host + 32 + descriptors,
        bytes: Vec::new(),
    };
    let mut body = Vec::new();
    body.extend(
        table
            .host
            .as_ref()
            .map_or(vec![0; 32], |host| host_bytes(host, &mut heap)),
    );
    body.extend(table.hfis.iter().flat_map(|hfi| hfi_bytes(hfi, &mut heap)));
    body.extend(
        table
            .subsystems
            .iter()
            .flat_map(|ssns| ssns_bytes(ssns, &mut heap)),
    );
    body.extend(
        table
            .security
            .iter()
            .flat_map(|profile| security_bytes(profile, &mut heap)),
    );
    body.extend(
        table
            .discovery
            .iter()
            .flat_map(|entry| discovery_bytes(entry, &mut heap)),
    );
    let total = heap.offset + heap.bytes.len();

    let mut header = Bytes::default();
    header.put(b"NBFT").u32(total).put(&[1, 0]);
    header
        .put(b"NVMF  ")
        .put(b"TESTKIT ")
        .u32(1)
        .put(b"NVMF")
        .u32(1);
    header.u32(heap.offset).u32(heap.bytes.len()).put(&[0; 6]);
    header.put(&[table.minor_revision]).pad(HEADER);

    let mut control = Bytes::default();
    control.put(&[1, 1, 0, 0]).u16(CONTROL).put(&[1, 0]);
    control.u32(host).u16(32).put(&[1, 0]);
    let mut offset = host + 32;
    for (length, count) in lists {
        control.u32(offset).u16(length).put(&[1, low_byte(count)]);
        offset += length * count;
    }
    control.pad(CONTROL);

    let mut bytes = [header.0, control.0, body, heap.bytes].concat();
    let sum = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    if let Some(checksum) = bytes.get_mut(9) {
        *checksum = sum.wrapping_neg();
    }
    bytes
}

/// Where descriptors put what has no fixed length.
struct Heap {
    offset: usize,
    bytes: Vec<u8>,
}

impl Heap {
    /// Puts an object there; returns the reference to it.
    fn put(&mut self, object: &[u8]) -> Vec<u8> {
        let mut reference = Bytes::default();
        if object.is_empty() {
            return vec![0; 6];
        }
        reference
            .u32(self.offset + self.bytes.len())
            .u16(object.len());
        self.bytes.extend(object);
        // as firmware does: what follows a text ends it
        self.bytes.push(0);
        reference.0
    }

    fn text(&mut self, text: Option<&str>) -> Vec<u8> {
        self.put(text.unwrap_or_default().as_bytes())
    }
}

/// A structure in the making, little endian.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn put(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend(bytes);
        self
    }

    fn u16(&mut self, number: usize) -> &mut Self {
        self.put(&u16::try_from(number).unwrap_or(u16::MAX).to_le_bytes())
    }

    fn u32(&mut self, number: usize) -> &mut Self {
        self.put(&u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes())
    }

    fn pad(&mut self, length: usize) {
        self.0.resize(length, 0);
    }
}

fn host_bytes(host: &Host, heap: &mut Heap) -> Vec<u8> {
    let primary = match host.primary {
        PrimaryAdmin::NotIndicated => 0,
        PrimaryAdmin::Unselected => 1,
        PrimaryAdmin::Selected => 2,
        PrimaryAdmin::Reserved => 3,
    };
    let configured = u8::from(host.id_configured) << 1 | u8::from(host.nqn_configured) << 2;
    let id = host.id.map(|id| id.to_string().replace('-', ""));
    let id = u128::from_str_radix(&id.unwrap_or_default(), 16).unwrap_or_default();
    let mut raw = Bytes::default();
    raw.put(&[2, 1 | configured | primary << 3]);
    raw.put(&id.to_be_bytes());
    raw.put(&heap.text(host.nqn.as_ref().map(nvmf_types::Nqn::as_str)));
    raw.pad(32);
    raw.0
}

fn hfi_bytes(hfi: &Hfi, heap: &mut Heap) -> Vec<u8> {
    let dhcp = hfi.dhcp_server.is_some();
    let flags = 1
        | u8::from(hfi.default_route) << 1
        | u8::from(dhcp) << 2
        | u8::from(hfi.autoconfigured) << 3;
    let mut tcp = Bytes::default();
    tcp.put(&[7, 1, 3, 2]).u16(hfi.index.into()).put(&[flags]);
    tcp.put(&hfi.pci_routing_id.to_le_bytes()).put(&hfi.mac.0);
    tcp.u16(hfi.vlan.into()).put(&[hfi.ip_origin]);
    tcp.put(&ip(hfi.ip_address)).put(&[hfi.prefix]);
    tcp.put(&ip(hfi.gateway))
        .put(&[0])
        .u16(hfi.route_metric.into());
    tcp.put(&ip(hfi.primary_dns)).put(&ip(hfi.secondary_dns));
    tcp.put(&hfi.dhcp_server.map_or([0; 16], ip));
    tcp.put(&heap.text(hfi.host_name.as_deref()));
    let extended = hfi.dhcp_client.as_ref().map(|client| {
        let mut extended = Bytes::default();
        extended.put(&[10, 1]).u16(hfi.index.into()).u32(3);
        extended.put(&heap.put(&client.iaid.to_le_bytes()));
        extended.put(&heap.put(&client.duid));
        extended.0
    });
    tcp.put(&heap.put(&extended.unwrap_or_default()));
    tcp.put(&[hfi.pci_segment]).pad(128);

    let mut raw = Bytes::default();
    raw.put(&[3, hfi.index, 1, 3])
        .put(&[0; 12])
        .put(&heap.put(&tcp.0));
    raw.pad(32);
    raw.0
}

fn ssns_bytes(ssns: &SubsystemNamespace, heap: &mut Heap) -> Vec<u8> {
    let flags = 1
        | usize::from(ssns.security.is_some()) << 2
        | usize::from(ssns.extended.is_some()) << 4
        | usize::from(ssns.discovered) << 6
        | usize::from(ssns.unavailable) << 8;
    let digests = 1 | usize::from(ssns.header_digest) << 1 | usize::from(ssns.data_digest) << 2;
    let port = ssns.trsvcid.map(|port| port.to_string());
    let (kind, nid) = match ssns.nid {
        NamespaceId::None => (0, vec![]),
        NamespaceId::Eui64(id) => (1, id.to_vec()),
        NamespaceId::Nguid(id) => (2, id.to_vec()),
        NamespaceId::Uuid(id) => (3, id.to_vec()),
    };
    let (primary, secondary) = ssns.hfis.split_first().unwrap_or((&0, &[]));
    let mut raw = Bytes::default();
    raw.put(&[4])
        .u16(ssns.index.into())
        .u16(flags)
        .put(&[3])
        .u16(digests);
    raw.put(&[ssns.discovery.unwrap_or_default(), 0]);
    raw.put(&heap.put(&ip(ssns.traddr)))
        .put(&heap.text(port.as_deref()));
    raw.u16(ssns.port_id.into())
        .put(&ssns.nsid.to_le_bytes())
        .put(&[kind]);
    raw.put(&nid).pad(45);
    raw.put(&[ssns.security.unwrap_or_default(), *primary, 0]);
    raw.put(&heap.put(secondary))
        .put(&heap.text(Some(ssns.nqn.as_str())));
    let extended = ssns.extended.as_ref();
    let extended = extended.map(|info| extended_bytes(ssns.index, info, heap));
    raw.put(&heap.put(&extended.unwrap_or_default())).pad(128);
    raw.0
}

fn extended_bytes(index: u16, info: &ExtendedInfo, heap: &mut Heap) -> Vec<u8> {
    let mut raw = Bytes::default();
    let flags = 1 | usize::from(info.asqsz.is_some()) << 1;
    raw.put(&[9, 1])
        .u16(index.into())
        .u32(flags)
        .u16(info.cntlid.into());
    raw.u16(info.asqsz.unwrap_or_default().into());
    raw.put(&heap.text(info.dhcp_root_path.as_deref()));
    raw.put(&[info.naed, info.cipeec]);
    raw.u16(info.connection_timeout.unwrap_or(u16::MAX).into())
        .put(&[info.nceec]);
    raw.0
}

fn security_bytes(profile: &SecurityProfile, heap: &mut Heap) -> Vec<u8> {
    let bits = |requirement| match requirement {
        Requirement::NotSupported => 0,
        Requirement::NotRequired => 1,
        Requirement::Required => 2,
        Requirement::Reserved => 3,
    };
    let set = |list: &[u8], bit: usize| usize::from(!list.is_empty()) << bit;
    let flags = 1
        | bits(profile.authentication) << 1
        | bits(profile.secure_channel) << 5
        | set(&profile.auth_protocols, 3)
        | set(&profile.channel_algorithms, 7)
        | set(&profile.cipher_suites, 9)
        | set(&profile.dh_groups, 10)
        | set(&profile.hash_functions, 11);
    let mut raw = Bytes::default();
    raw.put(&[5, profile.index])
        .u16(flags)
        .put(&[profile.secret_type, 0]);
    for list in [
        &profile.channel_algorithms,
        &profile.auth_protocols,
        &profile.cipher_suites,
        &profile.dh_groups,
        &profile.hash_functions,
    ] {
        raw.put(&heap.put(list));
    }
    raw.put(&heap.text(profile.secret_keypath.as_deref()))
        .pad(64);
    raw.0
}

fn discovery_bytes(entry: &Discovery, heap: &mut Heap) -> Vec<u8> {
    let mut raw = Bytes::default();
    raw.put(&[6, 1, entry.index, entry.hfi.unwrap_or_default()]);
    raw.put(&[entry.security.unwrap_or_default(), 0]);
    raw.put(&heap.text(Some(&entry.uri)));
    raw.put(&heap.text(entry.nqn.as_ref().map(nvmf_types::Nqn::as_str)));
    raw.pad(32);
    raw.0
}

fn ip(addr: IpAddr) -> [u8; 16] {
    match addr {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

fn low_byte(count: usize) -> u8 {
    u8::try_from(count).unwrap_or(u8::MAX)
}
