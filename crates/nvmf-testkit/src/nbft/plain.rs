//! A table to start from.

use std::net::IpAddr;

use nvmf_types::nbft::{Hfi, Host, MacAddr, NamespaceId, Nbft, PrimaryAdmin, SubsystemNamespace};
use nvmf_types::{Nqn, Trsvcid};

use crate::files::OrFail;

/// A table of one host with one interface (52:54:00:12:34:56, 198.51.100.2), by which it reaches one
/// subsystem (198.51.100.1, port 4420).
#[track_caller]
#[must_use]
pub fn plain(hostnqn: &str, hostid: &str, subsystem: &str) -> Nbft {
    let nqn = |text: &str| text.parse::<Nqn>().or_fail("write an NQN");
    let none = address("0.0.0.0");
    Nbft {
        host: Some(Host {
            nqn: Some(nqn(hostnqn)),
            id: hostid.parse().ok(),
            nqn_configured: true,
            id_configured: true,
            primary: PrimaryAdmin::NotIndicated,
        }),
        hfis: vec![Hfi {
            index: 1,
            pci_routing_id: 0x18,
            pci_segment: 0,
            mac: MacAddr([0x52, 0x54, 0, 0x12, 0x34, 0x56]),
            vlan: 0,
            ip_origin: 1,
            ip_address: address("198.51.100.2"),
            prefix: 24,
            gateway: none,
            route_metric: 500,
            primary_dns: none,
            secondary_dns: none,
            dhcp_server: None,
            host_name: None,
            default_route: false,
            autoconfigured: false,
            dhcp_client: None,
        }],
        subsystems: vec![SubsystemNamespace {
            index: 1,
            nqn: nqn(subsystem),
            traddr: address("198.51.100.1"),
            trsvcid: Trsvcid::from_port(4420).ok(),
            port_id: 1,
            nsid: 1,
            nid: NamespaceId::None,
            hfis: vec![1],
            security: None,
            discovery: None,
            discovered: false,
            unavailable: false,
            header_digest: false,
            data_digest: false,
            extended: None,
        }],
        ..Nbft::default()
    }
}

/// An IP address.
#[track_caller]
#[must_use]
pub fn address(text: &str) -> IpAddr {
    text.parse().or_fail("write an address")
}
