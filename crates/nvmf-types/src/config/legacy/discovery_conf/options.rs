//! The options that a line of `discovery.conf` may have.

/// An option of `nvme discover` or `nvme connect-all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opt {
    /// Its long name, which is also the key in a configuration file.
    pub(super) name: &'static str,
    letter: Option<char>,
    pub(super) takes: Takes,
}

/// What an option needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// A value.
    Value,
    /// Nothing: it is there or not.
    Nothing,
    /// Nothing or, behind `=`, how.
    Persistence,
    /// A value that says how the command works, nothing about the connection.
    IgnoredValue,
    /// The same without a value.
    Ignored,
}

const OPTIONS: [Opt; 36] = [
    opt("transport", Some('t'), Takes::Value),
    opt("traddr", Some('a'), Takes::Value),
    opt("trsvcid", Some('s'), Takes::Value),
    opt("nqn", Some('n'), Takes::Value),
    opt("host-traddr", Some('w'), Takes::Value),
    opt("host-iface", Some('f'), Takes::Value),
    opt("hostnqn", Some('q'), Takes::Value),
    opt("hostid", Some('I'), Takes::Value),
    opt("nr-io-queues", Some('i'), Takes::Value),
    opt("nr-write-queues", Some('W'), Takes::Value),
    opt("nr-poll-queues", Some('P'), Takes::Value),
    opt("queue-size", Some('Q'), Takes::Value),
    opt("keep-alive-tmo", Some('k'), Takes::Value),
    opt("reconnect-delay", Some('c'), Takes::Value),
    opt("ctrl-loss-tmo", Some('l'), Takes::Value),
    opt("fast-io-fail-tmo", None, Takes::Value),
    opt("tos", Some('T'), Takes::Value),
    opt("duplicate-connect", Some('D'), Takes::Nothing),
    opt("disable-sqflow", None, Takes::Nothing),
    opt("hdr-digest", Some('g'), Takes::Nothing),
    opt("data-digest", Some('G'), Takes::Nothing),
    opt("tls", None, Takes::Nothing),
    opt("concat", None, Takes::Nothing),
    opt("keyring", None, Takes::Value),
    opt("tls-key", None, Takes::Value),
    opt("tls-key-identity", None, Takes::Value),
    opt("dhchap-secret", Some('S'), Takes::Value),
    opt("kxchap-secret", None, Takes::Value),
    opt("dhchap-ctrl-secret", Some('C'), Takes::Value),
    opt("kxchap-ctrl-secret", None, Takes::Value),
    opt("persistent", Some('p'), Takes::Persistence),
    opt("device", Some('d'), Takes::IgnoredValue),
    opt("raw", Some('r'), Takes::IgnoredValue),
    opt("output-format", Some('o'), Takes::IgnoredValue),
    opt("quiet", None, Takes::Ignored),
    opt("force", None, Takes::Ignored),
];

const fn opt(name: &'static str, letter: Option<char>, takes: Takes) -> Opt {
    Opt {
        name,
        letter,
        takes,
    }
}

/// `-t`
pub(super) fn by_letter(letter: char) -> Option<Opt> {
    OPTIONS.iter().copied().find(|o| o.letter == Some(letter))
}

/// `--transport`; as getopt_long(3) does it, also by a beginning that no other option has. Older
/// versions had `_` in some names.
pub(super) fn by_name(name: &str) -> Option<Opt> {
    let name = name.replace('_', "-");
    let mut exact = OPTIONS.iter().filter(|o| o.name == name);
    let mut begun = OPTIONS.iter().filter(|o| o.name.starts_with(&name));
    match (exact.next(), begun.next(), begun.next()) {
        (Some(option), ..) | (None, Some(option), None) => Some(*option),
        _ => None,
    }
}
