use super::*;
use crate::HostId;
use crate::nbft::table::tests::changed;

fn table(name: &str, bytes: &[u8]) -> BootTable {
    BootTable {
        name: name.to_owned(),
        table: Nbft::decode(bytes).unwrap(),
    }
}

fn plan(bytes: &[u8]) -> BootPlan {
    BootPlan::new(&[table("NBFT", bytes)])
}

/// Connections without the host's identity, and where they stand.
fn connections(plan: &BootPlan) -> Vec<String> {
    let text = |c: &BootConnection| {
        let tid = TransportId {
            hostnqn: None,
            hostid: None,
            ..c.tid.clone()
        };
        let retry = if c.retry_without_host_traddr {
            " or any"
        } else {
            ""
        };
        format!("{}: {tid}{retry}", c.origin)
    };
    plan.connections.iter().map(text).collect()
}

fn not_connected(plan: &BootPlan) -> Vec<String> {
    let text = |n: &NotConnected| format!("{}: {}", n.origin, n.reason);
    plan.not_connected.iter().map(text).collect()
}

const STATIC_IPV4: &[u8] = include_bytes!("../../../tests/data/nbft/NBFT-static-ipv4");
const STATIC_IPV6: &[u8] = include_bytes!("../../../tests/data/nbft/NBFT-static-ipv6");
const DHCP_IPV4: &[u8] = include_bytes!("../../../tests/data/nbft/NBFT-dhcp-ipv4");
const EMPTY: &[u8] = include_bytes!("../../../tests/data/nbft/NBFT-empty");
const MPATH: &[u8] = include_bytes!("../../../tests/data/nbft/NBFT-mpath+disc-ipv4+6_half");
const DELL: &[u8] = include_bytes!("../../../tests/data/nbft/NBFT-Dell.PowerEdge.R760");

const SUBSYS02: &str = "nqn.2022-12.org.nvmexpress.boot.poc:bremer.vagrant-nvmet.subsys02";

#[test]
fn real_tables() {
    let dell = "nqn.1988-11.com.dell:powerstore:00:2a64abf1c5b81F6C4549";
    for (bytes, wanted, left) in [
        (EMPTY, vec![], vec![]),
        (
            STATIC_IPV4,
            vec![format!("NBFT entry SSNS 1, HFI 1: transport=tcp;traddr=192.168.49.10;trsvcid=4420;nqn={SUBSYS02};host-traddr=192.168.49.50")],
            vec![],
        ),
        (
            STATIC_IPV6,
            vec!["NBFT entry SSNS 1, HFI 1: transport=tcp;traddr=fd09:9a46:b5c1:1fe::13f;trsvcid=4420;nqn=nqn.2022-12.de.suse.mwilck:zeus.vagrant-nvmet.subsys04;host-traddr=fd09:9a46:b5c1:1fe::10".to_owned()],
            vec![],
        ),
        (
            DHCP_IPV4,
            vec![format!("NBFT entry SSNS 1, HFI 1: transport=tcp;traddr=192.168.49.10;trsvcid=4420;nqn={SUBSYS02};host-traddr=192.168.49.155 or any")],
            vec!["NBFT entry Discovery 1: what it led the firmware to has an entry of its own: entry SSNS 1"],
        ),
        (
            MPATH,
            vec![
                "NBFT entries SSNS 1 and 2 and 3 and 4, HFI 1: transport=tcp;traddr=192.168.122.1;trsvcid=4420;nqn=nqn.2014-08.org.nvmexpress.boot.poc:test-target;host-traddr=192.168.122.158".to_owned(),
                "NBFT entry Discovery 2, HFI 2: transport=tcp;traddr=4321::bbbb:1;trsvcid=4420;nqn=nqn.2014-08.org.nvmexpress.discovery;host-traddr=4321::bbbb:2".to_owned(),
            ],
            vec![
                "NBFT entry SSNS 5: the firmware marked it as unavailable",
                "NBFT entry Discovery 1: what it led the firmware to has an entry of its own: entries SSNS 1 and 2 and 3 and 4",
            ],
        ),
        (
            DELL,
            vec![
                format!("NBFT entry SSNS 1, HFI 1: transport=tcp;traddr=100.71.103.48;trsvcid=4420;nqn={dell};host-traddr=100.71.245.232 or any"),
                format!("NBFT entry SSNS 2, HFI 1: transport=tcp;traddr=100.71.103.49;trsvcid=4420;nqn={dell};host-traddr=100.71.245.232 or any"),
            ],
            vec!["NBFT entry Discovery 1: what it led the firmware to has an entry of its own: entries SSNS 1 and 2"],
        ),
    ] {
        let plan = plan(bytes);
        assert_eq!(connections(&plan), wanted);
        assert_eq!(not_connected(&plan), left);
    }
}

#[test]
fn every_interface_is_a_path() {
    // in the table with two interfaces, one byte for a second one
    let both = changed(MPATH, &[(0x555 - 2, &[2]), (0x10a, &[1])]);
    let table = Nbft::decode(&both).unwrap();
    assert_eq!(table.problems, []);
    assert_eq!(table.subsystems[0].hfis, [1, 2]);
    let paths = connections(&plan(&both));
    assert!(
        paths[0].starts_with("NBFT entries SSNS 1 and 2 and 3 and 4, HFI 1: "),
        "{paths:?}"
    );
    // the second interface has an IPv6 address, from which no IPv4 target can be reached
    assert_eq!(
        paths[1],
        "NBFT entry SSNS 1, HFI 2: transport=tcp;traddr=192.168.122.1;trsvcid=4420;nqn=nqn.2014-08.org.nvmexpress.boot.poc:test-target"
    );
}

#[test]
fn without_a_usable_interface_there_is_still_a_path() {
    let plan = plan(&changed(STATIC_IPV4, &[(0xa2, &[0])]));
    assert_eq!(
        connections(&plan),
        [format!(
            "NBFT entry SSNS 1: transport=tcp;traddr=192.168.49.10;trsvcid=4420;nqn={SUBSYS02}"
        )]
    );
    assert_eq!(plan.connections[0].interface, None);
}

#[test]
fn the_identity_is_the_tables_whoever_chose_it() {
    let theirs = "nqn.2014-08.org.nvmexpress:uuid:a1b759e3-035d-4777-b3cc-1754b8b819b9";
    let id: HostId = "e359b7a1-5d03-7747-b3cc-1754b8b819b9".parse().unwrap();
    let nameless = (0x96, &[0, 0][..]);
    let no_id = (0x82, &[0; 16][..]);
    for (change, hostnqn, hostid) in [
        ((0x81, &[7][..]), Some(theirs), Some(id)),
        ((0x81, &[1][..]), Some(theirs), Some(id)),
        ((0x81, &[0][..]), None, None),
        (no_id, Some(theirs), None),
        (nameless, None, None),
    ] {
        let tid = &plan(&changed(STATIC_IPV4, &[change])).connections[0].tid;
        assert_eq!(tid.hostnqn.as_ref().map(Nqn::as_str), hostnqn, "{change:?}");
        assert_eq!(tid.hostid, hostid, "{change:?}");
    }
}

#[test]
fn digests_and_unavailable_entries() {
    let both = plan(&changed(STATIC_IPV4, &[(0xc6, &[7])]));
    let options = &both.connections[0].options;
    assert_eq!(
        (options.hdr_digest, options.data_digest),
        (Some(true), Some(true))
    );
    let unused = plan(&changed(STATIC_IPV4, &[(0xc6, &[6])]));
    assert_eq!(unused.connections[0].options, ConnectOptions::default());

    let bytes = changed(STATIC_IPV4, &[(0xc4, &[1])]);
    assert_eq!(
        not_connected(&plan(&bytes)),
        ["NBFT entry SSNS 1: the firmware marked it as unavailable"]
    );
    let no_address = changed(STATIC_IPV4, &[(0x268, &[0; 16])]);
    assert_eq!(
        not_connected(&plan(&no_address)),
        ["NBFT entry SSNS 1: it has no address"]
    );
}

#[test]
fn discovery_controllers() {
    // the namespace came some other way, so the discovery controller is followed
    let alone = |uri: &[u8]| {
        let uri_at = 0x2f5;
        plan(&changed(DHCP_IPV4, &[(0xc8, &[0]), (uri_at, uri)]))
    };
    assert_eq!(
        connections(&alone(b"nvme+tcp://192.168.49.10\0"))[1],
        "NBFT entry Discovery 1, HFI 1: transport=tcp;traddr=192.168.49.10;trsvcid=8009;nqn=nqn.2014-08.org.nvmexpress.discovery;host-traddr=192.168.49.155 or any"
    );
    assert_eq!(
        alone(b"nvme+tcp://192.168.49.10\0").connections[1].class,
        ControllerClass::Discovery
    );
    for (uri, why) in [
        (
            &b"nvme+tcp://target/\0"[..],
            "URI: `target` is not a numeric IP address",
        ),
        (b"nvme+tcp://0.0.0.0/\0", "it has no address"),
    ] {
        let plan = alone(uri);
        assert_eq!(plan.connections.len(), 1);
        assert_eq!(
            not_connected(&plan),
            [format!("NBFT entry Discovery 1: {why}")]
        );
    }
}

#[test]
fn a_discovery_controller_is_asked_again_for_what_the_firmware_could_not_have() {
    let plan = plan(&changed(DHCP_IPV4, &[(0xc4, &[1])]));
    let origins: Vec<_> = plan
        .connections
        .iter()
        .map(|c| c.origin.to_string())
        .collect();
    assert_eq!(origins, ["NBFT entry Discovery 1, HFI 1"]);
    assert_eq!(
        not_connected(&plan),
        ["NBFT entry SSNS 1: the firmware marked it as unavailable"]
    );
}

#[test]
fn two_tables_and_what_stands_in_both() {
    let tables = [
        table("NBFT", STATIC_IPV4),
        table("NBFT1", STATIC_IPV4),
        table("NBFT2", STATIC_IPV6),
    ];
    let plan = BootPlan::new(&tables);
    let origins: Vec<_> = plan
        .connections
        .iter()
        .map(|c| c.origin.to_string())
        .collect();
    assert_eq!(
        origins,
        ["NBFT entry SSNS 1, HFI 1", "NBFT2 entry SSNS 1, HFI 1"]
    );
}

#[test]
fn through_an_interface() {
    let link_local = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let plan = plan(&changed(
        STATIC_IPV6,
        &[(0x1ef, &link_local), (0x26f, &link_local)],
    ));
    let connection = &plan.connections[0];
    let interface = connection.interface.unwrap();
    assert_eq!(
        (interface.mac.to_string().as_str(), interface.vlan),
        ("52:54:00:9e:20:1a", 0)
    );
    let bound = connection.through("eth0").tid;
    assert_eq!(bound.host_iface.as_deref(), Some("eth0"));
    assert_eq!(bound.traddr.unwrap().to_string(), "fe80::1%eth0");
    assert_eq!(bound.host_traddr.unwrap().to_string(), "fe80::1%eth0");

    let free = connection.without_host_traddr();
    assert_eq!(free.tid.host_traddr, None);
    assert!(!free.retry_without_host_traddr);
}
