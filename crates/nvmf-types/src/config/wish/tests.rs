use super::*;

fn wish(settings: &[(&str, &str)]) -> Wish {
    let mut wish = Wish::new(ControllerClass::Io, Origin::new("x", 1));
    for (key, value) in settings {
        wish.set(key, value)
            .unwrap_or_else(|e| panic!("{key}: {e}"));
    }
    wish
}

#[test]
fn an_error_changes_nothing() {
    let mut wish = wish(&[("transport", "tcp"), ("queue-size", "64")]);
    let before = wish.clone();
    for (key, value) in [
        ("transport", "pcie"),
        ("hostid", "0"),
        ("nqn", "x"),
        ("trsvcid", "0"),
        ("queue-size", "3"),
        ("persistent", "maybe"),
        ("kxchap-secret", "a\nb"),
        ("host-iface", "a;b"),
        ("frob", "1"),
    ] {
        assert!(wish.set(key, value).is_err(), "{key}={value}");
    }
    assert_eq!(wish, before);
}

#[test]
fn unset_again() {
    let set = [
        ("traddr", "::1"),
        ("trsvcid", "1"),
        ("tls", "1"),
        ("persistent", "no"),
    ];
    let mut some = wish(&set);
    for (key, _) in set {
        some.set(key, "").unwrap();
    }
    assert_eq!(some, wish(&[]));
    assert_eq!(wish(&[("trsvcid", "none"), ("traddr", "none")]), wish(&[]));
}

#[test]
fn host_names_where_there_are_ip_addresses() {
    for (transport, traddr, name) in [
        ("tcp", "storage-1.example", true),
        ("rdma", "a", true),
        ("tcp", "192.0.2.1", false),
        ("tcp", "fe80::1%eth0", false),
        ("fc", "a", false),
        ("loop", "a", false),
    ] {
        let wish = wish(&[("transport", transport), ("traddr", traddr)]);
        assert_eq!(wish.host_name().is_some(), name, "{transport} {traddr}");
        assert_eq!(wish.problems().is_empty(), transport != "fc");
    }
    for bad in ["1.2.3", "192.0.2.1.", "a b", "a:b"] {
        let wish = wish(&[("transport", "tcp"), ("traddr", bad)]);
        assert_eq!(wish.problems().len(), 1, "{bad}");
    }
}
