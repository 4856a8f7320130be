//! What is written as a boot table is read from it again.

#![expect(clippy::unwrap_used, reason = "a test: it may panic")]

use std::net::{IpAddr, Ipv6Addr};

use nvmf_testkit::nbft::encode;
use nvmf_types::Trsvcid;
use nvmf_types::nbft::{
    BootPlan, BootTable, DhcpClient, Discovery, ExtendedInfo, Hfi, Host, MacAddr, NamespaceId,
    Nbft, PrimaryAdmin, Requirement, SecurityProfile, SubsystemNamespace,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

fn ip() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical()),
    ]
}

fn requirement() -> impl Strategy<Value = Requirement> {
    prop_oneof![
        Just(Requirement::NotSupported),
        Just(Requirement::NotRequired),
        Just(Requirement::Required),
        Just(Requirement::Reserved),
    ]
}

fn host() -> impl Strategy<Value = Host> {
    let id = of(any::<u128>().prop_map(|id| format!("{:032x}", id | 1).parse().unwrap()));
    let nqn = of("nqn\\.2014-08\\.org\\.example:[a-z]{1,20}".prop_map(|nqn| nqn.parse().unwrap()));
    let primary = prop_oneof![
        Just(PrimaryAdmin::NotIndicated),
        Just(PrimaryAdmin::Unselected),
        Just(PrimaryAdmin::Selected),
        Just(PrimaryAdmin::Reserved),
    ];
    (id, nqn, any::<bool>(), any::<bool>(), primary).prop_map(
        |(id, nqn, nqn_configured, id_configured, primary)| Host {
            nqn,
            id,
            nqn_configured,
            id_configured,
            primary,
        },
    )
}

prop_compose! {
    fn hfi()(
        pci_routing_id in any::<u32>(), pci_segment in any::<u8>(), mac in any::<[u8; 6]>(),
        vlan in 0_u16..4095, ip_origin in any::<u8>(), prefix in any::<u8>(),
        ips in [ip(), ip(), ip(), ip()], route_metric in any::<u16>(), dhcp_server in of(ip()),
        host_name in of("[a-z]{1,30}"), default_route in any::<bool>(),
        autoconfigured in any::<bool>(),
        dhcp_client in of((any::<u32>(), vec(any::<u8>(), 1..30))),
    ) -> Hfi {
        let [ip_address, gateway, primary_dns, secondary_dns] = ips;
        let dhcp_client = dhcp_client.map(|(iaid, duid)| DhcpClient { iaid, duid });
        Hfi {
            index: 0, pci_routing_id, pci_segment, mac: MacAddr(mac), vlan, ip_origin, ip_address,
            prefix, gateway, route_metric, primary_dns, secondary_dns, dhcp_server, host_name,
            default_route, autoconfigured, dhcp_client,
        }
    }
}

prop_compose! {
    fn security()(
        authentication in requirement(), secure_channel in requirement(),
        lists in proptest::array::uniform5(vec(any::<u8>(), 0..5)), secret_type in any::<u8>(),
        secret_keypath in of("[a-z:/]{1,30}"),
    ) -> SecurityProfile {
        let [channel_algorithms, auth_protocols, cipher_suites, dh_groups, hash_functions] = lists;
        SecurityProfile {
            index: 0, authentication, secure_channel, channel_algorithms, auth_protocols,
            cipher_suites, dh_groups, hash_functions, secret_type, secret_keypath,
        }
    }
}

prop_compose! {
    fn extended()(
        cntlid in any::<u16>(), asqsz in of(any::<u16>()), dhcp_root_path in of("[a-z:/]{1,30}"),
        naed in any::<u8>(), cipeec in any::<u8>(), connection_timeout in of(0_u16..0xffff),
        nceec in any::<u8>(),
    ) -> ExtendedInfo {
        ExtendedInfo { cntlid, asqsz, dhcp_root_path, naed, cipeec, connection_timeout, nceec }
    }
}

prop_compose! {
    fn ssns()(
        name in "nqn\\.2014-08\\.org\\.example:[a-z]{1,20}", traddr in ip(), port in any::<u16>(),
        port_id in any::<u16>(), nsid in any::<u32>(), id in any::<[u8; 16]>(), nidt in 0..4,
        flags in any::<[bool; 4]>(), extended in of(extended()),
    ) -> SubsystemNamespace {
        let [discovered, unavailable, header_digest, data_digest] = flags;
        let nid = match nidt {
            1 => NamespaceId::Eui64(id[..8].try_into().unwrap()),
            2 => NamespaceId::Nguid(id),
            3 => NamespaceId::Uuid(id),
            _ => NamespaceId::None,
        };
        SubsystemNamespace {
            index: 0, nqn: name.parse().unwrap(), traddr, trsvcid: Trsvcid::from_port(port).ok(),
            port_id, nsid, nid, hfis: vec![], security: None, discovery: None, discovered,
            unavailable, header_digest, data_digest, extended,
        }
    }
}

/// Indexes that differ from positions, and references to them.
fn linked(
    mut hfis: Vec<Hfi>,
    mut security: Vec<SecurityProfile>,
    mut subsystems: Vec<SubsystemNamespace>,
    picks: &[u8],
) -> Nbft {
    let mut picks = picks.iter().cycle().copied();
    let mut pick = |count: usize| -> Option<u8> {
        let pick = usize::from(picks.next()?);
        (pick <= count && pick > 0).then(|| u8::try_from(200 - pick).unwrap())
    };
    for (hfi, index) in hfis.iter_mut().zip((0..200).rev()) {
        hfi.index = index;
    }
    for (profile, index) in security.iter_mut().zip((0..200).rev()) {
        profile.index = index;
    }
    let discovery: Vec<_> = (0..2)
        .map(|entry| Discovery {
            index: 199 - entry,
            hfi: pick(hfis.len()),
            security: pick(security.len()),
            uri: "nvme+tcp://192.0.2.1/".to_owned(),
            nqn: None,
        })
        .collect();
    for (ssns, index) in subsystems.iter_mut().zip(1..) {
        ssns.index = index;
        ssns.hfis = [pick(hfis.len()), pick(hfis.len())]
            .into_iter()
            .flatten()
            .collect();
        ssns.hfis.dedup();
        ssns.security = pick(security.len());
        ssns.discovery = pick(discovery.len());
    }
    Nbft {
        minor_revision: 1,
        hfis,
        security,
        discovery,
        subsystems,
        ..Nbft::default()
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        host in of(host()), hfis in vec(hfi(), 0..4), security in vec(security(), 0..3),
        subsystems in vec(ssns(), 0..5), picks in vec(0_u8..5, 1..20),
    ) {
        let table = Nbft { host, ..linked(hfis, security, subsystems, &picks) };
        let read = Nbft::decode(&encode(&table)).unwrap();
        prop_assert_eq!(&read, &table);

        // every namespace is connected or said not to be, and TLS is on where it is demanded
        let named = BootTable { name: "NBFT".to_owned(), table };
        let plan = BootPlan::new(&[named]);
        for ssns in &read.subsystems {
            let entry = format!("SSNS {}", ssns.index);
            let about = |origin: String| origin.split([',', ' ']).any(|word| word == ssns.index.to_string());
            let mine: Vec<_> = plan.connections.iter().filter(|c| about(c.origin.to_string())).collect();
            let skipped = plan.not_connected.iter().any(|n| n.origin.to_string().ends_with(&entry));
            prop_assert_ne!(mine.is_empty(), !skipped, "{}", entry);
        }
    }
}
