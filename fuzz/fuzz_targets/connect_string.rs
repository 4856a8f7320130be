//! Any connection with any options: in the line for the kernel each option stands once and has the
//! value that was meant, so nothing is smuggled in.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use nvmf_types::{ConnectOptions, ControllerClass, Nqn, Secret, TransportId};

const FIELDS: [&str; 8] = [
    "transport",
    "traddr",
    "trsvcid",
    "nqn",
    "host-traddr",
    "host-iface",
    "hostnqn",
    "hostid",
];

#[derive(Debug, arbitrary::Arbitrary)]
struct Input {
    fields: [Option<String>; 8],
    /// As a target reports it, which is checked less.
    reported: Option<String>,
    options: Vec<(u8, String)>,
    secret: Option<String>,
    discovery: bool,
}

/// What a reader of the line would find; `None`: an option twice.
fn read(line: &str) -> Option<BTreeMap<&str, &str>> {
    let mut found = BTreeMap::new();
    for part in line.split(',') {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        if found.insert(key, value).is_some() {
            return None;
        }
    }
    Some(found)
}

fuzz_target!(|input: Input| {
    let field = |key: &str| {
        let index = FIELDS.iter().position(|field| *field == key)?;
        input.fields[index].as_deref()
    };
    let Ok(mut tid) = TransportId::from_fields(field) else {
        return;
    };
    if let Some(Ok(nqn)) = input.reported.as_deref().map(Nqn::reported) {
        tid.nqn = nqn;
    }
    let mut options = ConnectOptions::default();
    for (key, value) in &input.options {
        let key = ConnectOptions::KEYS[usize::from(*key) % ConnectOptions::KEYS.len()];
        let _ = options.set(key, value);
    }
    if let Some(secret) = &input.secret {
        options.dhchap_secret = Some(Secret::new(secret.clone()));
    }
    let class = match input.discovery {
        true => ControllerClass::Discovery,
        false => ControllerClass::Io,
    };
    let Ok(line) = options.connect_string(&tid, class) else {
        return;
    };
    let line = line.expose();
    assert!(!line.contains(char::is_control), "{line:?}");
    let mut found = read(line).unwrap_or_else(|| panic!("an option twice: {line}"));
    let mut expect = |key: &str, value: Option<String>| {
        assert_eq!(found.remove(key).map(str::to_owned), value, "{key}: {line}");
    };
    expect("nqn", Some(tid.nqn.to_string()));
    expect("transport", Some(tid.transport.to_string()));
    expect("traddr", tid.traddr.as_ref().map(ToString::to_string));
    expect("trsvcid", tid.port(class).map(|port| port.to_string()));
    expect(
        "host_traddr",
        tid.host_traddr.as_ref().map(ToString::to_string),
    );
    expect("host_iface", tid.host_iface.clone());
    expect("hostnqn", tid.hostnqn.as_ref().map(ToString::to_string));
    expect("hostid", tid.hostid.map(|id| id.to_string()));
    let secret = |secret: &Option<Secret>| secret.as_ref().map(|it| it.expose().to_owned());
    expect("dhchap_secret", secret(&options.dhchap_secret));
    expect("dhchap_ctrl_secret", secret(&options.dhchap_ctrl_secret));
    let number = |value: Option<u32>| value.map(|it| it.to_string());
    let signed = |value: Option<i32>| value.map(|it| it.to_string());
    let keep_alive = options.keep_alive_tmo.or(input.discovery.then_some(30));
    for (key, value) in [
        ("nr_io_queues", number(options.nr_io_queues)),
        ("nr_write_queues", number(options.nr_write_queues)),
        ("nr_poll_queues", number(options.nr_poll_queues)),
        ("queue_size", number(options.queue_size)),
        ("keep_alive_tmo", number(keep_alive)),
        ("reconnect_delay", number(options.reconnect_delay)),
        ("ctrl_loss_tmo", signed(options.ctrl_loss_tmo)),
        ("fast_io_fail_tmo", signed(options.fast_io_fail_tmo)),
        ("tos", number(options.tos)),
        ("keyring", number(options.keyring)),
        ("tls_key", number(options.tls_key)),
    ] {
        expect(key, value);
    }
    for (key, set) in [
        ("duplicate_connect", options.duplicate_connect),
        ("disable_sqflow", options.disable_sqflow),
        ("hdr_digest", options.hdr_digest),
        ("data_digest", options.data_digest),
        ("tls", options.tls),
        ("concat", options.concat),
        (
            "discovery",
            Some(input.discovery && !tid.nqn.is_discovery()),
        ),
    ] {
        expect(key, (set == Some(true)).then(String::new));
    }
    assert!(found.is_empty(), "{found:?} in {line}");
});
