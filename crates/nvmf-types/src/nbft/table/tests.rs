mod flaws;

use super::*;
use crate::Nqn;
use crate::nbft::{NamespaceId, PrimaryAdmin};

const STATIC_IPV4: &[u8] = include_bytes!("../../../tests/data/nbft/NBFT-static-ipv4");
const DHCP_IPV4: &[u8] = include_bytes!("../../../tests/data/nbft/NBFT-dhcp-ipv4");
const BAD_CONTROL: &[u8] = include_bytes!("../../../tests/data/nbft/NBFT-bad-control");

/// A table with some bytes changed and the checksum made right again.
pub(in crate::nbft) fn changed(table: &[u8], changes: &[(usize, &[u8])]) -> Vec<u8> {
    let mut bytes = table.to_vec();
    for (at, with) in changes {
        bytes[*at..at + with.len()].copy_from_slice(with);
    }
    bytes[9] = 0;
    bytes[9] = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_sub(*byte));
    bytes
}

#[test]
fn every_field_from_its_place() {
    let table = Nbft::decode(STATIC_IPV4).unwrap();
    assert_eq!(table.problems, []);
    let host = table.host.unwrap();
    assert_eq!(
        host.nqn.unwrap().as_str(),
        "nqn.2014-08.org.nvmexpress:uuid:a1b759e3-035d-4777-b3cc-1754b8b819b9"
    );
    let id = host.id.unwrap().to_string();
    assert_eq!(id, "e359b7a1-5d03-7747-b3cc-1754b8b819b9", "as on the wire");
    assert!(host.nqn_configured && host.id_configured);
    assert_eq!(host.primary, PrimaryAdmin::NotIndicated);

    let [hfi] = table.hfis.as_slice() else {
        panic!("{:?}", table.hfis);
    };
    assert_eq!((hfi.index, hfi.pci_routing_id, hfi.pci_segment), (1, 8, 0));
    assert_eq!(hfi.mac.to_string(), "52:54:00:b8:19:b9");
    assert_eq!((hfi.vlan, hfi.ip_origin, hfi.prefix), (0, 1, 24));
    assert_eq!(hfi.ip_address.to_string(), "192.168.49.50");
    assert_eq!(hfi.gateway.to_string(), "0.0.0.0");
    assert_eq!((hfi.route_metric, hfi.dhcp_server), (0, None));
    assert_eq!(hfi.host_name.as_deref(), Some("nvmeof-sles"));
    assert!(hfi.default_route && !hfi.autoconfigured && !hfi.address_may_change());

    let [ssns] = table.subsystems.as_slice() else {
        panic!("{:?}", table.subsystems);
    };
    assert_eq!(
        ssns.nqn.as_str(),
        "nqn.2022-12.org.nvmexpress.boot.poc:bremer.vagrant-nvmet.subsys02"
    );
    assert_eq!(ssns.traddr.to_string(), "192.168.49.10");
    assert_eq!(ssns.trsvcid.unwrap().port(), 4420);
    assert_eq!((ssns.index, ssns.port_id, ssns.nsid), (1, 0, 1));
    assert!(matches!(
        ssns.nid,
        NamespaceId::Uuid([0xdf, 0x66, .., 0xc8, 0x35])
    ));
    assert_eq!(ssns.hfis, [1]);
    assert_eq!((ssns.security, ssns.discovery), (None, None));
    assert!(!ssns.discovered && !ssns.unavailable);
    assert_eq!(ssns.extended.as_ref().unwrap().cntlid, 38);
    assert_eq!(ssns.extended.as_ref().unwrap().asqsz, None);
}

#[test]
fn real_tables() {
    macro_rules! table {
        ($name:literal) => {
            (
                $name,
                include_bytes!(concat!("../../../tests/data/nbft/NBFT-", $name)).as_slice(),
            )
        };
    }
    for ((name, bytes), hfis, ssns, discovery) in [
        (table!("Dell.PowerEdge.R760"), 1, 2, 1),
        (table!("dhcp-ipv4"), 1, 1, 1),
        (table!("empty"), 0, 0, 0),
        (table!("mpath+disc-ipv4+6_half"), 2, 5, 2),
        (table!("rhpoc"), 1, 1, 0),
        (table!("static-ipv4"), 1, 1, 0),
        (table!("static-ipv4-discovery"), 1, 1, 1),
        (table!("static-ipv6"), 1, 1, 0),
    ] {
        let table = Nbft::decode(bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(table.problems, [], "{name}");
        assert!(table.host.as_ref().is_some_and(|host| host.nqn.is_some()));
        assert_eq!(table.hfis.len(), hfis, "{name}");
        assert_eq!(table.subsystems.len(), ssns, "{name}");
        assert_eq!(table.discovery.len(), discovery, "{name}");
    }
}

#[test]
fn what_the_firmware_got_by_dhcp() {
    let table = Nbft::decode(DHCP_IPV4).unwrap();
    let hfi = table.hfi(1).unwrap();
    assert_eq!(hfi.dhcp_server.unwrap().to_string(), "192.168.49.1");
    assert!(hfi.address_may_change());
    let ssns = &table.subsystems[0];
    assert_eq!((ssns.discovery, ssns.discovered), (Some(1), true));
    let discovery = table.discovery(1).unwrap();
    assert_eq!(discovery.uri, "nvme+tcp://192.168.49.10:4420/");
    assert_eq!(discovery.nqn, Some(Nqn::discovery()));
    assert_eq!((discovery.hfi, discovery.security), (Some(1), None));
}

#[test]
fn what_follows_the_table_is_ignored() {
    let longer = [STATIC_IPV4, &[1, 2, 3]].concat();
    assert_eq!(Nbft::decode(&longer), Nbft::decode(STATIC_IPV4));
}

#[test]
fn what_is_marked_invalid_is_not_there() {
    let decode = |at: usize| Nbft::decode(&changed(DHCP_IPV4, &[(at, &[0])])).unwrap();
    let host = decode(0x81);
    assert_eq!((host.host, host.problems), (None, vec![]));
    let discovery = decode(0x141);
    assert!(discovery.discovery.is_empty());
    assert_eq!(
        discovery.problems[0].to_string(),
        "SSNS 1 at offset 0xc0: there is no usable discovery descriptor `1`, which it refers to"
    );
    let info = decode(0x1fb + 6);
    assert!(info.hfis.is_empty(), "its transport information is invalid");
    let ssns = decode(0xc3);
    assert_eq!((ssns.subsystems, ssns.problems), (vec![], vec![]));
}
