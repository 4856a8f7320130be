//! A table for every error and warning.

use super::{ID1, ID2, PATH, SUB, default_identity, good, problems};
use crate::config::Problems;

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
