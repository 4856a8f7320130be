use super::*;
use crate::ControllerClass;

const NAME: &str = "c.json";
const ID: &str = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

fn good(text: &str) -> Vec<LegacyHost> {
    let (hosts, warnings) = parse_config_json(NAME, text).unwrap_or_else(|e| panic!("{text}\n{e}"));
    assert_eq!(warnings, [], "{text}");
    hosts
}

fn said(text: &str) -> String {
    let problems = match parse_config_json(NAME, text) {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems.0,
    };
    let line = |p: &Problem| {
        let (origin, severity) = (&p.place.origin, p.severity);
        format!("{origin}: {severity}: {}; {}", p.message, p.remedy)
    };
    let lines: Vec<String> = problems.iter().map(line).collect();
    lines.join("\n")
}

/// As libnvme writes it.
fn whole() -> String {
    format!(
        r#"[
  {{
    "hostnqn":"nqn.2014-08.org.example:h",
    "hostid":"{ID}",
    "dhchap_key":"DHHC-1:00:host:",
    "hostsymname":"lab",
    "subsystems":[
      {{
        "nqn":"nqn.2014-08.org.example:a",
        "ports":[
          {{
            "transport":"tcp",
            "traddr":"192.0.2.1",
            "host_traddr":"192.0.2.9",
            "host_iface":"eth0",
            "trsvcid":"4420",
            "dhchap_key":"DHHC-1:00:own:",
            "dhchap_ctrl_key":"DHHC-1:00:ctrl:",
            "nr_io_queues":4,
            "queue_size":0,
            "ctrl_loss_tmo":-1,
            "tos":-1,
            "hdr_digest":true,
            "data_digest":false
          }},
          {{ "transport":"fc", "traddr":"nn-0x10001100ab000001:pn-0x20001100ab000001" }}
        ]
      }},
      {{
        "nqn":"nqn.2014-08.org.nvmexpress.discovery",
        "ports":[ {{ "transport":"tcp", "traddr":"dc.example", "trsvcid":8009, "persistent":true }} ]
      }},
      {{ "nqn":"nqn.2014-08.org.example:dc", "ports":[ {{ "transport":"loop", "discovery":true }} ] }}
    ]
  }}
]
"#
    )
}

#[test]
fn a_whole_file() {
    let hosts = good(&whole());
    let [host] = hosts.as_slice() else { panic!() };
    assert_eq!(host.origin.to_string(), "c.json:2");
    assert_eq!(host.hostsymname.as_deref(), Some("lab"));
    assert_eq!(host.secret, Some(Secret::new("DHHC-1:00:host:".to_owned())));
    assert_eq!(host.identity.hostid, ID.parse().ok());
    let io = &host.wishes[0];
    assert_eq!(
        io.tid().unwrap().to_string(),
        format!(
            "transport=tcp;traddr=192.0.2.1;trsvcid=4420;nqn=nqn.2014-08.org.example:a;\
             host-traddr=192.0.2.9;host-iface=eth0;hostnqn=nqn.2014-08.org.example:h;hostid={ID}"
        )
    );
    let settings = |wish: &crate::config::Wish| -> Vec<String> {
        let all = wish.tunables().chain(wish.security());
        all.map(|(k, v)| format!("{k}={}", v.expose())).collect()
    };
    assert_eq!(
        settings(io),
        [
            "ctrl-loss-tmo=-1",
            "hdr-digest=true",
            "nr-io-queues=4",
            "kxchap-ctrl-secret=DHHC-1:00:ctrl:",
            "kxchap-secret=DHHC-1:00:own:"
        ]
    );
    let seen: Vec<_> = host
        .wishes
        .iter()
        .map(|w| (w.class, w.persistent))
        .collect();
    let (io, dc) = (ControllerClass::Io, ControllerClass::Discovery);
    let want = [
        (io, None),
        (io, None),
        (dc, Some(Persistence::Force)),
        (dc, None),
    ];
    assert_eq!(seen, want);
    assert_eq!(host.wishes[2].host_name(), "dc.example".parse().ok());
    assert!(!format!("{hosts:?}").contains("DHHC"));
}

#[test]
fn other_spellings() {
    let port = r#"{"transport":"tcp","traddr":"::1","host-iface":"eth0","dhchap_ctrl_key":null,"trsvcid":"none"}"#;
    let sub = format!(r#"{{"nqn":"nqn.2014-08.org.example:a","ports":[{port}]}}"#);
    let list = format!(r#"[{{"subsystems":[{sub}]}},{{"hostnqn":"nqn.2014-08.org.example:h"}}]"#);
    let object = format!(r#"{{"hosts":{list}}}"#);
    assert_eq!(good(&list), good(&object));
    assert_eq!(good(&list)[0].wishes[0].field("host-iface"), Some("eth0"));
    assert_eq!(good("[]"), []);

    let dc = r#"{"discovery":true,"transport":"loop"}"#;
    let with = |persistent: &str| {
        let text = format!(
            r#"[{{"persistent_discovery_ctrl":{persistent},"subsystems":[{{"dhchap_key":"k","ports":[{dc}]}}]}}]"#
        );
        let host = good(&text).remove(0);
        assert_eq!(host.wishes[0].security().next().unwrap().1.expose(), "k");
        host.wishes[0].persistent
    };
    assert_eq!(with("true"), Some(Persistence::Force));
    assert_eq!(with("false"), Some(Persistence::No));
    assert_eq!(with("null"), None);
}

#[test]
fn what_is_wrong_is_said_at_once() {
    let text = r#"[
{ "hostnqn": "h", "hostid": "0", "frob": 1,
  "subsystems": [
    { "nqn": "nqn.2014-08.org.example:a", "application": "x" },
    { "ports": [
        { "transport": "tcp", "traddr": "::1" },
        { "traddr": "::1",
          "trsvcid": 70000,
          "queue_size": 3,
          "hdr_digest": [],
          "nr-poll-queues": 1, "nr_poll_queues": 2 } ] },
    { "nqn": "nqn.2014-08.org.example:b",
      "ports": [ { "transport": "fc", "traddr": "::1", "persistent": true } ] } ] } ]"#;
    let want = "\
2: error: `[0].hostnqn`: `h` is not an NQN; write `nqn.yyyy-mm.reverse.domain[:name]`
2: error: `[0].hostid`: `0` is not a host id; write a UUID such as f81d4fae-7dec-11d0-a765-00a0c91e6bf6
2: warning: `[0].frob`: unknown key: it does nothing; correct or remove it
4: warning: `[0].subsystems[0]`: it has no `ports`: nothing is connected; add one, or remove the subsystem
4: warning: `[0].subsystems[0].application`: it says nothing about a connection: it does nothing; remove it
6: error: `[0].subsystems[1].ports[0]`: its subsystem has no `nqn`; write `\"nqn\":` and the subsystem's name there
7: error: `[0].subsystems[1].ports[1]`: its subsystem has no `nqn`; write `\"nqn\":` and the subsystem's name there
7: error: `[0].subsystems[1].ports[1]`: field `transport` is missing; correct it
8: error: `[0].subsystems[1].ports[1].trsvcid`: trsvcid: `70000` is not a port; write 1 to 65535
9: error: `[0].subsystems[1].ports[1].queue_size`: `3` is not possible for queue-size; write 16 to 1024
10: error: `[0].subsystems[1].ports[1].hdr_digest`: it is no text, number or boolean; write one of these
11: warning: `[0].subsystems[1].ports[1].nr_poll_queues`: it is given twice: the last one counts; remove the other
13: error: `[0].subsystems[2].ports[0]`: traddr: `::1` is not a Fibre Channel address; write nn-0x<16 hex digits>:pn-0x<16 hex digits>
13: warning: `[0].subsystems[2].ports[0].persistent`: it says nothing about a connection: it does nothing; remove it";
    let want: Vec<String> = want.lines().map(|line| format!("{NAME}:{line}")).collect();
    assert_eq!(said(text).lines().collect::<Vec<_>>(), want);
}

#[test]
fn what_is_no_such_file() {
    for (text, want) in [
        (
            "",
            "1: error: it is no JSON: the end instead of a value; correct the line",
        ),
        (
            "[\n{\"a\" 1}]",
            "2: error: it is no JSON: no `:` behind a key; correct the line",
        ),
        (
            "{}",
            "1: error: there is no `hosts`; write a list of hosts: `[{…}]`",
        ),
        ("7", "1: error: it is no list; write `[…]`"),
        (
            "{\"hosts\": 7}",
            "1: error: `hosts`: it is no list; write `[…]`",
        ),
        ("[7]", "1: error: `[0]`: it is no object; write `{…}`"),
        (
            "[{\"hostnqn\": []}]",
            "1: error: `[0].hostnqn`: it is no text; write `\"…\"`",
        ),
    ] {
        assert_eq!(said(text), format!("{NAME}:{want}"), "{text}");
    }
}

#[test]
fn secrets_are_not_shown() {
    for text in [
        r#"[{"DHHC-1:00:hush:": 1}]"#,
        r#"[{"dhchap_key": ["DHHC-1:00:hush:"]}]"#,
        r#"[{"dhchap_key": "DHHC-1:00:hush:\n"}]"#,
        r#"[{"dhchap_key": "DHHC-1:00:hush: }]"#,
        r#"[{"subsystems":[{"nqn":"nqn.2014-08.org.example:a","ports":[{"transport":"loop","tls_key":"NVMeTLSkey-1:01:hush:"}]}]}]"#,
        r#"[{"subsystems":[{"nqn":"nqn.2014-08.org.example:a","ports":[{"transport":"loop","dhchap_key":"hush\n"}]}]}]"#,
    ] {
        let said = said(text);
        assert!(
            said.contains(": error: ") || said.contains(": warning: "),
            "{text}"
        );
        assert!(!said.contains("hush"), "{said}");
    }
}
