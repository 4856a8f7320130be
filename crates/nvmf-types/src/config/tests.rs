//! Tables for the cascade and for every problem.

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
        .map(|(path, text)| ConfigFile {
            path: path.into(),
            text: (*text).into(),
        })
        .collect();
    parse(&files, &default_identity())
}

fn good(texts: &[&str]) -> Config {
    read(texts).unwrap_or_else(|e| panic!("{texts:?}\n{e}"))
}

/// All problems as text, warnings of a good configuration included.
fn problems(texts: &[&str]) -> String {
    match read(texts) {
        Ok(config) => Problems(config.warnings).to_string(),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn a_whole_configuration() {
    let config = good(&[
        "# demo\n[Host]\nhostnqn = nqn.2014-08.org.example:h\nhostid = F81D4FAE7DEC11D0A76500A0C91E6BF6\nkxchap-secret = DHHC-1:00:x:\n\
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
    assert_eq!(
        Problems(other.warnings).to_string(),
        "m:1: warning: [Host] has a hostnqn and no hostid: the kernel makes one up; add `hostid =` and a UUID, for example from `uuidgen`"
    );
}

fn check(table: &[(&[&str], &str)]) {
    for (texts, want) in table {
        assert_eq!(problems(texts), *want, "{texts:#?}");
    }
}

#[test]
fn errors_of_sections() {
    check(&[
        (&[""], ""),
        (
            &["x = 1\n[Subsystem]\nDHHC-1 hush\n"],
            "m:1: error: `x` stands before the first section; put it below the section that it belongs to\n\
             m:2: error: [Subsystem] has no `nqn`; write `nqn =` and the subsystem's name\n\
             m:2: error: [Subsystem] has no `controller` line; add one, for example `controller = transport=tcp;traddr=192.0.2.1`\n\
             m:3: error: line `DHHC-1…` is no section, entry or comment; write `[Section]`, `key = value` or `# comment`",
        ),
        (
            &[
                "[Subsystem]\nnqn = \ncontroller =\n[Discovery Controller]\nnqn =\ncontroller = transport=loop\n",
            ],
            "m:2: error: `nqn` has no value; write `nqn =` and the subsystem's name\n\
             m:3: error: `controller` has no value; write for example `controller = transport=tcp;traddr=192.0.2.1`",
        ),
        (
            &[
                "[Subsystem]\nnqn = NQN\ncontroller = transport=loop\n[Subsystem]\nnqn = nqn.2014-08.org.nvmexpress.discovery\ncontroller = transport=pci\n",
            ],
            "m:2: error: `NQN` is not an NQN; write `nqn.yyyy-mm.reverse.domain[:name]`\n\
             m:5: error: the well-known discovery subsystem is no I/O subsystem; move it to [Discovery Controller]\n\
             m:6: error: unknown transport `pci`; write tcp, rdma, fc or loop",
        ),
        (
            &[
                "[I/O Controller Defaults]\nqueue-size = 5\nhostnqn = x\n[Discovery Controller Defaults]\npersistent = yes\n",
            ],
            "m:2: error: `5` is not possible for queue-size; write 16 to 1024\n\
             m:3: error: `hostnqn` belongs into [Host]; put it there, in a drop-in of its own for a second identity\n\
             m:5: error: `yes` is not possible for persistent; write no, auto or force",
        ),
        (
            &[
                "[Subsystem]\nnqn = nqn.2014-08.org.example:a\ncontroller = transport=tcp;traddr=::1\ncontroller = traddr=0::1;transport=tcp;trsvcid=4420\n",
            ],
            "m:4: error: the same connection stands at m:3; remove one of them",
        ),
    ]);
}

#[test]
fn errors_of_controller_lines() {
    for (line, want) in [
        (
            "tcp",
            "`tcp` is not key=value; write for example `controller = transport=tcp;traddr=192.0.2.1`\nm:3: error: field `transport` is missing; add `transport=tcp`, rdma, fc or loop",
        ),
        (
            "transport=;traddr=::1",
            "field `transport` is missing; add `transport=tcp`, rdma, fc or loop",
        ),
        (
            "transport=tcp",
            "field `traddr` is missing; add `traddr=` and the target's address",
        ),
        (
            "transport=tcp;traddr=host.example",
            "traddr: `host.example` is not a numeric IP address; write a numeric address of the transport's family",
        ),
        (
            "transport=fc;traddr=::1",
            "traddr: `::1` is not a Fibre Channel address; write nn-0x<16 hex digits>:pn-0x<16 hex digits>",
        ),
        (
            "transport=tcp;traddr=::1;trsvcid=65536",
            "trsvcid: `65536` is not a port; write 1 to 65535",
        ),
        (
            "transport=rdma;traddr=::1;host-iface=e",
            "`host-iface` is not possible with transport rdma; remove it",
        ),
        (
            "transport=loop;nr-io-queues=0",
            "`0` is not possible for nr-io-queues; write 1 to 65535",
        ),
        (
            "transport=loop;kxchap-secret=hush",
            "`kxchap-secret` must not stand on a `controller` line; write it as a line of its own in the section",
        ),
        (
            "transport=loop;tls=yes",
            "`tls` must not stand on a `controller` line; write it as a line of its own in the section",
        ),
        (
            "transport=loop;hostnqn=x",
            "`hostnqn` must not stand on a `controller` line; write it in [Host], in a drop-in for a second identity",
        ),
        (
            "transport=loop;nqn=x",
            "`nqn` must not stand on a `controller` line; write it as a line of its own in the section",
        ),
    ] {
        let text = format!("{SUB}controller = {line}\n");
        assert_eq!(problems(&[&text]), format!("m:3: error: {want}"), "{line}");
    }
}

#[test]
fn errors_of_identity() {
    let host = |lines: &str| format!("[Host]\n{lines}");
    let persona = |name: &str, id: &str| {
        host(&format!(
            "hostnqn = nqn.2014-08.org.example:{name}\nhostid = {id}\n"
        ))
    };
    let default = default_identity().hostid.unwrap().to_string();
    let upper = ID1.to_uppercase();
    check(&[
        (
            &["[Host]\n[Host]\nhostid = x\n"],
            "m:2: error: second [Host] in one file; put the other identity and its connections into a drop-in",
        ),
        (
            &["[Host]\nhostnqn=\nhostid = 00000000-0000-0000-0000-000000000000\n"],
            "m:2: error: `hostnqn` has no value; write a value, or remove the line\nm:3: error: hostid: a host id must not be zero; write another, for example from `uuidgen`",
        ),
        (
            &["[Host]\nhostid = 12\n"],
            "m:2: error: hostid: `12` is not a host id; write a UUID such as f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        ),
        (
            &["", &host(&format!("hostid = {ID1}\n"))],
            "d1:1: error: [Host] of a drop-in has no hostnqn; add `hostnqn =`, or move the section to the main file",
        ),
        (
            &["", &host("hostnqn = nqn.2014-08.org.example:p\n")],
            "d1:2: error: hostnqn without hostid in a drop-in; add `hostid =` and a UUID of its own, for example from `uuidgen`",
        ),
        (
            &[&persona("p", ID1), &persona("p", ID2)],
            "d1:2: error: hostnqn `nqn.2014-08.org.example:p` is already that of [Host] at m:1; give each file its own hostnqn, or put the connections into that file",
        ),
        (
            &["", &persona("p", ID1), &persona("q", &upper)],
            &format!(
                "d2:3: error: hostid `{ID1}` is already that of [Host] at d1:1, which has another hostnqn; write another UUID, for example from `uuidgen`"
            ),
        ),
        (
            &["", &persona("p", &default)],
            &format!(
                "d1:3: error: hostid `{default}` is already that of the host's default identity, which has another hostnqn; write another UUID, for example from `uuidgen`"
            ),
        ),
        (
            &["", &persona("default", ID1)],
            "d1:2: error: hostnqn `nqn.2014-08.org.example:default` is already that of the host's default identity; give each file its own hostnqn, or put the connections into that file",
        ),
        (&["", &persona("default", &default)], ""),
    ]);
    let twins = format!("{SUB}{PATH}");
    let again = format!("{}{twins}", persona("default", &default));
    assert_eq!(
        problems(&[&twins, &again]),
        "d1:6: error: the same connection stands at m:3; remove one of them"
    );
    let other = format!("{}{twins}", persona("p", ID2));
    assert_eq!(
        problems(&[&twins, &other]),
        "",
        "another host, another connection"
    );
}

#[test]
fn warnings() {
    let text = format!(
        "[Hosts]\n[Host]\nhostsymname = x\n[I/O Controller Defaults]\ntos = 1\ntos = 2\nnr_io_queues = 1\npersistent = no\n[I/O Controller Defaults]\n{SUB}tls-key-identity = x\ntraddr = ::1\ncontroller = transport=loop;tos=1;tos=3;x=y\n"
    );
    let config = good(&[&text]);
    assert_eq!(config.connections[0].options.tos, Some(3));
    assert_eq!(
        Problems(config.warnings).to_string(),
        "m:1: warning: unknown section [Hosts]: it does nothing; write [Host], [Discovery Controller Defaults], [I/O Controller Defaults], [Discovery Controller] or [Subsystem]\n\
         m:3: warning: `hostsymname` is not supported yet and does nothing; remove the line\n\
         m:6: warning: `tos` is given twice in one section: the last one counts; remove the other\n\
         m:7: warning: unknown key `nr_io_queues` in [I/O Controller Defaults]; write `nr-io-queues`\n\
         m:8: warning: unknown key `persistent` in [I/O Controller Defaults]; move it to a section where it has a meaning\n\
         m:9: warning: [I/O Controller Defaults] stands here twice; write its lines into one section\n\
         m:12: warning: `tls-key-identity` is not supported yet and does nothing; remove the line\n\
         m:13: warning: unknown key `traddr` in [Subsystem]; correct or remove it: it does nothing\n\
         m:14: warning: `tos` is given twice: the last one counts; remove the other\n\
         m:14: warning: unknown key `x` in a `controller` line; correct or remove it: it does nothing"
    );
}

#[test]
fn no_secret_in_any_message() {
    let text = "[Host]\nkxchap-secret hush\ntls-key = hush\n[Subsystem]\ndhchap_secret = hush\ncontroller = transport=loop;kxchap-secret=hush\n";
    assert!(!problems(&[text]).contains("hush"), "{}", problems(&[text]));
    let config = good(&[&format!("[Host]\nkxchap-secret = hush\n{SUB}{PATH}")]);
    assert!(!format!("{config:?}").contains("hush"));
}
