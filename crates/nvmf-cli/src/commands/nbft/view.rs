//! A table as JSON, in the keys and numbers of `nvme nbft show -o json`.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;

use nvmf_types::nbft::{
    BootTable, Discovery, Hfi, Host, NamespaceId, NbftProblem, SecurityProfile, SubsystemNamespace,
};
use nvmf_types::{HostId, Nqn, Trsvcid};
use serde::Serialize;

use super::show::Parts;

#[derive(Debug, Serialize)]
pub(super) struct TableView<'a> {
    filename: PathBuf,
    host: Option<HostView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subsystem: Option<Vec<SubsystemView<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hfi: Option<Vec<HfiView<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discovery: Option<Vec<DiscoveryView<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    security: Option<Vec<SecurityView<'a>>>,
    problems: Vec<String>,
}

#[derive(Debug, Serialize)]
struct HostView<'a> {
    nqn: Option<&'a Nqn>,
    id: Option<HostId>,
    host_id_configured: u8,
    host_nqn_configured: u8,
    primary_admin_host_flag: &'static str,
}

#[derive(Debug, Serialize)]
struct HfiView<'a> {
    index: u8,
    transport: &'static str,
    pcidev: String,
    mac_addr: String,
    vlan: u16,
    ip_origin: u8,
    ipaddr: IpAddr,
    subnet_mask_prefix: u8,
    gateway_ipaddr: IpAddr,
    route_metric: u16,
    primary_dns_ipaddr: IpAddr,
    secondary_dns_ipaddr: IpAddr,
    dhcp_server_ipaddr: String,
    host_name: Option<&'a str>,
    this_hfi_is_default_route: u8,
    dhcp_override: u8,
    ipaddr_autoconf: u8,
    pcie_seg_num: u8,
    dhcp_iaid: Option<u32>,
    dhcp_duid_raw: Option<String>,
}

#[derive(Debug, Serialize)]
struct SubsystemView<'a> {
    index: u16,
    num_hfis: usize,
    hfis: &'a [u8],
    transport: &'static str,
    traddr: IpAddr,
    trsvcid: Option<String>,
    subsys_port_id: u16,
    nsid: u32,
    nid_type: Option<&'static str>,
    nid: String,
    subsys_nqn: &'a Nqn,
    controller_id: u16,
    asqsz: u16,
    dhcp_root_path_string: Option<&'a str>,
    pdu_header_digest_required: u8,
    data_digest_required: u8,
    discovered: u8,
    unavailable: u8,
    naed: u8,
    cipeec: u8,
    connection_timeout: Option<u16>,
    nceec: u8,
    security: Option<u8>,
    discovery: Option<u8>,
}

#[derive(Debug, Serialize)]
struct DiscoveryView<'a> {
    index: u8,
    security: Option<u8>,
    hfi: Option<u8>,
    uri: &'a str,
    nqn: Option<&'a Nqn>,
}

#[derive(Debug, Serialize)]
struct SecurityView<'a> {
    index: u8,
    authentication: &'static str,
    secure_channel: &'static str,
    secure_channel_algorithms: &'a [u8],
    authentication_protocols: &'a [u8],
    cipher_suites: &'a [u8],
    dh_groups: &'a [u8],
    hash_functions: &'a [u8],
    secret_type: u8,
    secret_keypath: Option<&'a str>,
}

impl<'a> TableView<'a> {
    pub(super) fn new(filename: PathBuf, table: &'a BootTable, parts: Parts) -> Self {
        let table = &table.table;
        let subsystem = || table.subsystems.iter().map(SubsystemView::new).collect();
        let hfi = || table.hfis.iter().map(HfiView::new).collect();
        let discovery = || table.discovery.iter().map(DiscoveryView::new).collect();
        let security = || table.security.iter().map(SecurityView::new).collect();
        Self {
            filename,
            host: table.host.as_ref().map(HostView::new),
            subsystem: parts.subsystem.then(subsystem),
            hfi: parts.hfi.then(hfi),
            discovery: parts.discovery.then(discovery),
            security: parts.security.then(security),
            problems: table.problems.iter().map(NbftProblem::to_string).collect(),
        }
    }
}

impl<'a> HostView<'a> {
    fn new(host: &'a Host) -> Self {
        Self {
            nqn: host.nqn.as_ref(),
            id: host.id,
            host_id_configured: host.id_configured.into(),
            host_nqn_configured: host.nqn_configured.into(),
            primary_admin_host_flag: host.primary.as_str(),
        }
    }
}

impl<'a> HfiView<'a> {
    fn new(hfi: &'a Hfi) -> Self {
        let client = hfi.dhcp_client.as_ref();
        Self {
            index: hfi.index,
            transport: "tcp",
            pcidev: pci_address(hfi.pci_routing_id),
            mac_addr: hfi.mac.to_string(),
            vlan: hfi.vlan,
            ip_origin: hfi.ip_origin,
            ipaddr: hfi.ip_address,
            subnet_mask_prefix: hfi.prefix,
            gateway_ipaddr: hfi.gateway,
            route_metric: hfi.route_metric,
            primary_dns_ipaddr: hfi.primary_dns,
            secondary_dns_ipaddr: hfi.secondary_dns,
            dhcp_server_ipaddr: hfi.dhcp_server.map(|ip| ip.to_string()).unwrap_or_default(),
            host_name: hfi.host_name.as_deref(),
            this_hfi_is_default_route: hfi.default_route.into(),
            dhcp_override: hfi.dhcp_server.is_some().into(),
            ipaddr_autoconf: hfi.autoconfigured.into(),
            pcie_seg_num: hfi.pci_segment,
            dhcp_iaid: client.map(|client| client.iaid),
            dhcp_duid_raw: client.map(|client| hex(&client.duid, ":")),
        }
    }
}

impl<'a> SubsystemView<'a> {
    fn new(entry: &'a SubsystemNamespace) -> Self {
        let extended = entry.extended.as_ref();
        let (nid_type, nid) = namespace_id(entry.nid);
        Self {
            index: entry.index,
            num_hfis: entry.hfis.len(),
            hfis: &entry.hfis,
            transport: "tcp",
            traddr: entry.traddr,
            trsvcid: entry.trsvcid.as_ref().map(Trsvcid::to_string),
            subsys_port_id: entry.port_id,
            nsid: entry.nsid,
            nid_type,
            nid,
            subsys_nqn: &entry.nqn,
            controller_id: extended.map_or(0, |e| e.cntlid),
            asqsz: extended.and_then(|e| e.asqsz).unwrap_or_default(),
            dhcp_root_path_string: extended.and_then(|e| e.dhcp_root_path.as_deref()),
            pdu_header_digest_required: entry.header_digest.into(),
            data_digest_required: entry.data_digest.into(),
            discovered: entry.discovered.into(),
            unavailable: entry.unavailable.into(),
            naed: extended.map_or(0, |e| e.naed),
            cipeec: extended.map_or(0, |e| e.cipeec),
            connection_timeout: extended.and_then(|e| e.connection_timeout),
            nceec: extended.map_or(0, |e| e.nceec),
            security: entry.security,
            discovery: entry.discovery,
        }
    }
}

impl<'a> DiscoveryView<'a> {
    fn new(entry: &'a Discovery) -> Self {
        Self {
            index: entry.index,
            security: entry.security,
            hfi: entry.hfi,
            uri: &entry.uri,
            nqn: entry.nqn.as_ref(),
        }
    }
}

impl<'a> SecurityView<'a> {
    fn new(profile: &'a SecurityProfile) -> Self {
        Self {
            index: profile.index,
            authentication: profile.authentication.as_str(),
            secure_channel: profile.secure_channel.as_str(),
            secure_channel_algorithms: &profile.channel_algorithms,
            authentication_protocols: &profile.auth_protocols,
            cipher_suites: &profile.cipher_suites,
            dh_groups: &profile.dh_groups,
            hash_functions: &profile.hash_functions,
            secret_type: profile.secret_type,
            secret_keypath: profile.secret_keypath.as_deref(),
        }
    }
}

/// `segment:bus:device.function` in hex digits without leading zeros.
pub(super) fn pci_address(id: u32) -> String {
    let (segment, bus, device, function) = (id >> 16, id >> 8 & 0xff, id >> 3 & 0x1f, id & 7);
    format!("{segment:x}:{bus:x}:{device:x}.{function:x}")
}

/// The type of a namespace's name in a word, and the name.
pub(super) fn namespace_id(nid: NamespaceId) -> (Option<&'static str>, String) {
    match nid {
        NamespaceId::None => (None, String::new()),
        NamespaceId::Eui64(bytes) => (Some("eui64"), hex(&bytes, "")),
        NamespaceId::Nguid(bytes) => (Some("nguid"), hex(&bytes, "")),
        NamespaceId::Uuid(bytes) => {
            let digits = hex(&bytes, "");
            let groups = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
            let groups = groups.map(|(from, to)| digits.get(from..to).unwrap_or_default());
            (Some("uuid"), groups.join("-"))
        }
    }
}

fn hex(bytes: &[u8], separator: &str) -> String {
    let mut text = String::new();
    for (position, byte) in bytes.iter().enumerate() {
        let separator = if position == 0 { "" } else { separator };
        let _ = write!(text, "{separator}{byte:02x}");
    }
    text
}
