//! What is desired, by events of its sources.

use nvmf_types::config::{Connection, Scope};
use nvmf_types::{ConnectOptions, ControllerClass, FcName, Origin};

use super::*;
use crate::Service;

fn dc(n: u8) -> Key {
    let nqn = "nqn.2014-08.org.nvmexpress.discovery";
    let tid = format!("transport=tcp;traddr=192.0.2.{n};nqn={nqn}");
    Key::new(ControllerClass::Discovery, tid.parse().unwrap())
}

fn io(n: u8) -> Key {
    let tid = format!("transport=tcp;traddr=192.0.2.1;nqn=nqn.2014-08.org.example:{n}");
    Key::new(ControllerClass::Io, tid.parse().unwrap())
}

fn connection(key: &Key, line: usize) -> Connection {
    let mut inherits = Scope::default();
    inherits.io.keep_alive_tmo = u32::try_from(line).ok();
    Connection {
        inherits,
        ..Connection::new(key.tid().clone(), key.class(), Origin::new("f", line))
    }
}

fn configured(keys: &[Key]) -> Vec<Connection> {
    let lines = keys.iter().zip(1..);
    lines.map(|(key, line)| connection(key, line)).collect()
}

fn set(keys: &[Key]) -> BTreeSet<Key> {
    keys.iter().cloned().collect()
}

fn page(keys: &[Key]) -> Page {
    let (referrals, io) = set(keys).into_iter().partition(Key::is_discovery);
    Page {
        io,
        referrals,
        secured: BTreeSet::new(),
    }
}

fn texts(desired: &Desired, key: &Key) -> Vec<String> {
    let sources = desired.sources(key);
    sources.iter().map(ToString::to_string).collect()
}

fn all(desired: &Desired) -> Vec<Key> {
    desired.wanted.keys().cloned().collect()
}

#[test]
fn a_spelled_out_default_port_is_the_same_connection() {
    let tid = "transport=tcp;traddr=192.0.2.1;trsvcid=4420;nqn=nqn.2014-08.org.example:1";
    assert_eq!(Key::new(ControllerClass::Io, tid.parse().unwrap()), io(1));
    assert_eq!(io(1).tid().to_string(), tid);
}

#[test]
fn the_last_source_counts() {
    let mut desired = Desired::default();
    desired.set_config(configured(&[dc(1), dc(2), io(1)]));
    let diff = desired.set_page(&dc(1), page(&[io(1), io(2)]));
    assert_eq!(diff.added, set(&[io(2)]));
    desired.set_page(&dc(2), page(&[io(2)]));
    assert_eq!(texts(&desired, &io(1)).len(), 2);
    assert_eq!(texts(&desired, &io(1))[0], "f:3");
    assert_eq!(
        texts(&desired, &io(2))[1],
        "discovery log page of (tcp, 192.0.2.2, 8009, nqn.2014-08.org.nvmexpress.discovery), \
         from f:2"
    );
    assert_eq!(desired.set_page(&dc(1), page(&[])), Diff::default());
    let diff = desired.set_config(configured(&[dc(1)]));
    assert_eq!(diff.removed, set(&[dc(2), io(1), io(2)]));
    assert_eq!(all(&desired), [dc(1)]);
}

#[test]
fn a_ring_of_referrals_does_not_keep_itself() {
    let mut desired = Desired::default();
    desired.set_config(configured(&[dc(1)]));
    assert_eq!(
        desired.set_page(&dc(1), page(&[dc(1), dc(2)])).added,
        set(&[dc(2)])
    );
    assert_eq!(
        desired.set_page(&dc(2), page(&[dc(3), io(2)])).added,
        set(&[dc(3), io(2)])
    );
    assert_eq!(
        desired.set_page(&dc(3), page(&[dc(2), dc(1)])),
        Diff::default()
    );
    let diff = desired.set_page(&dc(1), page(&[]));
    assert_eq!(diff.removed, set(&[dc(2), dc(3), io(2)]));
    assert_eq!(all(&desired), [dc(1)]);
    assert_eq!(
        desired.set_page(&dc(2), page(&[io(3)])),
        Diff::default(),
        "not desired"
    );
}

#[test]
fn depth_is_bounded_and_follows_the_shortest_way() {
    let mut desired = Desired::default();
    desired.set_config(configured(&[dc(0)]));
    for n in 0..20 {
        desired.set_page(&dc(n), page(&[dc(n + 1)]));
    }
    assert_eq!(all(&desired).len(), usize::from(MAX_DEPTH) + 1);
    let diff = desired.set_page(&dc(0), page(&[dc(1), dc(8)]));
    assert_eq!(diff.added, set(&[dc(9)]), "dc 8 is nearer now");
}

#[test]
fn discovered_ones_inherit_from_the_nearest() {
    let mut desired = Desired::default();
    desired.set_config(configured(&[dc(9), dc(1)]));
    desired.set_page(&dc(9), page(&[dc(5)]));
    desired.set_page(&dc(5), page(&[io(1), io(2)]));
    assert_eq!(
        desired.options(&io(1)).keep_alive_tmo,
        Some(1),
        "by referral from dc 9"
    );
    desired.set_page(&dc(1), page(&[io(1)]));
    assert_eq!(
        desired.options(&io(1)).keep_alive_tmo,
        Some(2),
        "by dc 1 itself"
    );
    assert_eq!(desired.options(&io(2)).keep_alive_tmo, Some(1));
    assert_eq!(desired.options(&dc(5)), ConnectOptions::default());
}

fn boot(key: &Key, index: u16) -> BootConnection {
    BootConnection {
        tid: key.tid().clone(),
        class: key.class(),
        options: ConnectOptions {
            tls: Some(true),
            ..ConnectOptions::default()
        },
        retry_without_host_traddr: true,
        interface: None,
        authentication: false,
        origin: nvmf_types::nbft::BootOrigin {
            table: "NBFT".to_owned(),
            entry: nvmf_types::nbft::BootEntry::Ssns(vec![index]),
            hfi: None,
        },
    }
}

#[test]
fn boot_tables_come_first_and_go() {
    let mut desired = Desired::default();
    desired.set_config(configured(&[io(1)]));
    let diff = desired.set_boot(vec![boot(&io(1), 1), boot(&io(2), 2)]);
    assert_eq!(diff.added, set(&[io(2)]));
    assert_eq!(
        texts(&desired, &io(1)),
        ["boot table NBFT entry SSNS 1", "f:1"]
    );
    assert_eq!(desired.options(&io(2)).tls, Some(true));
    assert!(desired.is_boot(&io(1)) && !desired.is_dynamic(&io(2)));
    assert_eq!(desired.set_boot(Vec::new()).removed, set(&[io(2)]));
    assert_eq!(texts(&desired, &io(1)), ["f:1"]);
}

#[test]
fn announcements_add_and_services_replace() {
    let mut desired = Desired::default();
    let port = |n| FcName { node: n, port: n };
    let (fc, diff) = desired.announce(port(1), port(2), Timestamp(5));
    assert_eq!(diff.added, set(std::slice::from_ref(&fc)));
    let again = desired.announce(port(1), port(2), Timestamp(7)).1;
    assert_eq!(again, Diff::default());
    desired.set_page(&fc, page(&[io(1)]));
    let service = |name: &str, n| Service {
        name: name.to_owned(),
        tid: dc(n).tid().clone(),
    };
    let found = vec![service("a", 1), service("b", 1), service("c", 2)];
    let (new, diff) = desired.set_services(found);
    assert_eq!(new, [dc(1), dc(2)]);
    assert_eq!(diff.added, set(&[dc(1), dc(2)]));
    assert_eq!(
        texts(&desired, &dc(1)),
        ["mDNS service `a`", "mDNS service `b`"]
    );
    desired.set_page(&dc(1), page(&[io(1), io(2), dc(2)]));
    let sources = desired.sources(&io(1));
    let mut roots = sources.iter().map(Source::root);
    assert!(roots.any(|root| *root == Source::Service("a".to_owned())));
    assert_eq!(
        desired.set_services(vec![service("a", 1)]).1,
        Diff::default(),
        "dc 2 is referred to"
    );
    let diff = desired.set_services(Vec::new()).1;
    assert_eq!(diff.removed, set(&[dc(1), dc(2), io(2)]));
    assert!(desired.is_dynamic(&fc));
    assert_eq!(desired.forget_announced(Timestamp(7)), Diff::default());
    assert_eq!(
        desired.forget_announced(Timestamp(8)).removed,
        set(&[fc, io(1)])
    );
}

#[test]
fn a_page_may_demand_tls() {
    let mut desired = Desired::default();
    desired.set_config(configured(&[dc(1), io(2)]));
    let secured = set(&[io(1), io(2)]);
    let io_only = page(&[io(1), io(2), io(3)]);
    desired.set_page(&dc(1), Page { secured, ..io_only });
    let tls = |n| desired.options(&io(n)).tls;
    assert_eq!([tls(1), tls(2), tls(3)], [Some(true), Some(true), None]);
}
