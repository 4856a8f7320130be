//! Host fabric interfaces.

use std::net::IpAddr;

use super::decode::{Descriptor, expect_id, expect_tcp, expect_version, ip};
use super::heap::Reader;
use super::raw::{RawHfi, RawHfiExtended, RawHfiTcp};
use super::{DescriptorKind, Flaw, MacAddr, Nbft, Place};

/// An interface that the firmware used, and how it had set it up. An address of zeros: none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hfi {
    /// Its index; others refer to it by this.
    pub index: u8,
    /// PCI Express routing id: segment, bus, and device with function, as in `0000:00:03.0`.
    pub pci_routing_id: u32,
    /// Segment of a link in Flit mode, or 0 (revision 1.1).
    pub pci_segment: u8,
    /// Its Ethernet address.
    pub mac: MacAddr,
    /// VLAN id: 1 to 4094, or 0 for none.
    pub vlan: u16,
    /// Where the address came from, in the numbers of Windows' `NL_PREFIX_ORIGIN`: 1 by hand,
    /// 3 DHCP, 4 router advertisement.
    pub ip_origin: u8,
    /// Its address.
    pub ip_address: IpAddr,
    /// Length of the network's prefix in bits.
    pub prefix: u8,
    /// The router.
    pub gateway: IpAddr,
    /// Cost of the route; 0: the firmware does not route.
    pub route_metric: u16,
    /// The first name server.
    pub primary_dns: IpAddr,
    /// The second name server.
    pub secondary_dns: IpAddr,
    /// Who assigned the address; `None`: no DHCP server did.
    pub dhcp_server: Option<IpAddr>,
    /// The host's name.
    pub host_name: Option<String>,
    /// Whether the default route went here.
    pub default_route: bool,
    /// Whether the address came without a server (IPv6 SLAAC; revision 1.1).
    pub autoconfigured: bool,
    /// Who the firmware said it is towards the DHCP server (revision 1.1).
    pub dhcp_client: Option<DhcpClient>,
}

/// A DHCP client's identity (RFC 4361).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DhcpClient {
    /// Identity association identifier.
    pub iaid: u32,
    /// DHCP unique identifier, as the table has it.
    pub duid: Vec<u8>,
}

impl Hfi {
    /// Whether the address is one that another DHCP client, or another attempt, may not get.
    #[must_use]
    pub const fn address_may_change(&self) -> bool {
        self.dhcp_server.is_some() || self.autoconfigured || matches!(self.ip_origin, 3 | 4)
    }
}

impl Descriptor for Hfi {
    type Raw = RawHfi;
    const KIND: DescriptorKind = DescriptorKind::Hfi;
    const ID: u8 = 3;

    fn head(raw: &RawHfi) -> (bool, u8, u16) {
        (raw.flags & 1 != 0, raw.structure_id, raw.index.into())
    }

    fn decode(
        raw: &RawHfi,
        place: Place,
        reader: &mut Reader<'_>,
        _before: &Nbft,
    ) -> Result<Option<Self>, Flaw> {
        expect_tcp(raw.trtype)?;
        let (tcp, _) = reader
            .structure::<RawHfiTcp>("transport information", raw.info, "at least 128")?
            .ok_or(Flaw::Missing("transport information"))?;
        if tcp.flags & 1 == 0 {
            return Ok(None);
        }
        expect_id("transport information has ", tcp.structure_id, 7)?;
        expect_version("transport information", tcp.version)?;
        expect_tcp(tcp.trtype)?;
        if tcp.vlan.get() > 4094 {
            return Err(Flaw::Vlan(tcp.vlan.get()));
        }
        if tcp.hfi_index.get() != u16::from(raw.index) {
            let what = "transport information";
            let index = tcp.hfi_index.get();
            reader.note(place, Flaw::Stray { what, index });
        }
        let host_name = reader.text("host name", tcp.host_name);
        let host_name = reader.noted(place, host_name);
        let extended = tcp.info_version >= 2;
        let dhcp_client = extended.then(|| dhcp_client(tcp, reader));
        let dhcp_client = dhcp_client.and_then(|found| reader.noted(place, found));
        Ok(Some(Self {
            index: raw.index,
            pci_routing_id: tcp.pci_routing_id.get(),
            pci_segment: if extended { tcp.pci_segment } else { 0 },
            mac: MacAddr(tcp.mac),
            vlan: tcp.vlan.get(),
            ip_origin: tcp.ip_origin,
            ip_address: ip(tcp.ip_address),
            prefix: tcp.prefix,
            gateway: ip(tcp.gateway),
            route_metric: tcp.route_metric.get(),
            primary_dns: ip(tcp.primary_dns),
            secondary_dns: ip(tcp.secondary_dns),
            dhcp_server: (tcp.flags & 4 != 0).then(|| ip(tcp.dhcp_server)),
            host_name: host_name.map(str::to_owned),
            default_route: tcp.flags & 2 != 0,
            autoconfigured: tcp.flags & 8 != 0,
            dhcp_client,
        }))
    }
}

fn dhcp_client(tcp: &RawHfiTcp, reader: &Reader<'_>) -> Result<Option<DhcpClient>, Flaw> {
    const WHAT: &str = "extended information";
    let found = reader.structure::<RawHfiExtended>(WHAT, tcp.extended, "at least 20")?;
    let Some((extended, _)) = found.filter(|(extended, _)| extended.flags.get() & 3 == 3) else {
        return Ok(None);
    };
    expect_id("extended information has ", extended.structure_id, 10)?;
    expect_version(WHAT, extended.version)?;
    let iaid = reader.object("IAID", extended.iaid)?.unwrap_or_default();
    let iaid = iaid.try_into().map_err(|_| Flaw::ObjectLength {
        field: "IAID",
        have: iaid.len(),
        want: "4",
    })?;
    Ok(Some(DhcpClient {
        iaid: u32::from_le_bytes(iaid),
        duid: reader
            .object("DUID", extended.duid)?
            .unwrap_or_default()
            .to_vec(),
    }))
}
