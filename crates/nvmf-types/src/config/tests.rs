//! Tables for the cascade; what is said about problems is in `tests/config.rs`.

use super::{Config, ConfigFile, Persistence, Problems, parse};
use crate::{ControllerClass, HostIdentity};

const ID1: &str = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
const ID2: &str = "f81d4fae-7dec-11d0-a765-00a0c91e6bf7";
const SUB: &str = "[Subsystem]\nnqn = nqn.2014-08.org.example:a\n";
const PATH: &str = "controller = transport=tcp;traddr=192.0.2.1\n";

fn default_identity() -> HostIdentity {
    HostIdentity {
        hostnqn: Some("nqn.2014-08.org.example:default".parse().unwrap()),
        hostid: Some("f81d4fae-7dec-11d0-a765-00a0c91e6b00".parse().unwrap()),
    }
}

fn read(texts: &[&str]) -> Result<Config, Problems> {
    let names = ["m", "d1", "d2"];
    let files: Vec<_> = std::iter::zip(names, texts)
        .map(|(path, text)| ConfigFile::new(path, *text))
        .collect();
    parse(&files, &default_identity())
}

fn good(texts: &[&str]) -> Config {
    read(texts).unwrap_or_else(|e| panic!("{texts:?}\n{e}"))
}

#[test]
fn a_whole_configuration() {
    let config = good(&[
        "# demo\n[Host]\nhostnqn = nqn.2014-08.org.example:h\nhostid = F81D4FAE7DEC11D0A76500A0C91E6BF6\nkxchap-secret = file:/key\n\
         [Discovery Controller Defaults]\nkeep-alive-tmo = 60\npersistent = no\n[I/O Controller Defaults]\nctrl-loss-tmo = -1\n\
         [Discovery Controller]\ncontroller = transport=tcp;traddr=192.0.2.1;persistent=force\ncontroller = transport=tcp;traddr=192.0.2.2;trsvcid=8010\n\
         [Subsystem]\nnqn = nqn.2014-08.org.example:a\nnr-io-queues = 2\n\
         controller = transport=tcp;traddr=192.0.2.3;trsvcid=4421;host-traddr=192.0.2.9;host-iface=eth0;hdr-digest=yes\n",
    ]);
    let shown: Vec<_> = config
        .connections
        .iter()
        .map(|c| (c.tid.to_string(), c.class, c.origin.to_string()))
        .collect();
    let host = format!("hostnqn=nqn.2014-08.org.example:h;hostid={ID1}");
    let dc = crate::Nqn::DISCOVERY;
    assert_eq!(
        shown,
        [
            (
                format!("transport=tcp;traddr=192.0.2.1;nqn={dc};{host}"),
                ControllerClass::Discovery,
                "m:12".to_owned()
            ),
            (
                format!("transport=tcp;traddr=192.0.2.2;trsvcid=8010;nqn={dc};{host}"),
                ControllerClass::Discovery,
                "m:13".to_owned()
            ),
            (
                format!(
                    "transport=tcp;traddr=192.0.2.3;trsvcid=4421;nqn=nqn.2014-08.org.example:a;host-traddr=192.0.2.9;host-iface=eth0;{host}"
                ),
                ControllerClass::Io,
                "m:17".to_owned()
            ),
        ]
    );
    let [dc, other, io] = config.connections.as_slice() else {
        panic!()
    };
    assert_eq!(
        (dc.persistent, other.persistent, io.persistent),
        (Persistence::Force, Persistence::No, Persistence::Auto)
    );
    assert_eq!(dc.options.keep_alive_tmo, Some(60));
    assert_eq!(dc.options.ctrl_loss_tmo, None);
    assert_eq!(io.options.ctrl_loss_tmo, Some(-1));
    assert_eq!(
        (io.options.nr_io_queues, io.options.hdr_digest),
        (Some(2), Some(true))
    );
    for connection in &config.connections {
        assert!(connection.options.dhchap_secret.is_some());
        let inherits = &connection.inherits;
        assert_eq!(
            inherits.io.nr_io_queues, None,
            "the section stays with itself"
        );
        assert_eq!(inherits.io.ctrl_loss_tmo, Some(-1));
        assert_eq!(inherits.dc.keep_alive_tmo, Some(60));
        assert_eq!(inherits.hostnqn, config.host.hostnqn);
        assert_eq!(inherits.hostid, config.host.hostid);
    }
    assert_eq!(config.warnings, []);
}

#[test]
fn the_cascade() {
    // six places, low to high; `-` leaves the key out, `0` is an empty value
    let place = |prefix: &str, value: char| match value {
        '-' => String::new(),
        '0' => format!("{prefix}queue-size = \n"),
        n => format!("{prefix}queue-size = 1{n}0\n"),
    };
    for (places, want) in [
        ("------", None),
        ("1-----", Some(110)),
        ("12----", Some(120)),
        ("1-3---", Some(130)),
        ("123---", Some(130)),
        ("1234--", Some(140)),
        ("12345-", Some(150)),
        ("123456", Some(160)),
        ("1----6", Some(160)),
        ("1---0-", None),
        ("10----", None),
        ("12340-", None),
        ("12-0--", None),
        ("123450", None),
        ("0----6", Some(160)),
    ] {
        let [main, file, host, section, line, last] = places.chars().collect::<Vec<_>>()[..] else {
            panic!()
        };
        let main = format!("[I/O Controller Defaults]\n{}", place("", main));
        let drop_in = format!(
            "[I/O Controller Defaults]\n{}[Host]\nhostnqn = nqn.2014-08.org.example:p\nhostid = {ID2}\n{}[Subsystem]\nnqn = nqn.2014-08.org.example:a\n{}controller = transport=loop{}\n",
            place("", file),
            place("", host),
            place("", section),
            place(";", if last == '-' { line } else { last })
                .trim_end()
                .replace(' ', ""),
        );
        let config = good(&[&main, &drop_in]);
        assert_eq!(config.connections[0].options.queue_size, want, "{places}");
        if last == '-' && line == '-' && section == '-' {
            assert_eq!(config.connections[0].inherits.io.queue_size, want);
        }
    }
}

#[test]
fn a_drop_in_is_a_world_of_its_own() {
    let endpoint = |name: &str| {
        format!(
            "[Subsystem]\nnqn = nqn.2014-08.org.example:{name}\ncontroller = transport=loop\n[Discovery Controller]\ncontroller = transport=loop;traddr={name}\n"
        )
    };
    let main = format!(
        "[Host]\nhostnqn = nqn.2014-08.org.example:m\nhostid={ID1}\ntos = 1\n{}",
        endpoint("a")
    );
    let persona = format!(
        "[Host]\nhostnqn = nqn.2014-08.org.example:p\nhostid={ID2}\n[I/O Controller Defaults]\nqueue-size = 64\n{}",
        endpoint("b")
    );
    let config = good(&[&main, &persona, &endpoint("c")]);
    let seen: Vec<_> = config
        .connections
        .iter()
        .map(|c| {
            let name = |nqn: &Option<crate::Nqn>| nqn.as_ref().unwrap().as_str().chars().last();
            assert_eq!(c.tid.hostnqn, c.inherits.hostnqn);
            assert_eq!(c.tid.hostid, c.inherits.hostid);
            (
                name(&c.tid.hostnqn).unwrap(),
                c.options.tos,
                c.inherits.io.queue_size,
                c.options.queue_size,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ('m', Some(1), None, None),
            ('m', Some(1), None, None),
            ('p', None, Some(64), Some(64)),
            ('p', None, Some(64), None),
            ('m', Some(1), None, None),
            ('m', Some(1), None, None),
        ]
    );
}

#[test]
fn identity_of_the_main_file() {
    let default = default_identity();
    let read = |lines: &str| good(&[&format!("[Host]\n{lines}{SUB}{PATH}")]);
    let plain = good(&[&format!("{SUB}{PATH}")]);
    assert_eq!(plain.host, default);
    assert_eq!(
        plain.connections[0].tid.hostnqn, None,
        "unset is the default"
    );
    assert_eq!(read("tos = 1\n").connections[0].tid.hostid, None);

    let id_only = read(&format!("hostid = {ID1}\n"));
    assert_eq!(id_only.host.hostnqn, default.hostnqn);
    assert_eq!(id_only.host.hostid, Some(ID1.parse().unwrap()));
    assert_eq!(id_only.connections[0].tid.hostnqn, default.hostnqn);

    let same = read("hostnqn = nqn.2014-08.org.example:default\n");
    assert_eq!((&same.host, same.warnings.len()), (&default, 0));

    let other = read("hostnqn = nqn.2014-08.org.example:x\n");
    assert_eq!(other.host.hostid, None, "an id belongs to one name");
    assert_eq!(other.warnings.len(), 1);
}

#[test]
fn the_last_of_a_kind_counts() {
    let config = good(&[
        "[Discovery Controller Defaults]\npersistent = no\n[Discovery Controller]\n\
         controller = transport=tcp;traddr=::1;traddr=::2;persistent=\n\
         controller = transport=tcp;traddr=::1;persistent=no;persistent=force\n",
    ]);
    let seen: Vec<_> = config
        .connections
        .iter()
        .map(|c| (c.tid.field("traddr").unwrap(), c.persistent))
        .collect();
    assert_eq!(
        seen,
        [
            ("::2".to_owned(), Persistence::Auto),
            ("::1".to_owned(), Persistence::Force)
        ]
    );
}

#[test]
fn where_each_value_stands() {
    let config = good(&[
        &format!(
            "[Host]\nhostid = {ID1}\nhostsymname = lab\ntos = 1\n[I/O Controller Defaults]\nctrl-loss-tmo = 5\ntls-key = 7\n"
        ),
        "[I/O Controller Defaults]\nctrl-loss-tmo = 6\nqueue-size = 16\n[Subsystem]\nnqn = nqn.2014-08.org.example:a\n\
         tls-key-identity = x\nctrl-loss-tmo =\ndhchap-secret = file:/k\ncontroller = transport=loop;nr-io-queues=1\n\
         [Discovery Controller]\npersistent = no\ncontroller = transport=loop\n",
    ]);
    let [io, dc] = config.connections.as_slice() else {
        panic!()
    };
    let shown = |c: &super::Connection| {
        let lines = c.origins.iter().map(|(key, at)| format!("{key} {at}"));
        lines.collect::<Vec<_>>()
    };
    assert_eq!(
        shown(io),
        [
            "ctrl-loss-tmo d1:7",
            "hostid m:2",
            "hostsymname m:3",
            "kxchap-secret d1:8",
            "nqn d1:5",
            "nr-io-queues d1:9",
            "queue-size d1:3",
            "tls-key-identity d1:6",
            "tos m:4",
        ]
    );
    assert_eq!(io.options.ctrl_loss_tmo, None, "reset in d1:7");
    assert_eq!(io.inherits.hostsymname.as_deref(), Some("lab"));
    assert_eq!(
        shown(dc),
        [
            "hostid m:2",
            "hostsymname m:3",
            "nqn d1:10",
            "persistent d1:11",
            "tos m:4"
        ]
    );
}

#[test]
fn two_names_of_one_option_have_one_origin() {
    let [serial, identity] = ["tls-key = 7", "tls-key-identity = x"];
    for (below, above, key) in [
        (serial, identity, "tls-key-identity"),
        (identity, serial, "tls-key"),
    ] {
        let config = good(&[&format!(
            "[I/O Controller Defaults]\n{below}\n{SUB}{above}\n{PATH}"
        )]);
        let connection = &config.connections[0];
        let named = connection.origins.keys().filter(|k| k.starts_with("tls"));
        assert_eq!(named.collect::<Vec<_>>(), [key]);
        assert_eq!(connection.origins[key].line, 5);
    }
}

#[test]
fn host_names_take_their_place() {
    let text = |line: &str| format!("{SUB}controller = transport=tcp;traddr={line}\n");
    let lines = [
        "192.0.2.1",
        "one",
        "192.0.2.2",
        "two",
        "three;host-traddr=::9",
    ]
    .map(text);
    let mut config = good(&[&lines.concat()]);
    let named = |config: &Config| -> Vec<String> {
        let named = config.unresolved.iter();
        named.map(ToString::to_string).collect()
    };
    let all = [
        "m:6: host name `one`",
        "m:12: host name `two`",
        "m:15: host name `three`",
    ];
    assert_eq!(named(&config), all);
    let unresolved = config.unresolved[0].without_address();
    assert_eq!(unresolved.origin.line, 6);
    let order = config.in_order().into_iter();
    let lines: Vec<_> = order.map(|(c, n)| (c.origin.line, n.is_some())).collect();
    let named_lines = [(3, false), (6, true), (9, false), (12, true), (15, true)];
    assert_eq!(lines, named_lines);

    let address = |text: &str| crate::Traddr::from_ip(text.parse().unwrap());
    config.resolve(|name| match name.as_str() {
        "one" => vec![address("192.0.2.7"), address("::7"), address("192.0.2.8")],
        "three" => vec![address("192.0.2.9"), address("::3")],
        _ => vec![],
    });
    let found = |config: &Config| -> Vec<String> {
        let texts = config.connections.iter().map(|c| {
            let all = c.tids().into_iter().filter_map(|tid| tid.field("traddr"));
            all.collect::<Vec<_>>().join(" ")
        });
        texts.collect()
    };
    let first = ["192.0.2.1", "192.0.2.7 ::7 192.0.2.8", "192.0.2.2", "::3"];
    assert_eq!(found(&config), first);
    assert_eq!(named(&config), [all[1]]);
    config.resolve(|_| vec![address("192.0.2.4")]);
    assert_eq!(named(&config), [""; 0]);
    assert_eq!(found(&config)[2..4], ["192.0.2.2", "192.0.2.4"]);
}

#[test]
fn no_secret_in_what_was_read() {
    let text = "[Host]\nkxchap-secret = hush\n[Subsystem]\nnqn = nqn.2014-08.org.example:a\nkxchap-ctrl-secret = hush\ncontroller = transport=loop\n";
    let config = good(&[text]);
    assert_eq!(config.warnings.len(), 2);
    assert!(!format!("{config:?}").contains("hush"));
    assert!(!format!("{:?}", ConfigFile::new("f", text)).contains("hush"));
}
