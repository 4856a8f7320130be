//! What must hold for any input.

#![expect(clippy::unwrap_used, reason = "strategies are tests too")]

use nvmf_types::config::{self, ConfigFile, DaemonConfig};
use nvmf_types::exclusion::Rule;
use nvmf_types::log_page::{DiscoveryLog, ENTRY_LEN, Header, LogEntry};
use nvmf_types::{
    AttrName, ConnectOptions, ControllerClass, DeviceName, FcName, HostIdentity, Nqn, Owner,
    Traddr, Transport, TransportId, Trsvcid, ini,
};
use proptest::prelude::*;

fn nqn() -> impl Strategy<Value = Nqn> {
    "nqn\\.20[0-9]{2}-(0[1-9]|1[0-2])\\.[a-z]{2,5}(\\.[a-z0-9-]{1,9}){0,3}(:[A-Za-z0-9.:_-]{1,40})?"
        .prop_map(|text| text.parse().unwrap())
}

/// Addresses that a connection over `transport` can have.
fn traddr(transport: Transport) -> BoxedStrategy<Traddr> {
    match transport {
        Transport::Tcp | Transport::Rdma => (any::<std::net::IpAddr>(), "[a-z][a-z0-9]{0,14}")
            .prop_map(|(ip, scope)| {
                let plain = Traddr::from_ip(ip);
                let scoped = format!("{ip}%{scope}");
                Traddr::parse(Transport::Tcp, &scoped).unwrap_or(plain)
            })
            .boxed(),
        Transport::Fc => any::<(u64, u64)>()
            .prop_map(|(node, port)| Traddr::Fc(FcName { node, port }))
            .boxed(),
        Transport::Loop => "[A-Za-z0-9:._=-]{1,20}".prop_map(Traddr::Text).boxed(),
    }
}

fn tid() -> impl Strategy<Value = TransportId> {
    prop::sample::select(Transport::ALL.to_vec()).prop_flat_map(|transport| {
        let here = traddr(transport);
        let there = prop::option::of(traddr(transport));
        let port = prop::option::of(1..=u16::MAX);
        let iface = prop::option::of("[a-z][a-z0-9._-]{0,14}");
        let hostnqn = prop::option::of(nqn());
        let hostid = prop::option::of(1..=u128::MAX);
        (here, there, port, iface, nqn(), hostnqn, hostid).prop_map(
            move |(here, there, port, iface, nqn, hostnqn, hostid)| {
                let mut tid = TransportId::new(transport, Some(here), nqn);
                tid.trsvcid = port
                    .filter(|_| transport.is_ip())
                    .map(|port| Trsvcid::from_port(port).unwrap());
                tid.host_traddr = there.filter(|_| transport != Transport::Loop);
                tid.host_iface = iface.filter(|_| transport == Transport::Tcp);
                tid.hostnqn = hostnqn;
                tid.hostid = hostid.map(|id| format!("{id:032x}").parse().unwrap());
                tid.checked().unwrap()
            },
        )
    })
}

fn class() -> impl Strategy<Value = ControllerClass> {
    prop::sample::select(vec![ControllerClass::Io, ControllerClass::Discovery])
}

/// Text that is nearly a configuration.
fn config_text() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        "\\[(Host|Subsystem|Discovery Controller|I/O Controller Defaults|Discovery Controller Defaults|Global|x)\\]",
        "(nqn|hostnqn) = nqn\\.2014-08\\.org\\.example:[ab]",
        "controller = transport=(tcp|rdma|loop|x);traddr=(::1|192\\.0\\.2\\.1|x)(;[a-z-]{1,9}=[0-9]{1,3})?",
        "(queue-size|persistent|hostid|tos|retry-max|tls|#x) = [ -~]{0,9}",
        "\\PC{0,20}",
    ];
    prop::collection::vec(line, 0..25).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn tid_round_trips(tid in tid()) {
        prop_assert_eq!(tid.to_string().parse::<TransportId>().unwrap(), tid.clone());
        let json = serde_json::to_string(&tid).unwrap();
        prop_assert_eq!(serde_json::from_str::<TransportId>(&json).unwrap(), tid);
    }

    /// What can be typed can also be told to the kernel, in one line, and only as its own option.
    #[test]
    fn every_tid_has_a_connect_string(tid in tid(), class in class()) {
        let line = ConnectOptions::default().connect_string(&tid, class).unwrap();
        let nqn = format!("nqn={},transport={}", tid.nqn, tid.transport);
        prop_assert!(line.expose().starts_with(&nqn));
        prop_assert!(!line.expose().contains('\n'));
    }

    /// An entry made of all fields of a connection excludes it.
    #[test]
    fn a_tid_excludes_itself(tid in tid(), class in class()) {
        let rule: Rule = tid.to_string().parse().unwrap();
        prop_assert!(rule.matches(&tid, class));
    }

    /// What is known of a connection matches as the connection does, if all of it is known.
    #[test]
    fn a_known_tid_matches_as_itself(tid in tid(), asked in tid(), class in class(), keep in any::<u8>()) {
        let keys = ["transport", "traddr", "trsvcid", "nqn", "host-traddr", "host-iface", "hostnqn", "hostid"];
        let known: Rule = tid.to_string().parse().unwrap();
        for of in [&tid, &asked] {
            let kept = keys.iter().enumerate().filter(|(bit, _)| keep & (1 << bit) != 0);
            let fields = kept.filter_map(|(_, key)| Some(format!("{key}={}", of.field(key)?)));
            let Ok(rule) = fields.collect::<Vec<_>>().join(";").parse::<Rule>() else {
                continue;
            };
            prop_assert_eq!(rule.matches_known(&known, class), rule.matches(&tid, class));
        }
    }

    #[test]
    fn names_keep_their_rules(text in "\\PC{0,70}|nvme[0-9]{0,12}|/dev/nvme[0-9]|[A-Za-z0-9._/-]{0,70}|nqn\\.[0-9.:a-z-]{0,30}") {
        if let Ok(name) = text.parse::<Nqn>() {
            prop_assert!((1..=Nqn::MAX_LEN).contains(&name.as_str().len()));
            prop_assert_eq!(Nqn::reported(&text).unwrap(), name);
        }
        let plain = |s: &str| !s.is_empty() && !s.contains(['/', '\0', ' ']);
        if let Ok(name) = text.parse::<DeviceName>() {
            prop_assert!(plain(name.as_str()) && name.as_str().starts_with("nvme"));
            prop_assert_eq!(name.as_str().parse::<DeviceName>().unwrap(), name);
        }
        if let Ok(name) = text.parse::<AttrName>() {
            prop_assert!(plain(name.as_str()) && !name.as_str().contains('.'));
        }
        if let Ok(owner) = text.parse::<Owner>() {
            prop_assert!(plain(owner.as_str()) && owner.as_str().len() <= Owner::MAX_LEN);
        }
    }

    #[test]
    fn log_pages_of_any_bytes(
        genctr: u64,
        bytes in prop::collection::vec(any::<u8>(), 0..3 * ENTRY_LEN),
        kind in prop::sample::select(vec![1_u8, 2, 3, 254]),
        via in tid(),
    ) {
        let _ = Header::decode(&bytes).and_then(|header| header.records());
        let log = DiscoveryLog::from_records(genctr, &bytes);
        prop_assert_eq!(log.entries.len() + log.ignored.len(), bytes.len().div_ceil(ENTRY_LEN));
        // the same with fields that are more likely to be text
        let mut bytes: Vec<u8> = bytes.iter().map(|b| b & 0x7f).collect();
        if let Some([trtype, _, subtype]) = bytes.first_chunk_mut::<3>() {
            (*trtype, *subtype) = (kind, kind & 3);
        }
        for entry in bytes.chunks(ENTRY_LEN).filter_map(|b| LogEntry::decode(b).ok()) {
            if let Ok(Some((_, tid))) = entry.connection(&via) {
                prop_assert_eq!(&tid.hostnqn, &via.hostnqn);
                prop_assert!(tid.checked().is_ok());
            }
        }
    }

    #[test]
    fn an_entry_names_what_was_put_into_it(tid in tid(), class in class()) {
        let mut bytes = vec![0; ENTRY_LEN];
        bytes[0] = match tid.transport {
            Transport::Rdma => 1,
            Transport::Fc => 2,
            Transport::Tcp => 3,
            Transport::Loop => 254,
        };
        bytes[2] = if class == ControllerClass::Discovery { 1 } else { 2 };
        for (at, key) in [(32, "trsvcid"), (256, "nqn"), (512, "traddr")] {
            let text = tid.field(key).unwrap_or_default();
            bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
        }
        let unspecified = tid.traddr.as_ref().and_then(Traddr::ip).is_some_and(|ip| ip.is_unspecified());
        let nothing = tid.traddr == Some(Traddr::Text("none".into()));
        prop_assume!(!unspecified && !nothing);
        let named = LogEntry::decode(&bytes).unwrap().connection(&tid).unwrap();
        let family = |t: &Option<Traddr>| t.as_ref().and_then(Traddr::ip).map(|ip| ip.is_ipv4());
        let mut want = tid.clone();
        if family(&tid.host_traddr) != family(&tid.traddr) {
            want.host_traddr = None;
        }
        prop_assert_eq!(named, Some((class, want)));
    }

    #[test]
    fn ini_loses_no_line(text in "(\\PC{0,12}|\\[?[a-z]{1,3}\\]? ?=?|#x)(\r?\n(\\PC{0,12}|\\[[a-z]{1,3}\\]|[a-z]=.?)){0,20}") {
        let document = ini::parse(&text);
        let told = document.preamble.len()
            + document.junk.len()
            + document.sections.iter().map(|s| 1 + s.entries.len()).sum::<usize>();
        let lines = text.lines().map(str::trim);
        prop_assert_eq!(told, lines.filter(|l| !l.is_empty() && !l.starts_with('#')).count());
    }

    /// Of the places of a key the highest that says something counts, and is its origin.
    #[test]
    fn the_highest_place_counts(
        places in prop::array::uniform5(prop::option::of(prop::option::of(16..=1024_u32))),
    ) {
        let says = |place: usize| places[place].map_or(String::new(), |value| {
            format!("queue-size={}", value.map_or(String::new(), |n| n.to_string()))
        });
        let main = format!("[I/O Controller Defaults]\n{}\n", says(0));
        let drop_in = format!(
            "[I/O Controller Defaults]\n{}\n[Host]\nhostnqn=nqn.2014-08.org.example:p\nhostid={:032x}\n{}\n\
             [Subsystem]\nnqn=nqn.2014-08.org.example:a\n{}\ncontroller=transport=loop;{}\n",
            says(1), 1, says(2), says(3), says(4),
        );
        let files = [ConfigFile::new("m", main), ConfigFile::new("d", drop_in)];
        let config = config::parse(&files, &HostIdentity::default()).unwrap();
        let lines = [("m", 2), ("d", 2), ("d", 6), ("d", 9), ("d", 10)];
        let highest = |below: usize| {
            let mut given = places[..below].iter().zip(lines).rev();
            given.find_map(|(place, at)| Some(((*place)?, at)))
        };
        let connection = &config.connections[0];
        prop_assert_eq!(connection.options.queue_size, highest(5).and_then(|(value, _)| value));
        let origin = connection.origins.get("queue-size");
        let origin = origin.map(|at| (at.file.as_str(), at.line));
        prop_assert_eq!(origin, highest(5).map(|(_, at)| at));
        let inherited = highest(3).and_then(|(value, _)| value);
        prop_assert_eq!(connection.inherits.io.queue_size, inherited);
    }

    #[test]
    fn configurations_of_any_text(main in config_text(), drop_in in config_text()) {
        let lines = main.lines().count().max(drop_in.lines().count());
        let files = [("m", main.clone()), ("d", drop_in)]
            .map(|(path, text)| ConfigFile::new(path, text));
        match config::parse(&files, &HostIdentity::default()) {
            Ok(config) => for connection in config.connections {
                prop_assert!(connection.tid.checked().is_ok());
            },
            Err(problems) => for problem in problems.0 {
                let place = &problem.place;
                prop_assert!((1..=lines).contains(&place.origin.line), "{}", problem);
                let end = place.column - 1 + place.length;
                prop_assert!(end <= place.excerpt.chars().count(), "{}", problem);
                prop_assert!(!problem.to_string().contains('\n'), "{}", problem);
                prop_assert!(!problem.message.is_empty() && !problem.remedy.is_empty());
            },
        }
        let _ = DaemonConfig::parse(&files);
    }
}
