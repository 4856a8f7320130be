//! What must hold for any exclusion list, any connection and any edit.

#![expect(clippy::unwrap_used, reason = "strategies are tests too")]

use nvmf_types::exclusion::{Added, Document, Entry, ExclusionSet, Exclusions, InvalidEntry, Rule};
use nvmf_types::{ControllerClass, Nqn, Traddr, Transport, TransportId, Trsvcid, ini};
use proptest::prelude::*;
use proptest::sample::select;

const NODE: &str = "nn-0x10001100ab000001:pn-0x20001100ab000001";
const NODE_AGAIN: &str = "NN-0x10001100AB000001,pn-0X20001100ab000001";

/// Few values in many spellings, so that much matches and much nearly does.
const WORLD: [(&str, &[&str]); 8] = [
    ("transport", &["tcp", "rdma", "fc", "loop", "TCP", "pcie"]),
    (
        "traddr",
        &[
            "192.0.2.1",
            "::ffff:192.0.2.1",
            "::1",
            "0:0::1",
            "fe80::1",
            "FE80::1%eth0",
            "fe80::1%eth1",
            "2001:db8::1%eth0",
            "fe80::1%",
            NODE,
            NODE_AGAIN,
            "Port1",
            "port1",
            "host.example",
        ],
    ),
    ("trsvcid", &["4420", "8009", "04420", "+4420", "0", "x"]),
    (
        "nqn",
        &[
            "nqn.2014-08.org.example:a",
            "nqn.2014-08.org.example:A",
            "n ; q",
        ],
    ),
    (
        "host-traddr",
        &[
            "192.0.2.1",
            "::ffff:192.0.2.1",
            "fe80::1",
            "fe80::1%eth0",
            NODE,
            "me",
        ],
    ),
    ("host-iface", &["eth0", "eth1", "ETH0"]),
    (
        "hostnqn",
        &["nqn.2014-08.org.example:h", "nqn.2014-08.org.example:a"],
    ),
    (
        "hostid",
        &[
            "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "F81D4FAE7DEC11D0A76500A0C91E6BF6",
            "f81d4fae-7dec-11d0-a765-00a0c91e6bf7",
            "00000000-0000-0000-0000-000000000000",
            "id",
        ],
    ),
];

/// What stands behind `exclusion =`: any fields in any order, most with a meaning.
fn entry_text() -> impl Strategy<Value = String> {
    let field = select(WORLD.to_vec())
        .prop_flat_map(|(key, values)| (Just(key), select(values.to_vec())))
        .prop_map(|(key, value)| format!("{key}={value}"));
    let fields = prop::collection::vec(field, 0..5).prop_map(|fields| fields.join(";"));
    prop_oneof![
        40 => fields,
        1 => "[ -~]{0,20}",
        1 => "(nqn|tcp|=|x=1|;| ){1,4}",
    ]
}

fn list_text() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        40 => entry_text().prop_map(|entry| format!("exclusion = {entry}")),
        1 => Just("[exclusions]".to_owned()),
        1 => "[ -~]{0,30}",
    ];
    prop::collection::vec(line, 0..40)
        .prop_map(|lines| format!("[exclusions]\n{}\n", lines.join("\n")))
}

/// Addresses of any kind, whatever the transport is.
fn traddr() -> impl Strategy<Value = Traddr> {
    let texts: Vec<&str> = WORLD
        .iter()
        .filter(|(key, _)| key.ends_with("traddr"))
        .flat_map(|(_, v)| v.to_vec())
        .collect();
    (select(texts), select(Transport::ALL.to_vec())).prop_map(|(text, transport)| {
        Traddr::parse(transport, text).unwrap_or_else(|_| Traddr::Text(text.to_owned()))
    })
}

fn values<T: std::str::FromStr + Clone + std::fmt::Debug>(key: &str) -> Vec<T> {
    let (_, values) = WORLD.iter().find(|(k, _)| *k == key).unwrap();
    values.iter().filter_map(|text| text.parse().ok()).collect()
}

/// Also connections that no transport allows: the answer must be right all the same.
fn tid() -> impl Strategy<Value = TransportId> {
    use prop::option::of;
    let target = (
        select(Transport::ALL.to_vec()),
        of(traddr()),
        of(select(values::<Trsvcid>("trsvcid"))),
        select(values::<Nqn>("nqn")),
    );
    let host = (
        of(traddr()),
        of(select(values("host-iface"))),
        of(select(values("hostnqn"))),
        of(select(values("hostid"))),
    );
    (target, host).prop_map(|((transport, traddr, trsvcid, nqn), host)| {
        let mut tid = TransportId::new(transport, traddr, nqn);
        tid.trsvcid = trsvcid;
        (tid.host_traddr, tid.host_iface, tid.hostnqn, tid.hostid) = host;
        tid
    })
}

fn class() -> impl Strategy<Value = ControllerClass> {
    select(vec![ControllerClass::Io, ControllerClass::Discovery])
}

/// Any text as a file may have it: other sections, junk, any line ends, a byte order mark.
fn file_text() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        4 => entry_text().prop_map(|entry| format!("exclusion = {entry}")),
        2 => Just("[exclusions]".to_owned()),
        1 => select(vec!["[other]", "[ exclusions ]", "[Exclusions]", "[exclusions", "x = y", "= v"]).prop_map(str::to_owned),
        2 => select(vec!["", " ", "# note", "  # exclusion = nqn=x", "\u{2028}", "\u{feff}[exclusions]"]).prop_map(str::to_owned),
        1 => "\\PC{0,20}",
    ];
    let end = select(vec!["\n", "\n", "\r\n", "\r\n", "\n\n", "\r"]);
    let lines = prop::collection::vec((line, end), 0..20);
    (lines, any::<bool>(), any::<bool>()).prop_map(|(lines, mark, finished)| {
        let mut text = String::new();
        if mark {
            text.push('\u{feff}');
        }
        for (line, end) in lines {
            text.push_str(&line);
            text.push_str(end);
        }
        if !finished {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
        text
    })
}

/// Rules that can be written.
fn rule() -> impl Strategy<Value = Rule> {
    let text = prop_oneof![
        entry_text(),
        "(transport|traddr|nqn|host-iface|hostnqn)=[ -:<-~é\u{feff}\u{2028}]{1,20}",
    ];
    text.prop_filter_map("no rule", |text| text.parse::<Rule>().ok())
}

/// As configuration files are read: what [`Exclusions::parse`] must agree with.
fn read_as_ini(file: &str, text: &str) -> Vec<(usize, String, bool)> {
    let document = ini::parse(text);
    let mut found = Vec::new();
    for (index, section) in document.sections.iter().enumerate() {
        if section.name != "exclusions" {
            continue;
        }
        for entry in &section.entries {
            let named = entry.key == "exclusion";
            let text = match named {
                true => entry.value.clone(),
                false => format!("{} = {}", entry.key, entry.value),
            };
            found.push((entry.key_span.line, text, named));
        }
        let junk = document.junk.iter().filter(|j| j.section == Some(index));
        found.extend(junk.map(|j| (j.span.line, j.text.clone(), false)));
    }
    found.sort();
    assert!(
        Exclusions::parse(file, text)
            .iter()
            .all(|e| e.source.file == file)
    );
    found
}

fn brief(entry: &Entry) -> (usize, String, bool) {
    let named = !matches!(entry.kind, Err(InvalidEntry::NotAnEntry));
    (entry.source.line, entry.text.clone(), named)
}

/// Whether `text` is `old` with something put in at one place.
fn only_grew(old: &str, text: &str) -> bool {
    let pairs = old.bytes().zip(text.bytes());
    let before = pairs.take_while(|(a, b)| a == b).count();
    let pairs = old.bytes().rev().zip(text.bytes().rev());
    let after = pairs.take_while(|(a, b)| a == b).count();
    before + after >= old.len() && text.len() >= old.len()
}

proptest! {
    #[test]
    fn the_set_answers_as_a_loop_would(
        text in list_text(), asked in prop::collection::vec((tid(), class()), 1..20),
    ) {
        let entries = Exclusions::parse("x", &text);
        let set = ExclusionSet::new(entries.clone());
        for (tid, class) in asked {
            let hits = |e: &Entry| e.kind.as_ref().is_ok_and(|rule| rule.matches(&tid, class));
            let all: Vec<usize> = (0..entries.len()).filter(|i| hits(&entries[*i])).collect();
            prop_assert_eq!(set.all_matches(&tid, class), all.as_slice());
            prop_assert_eq!(set.matches(&tid, class), all.first().map(|i| &entries[*i]));
        }
        prop_assert_eq!(set.is_empty(), entries.iter().all(|e| e.kind.is_err()));
    }

    #[test]
    fn rules_read_back_the_same(rule in rule(), other in rule()) {
        let again: Rule = rule.to_string().parse().unwrap();
        prop_assert_eq!(&again, &rule);
        prop_assert_eq!(&Rule::from_fields(|key| rule.field(key)).unwrap(), &rule);
        let same = rule.fields().eq(other.fields());
        prop_assert_eq!(same, rule == other);
    }

    /// What was not refused is what is read back.
    #[test]
    fn fields_of_any_text(values in prop::collection::vec(prop::option::of(any::<String>()), 8)) {
        let field = |key: &str| {
            let index = WORLD.iter().position(|(k, _)| *k == key).unwrap();
            values[index].as_deref()
        };
        if let Ok(rule) = Rule::from_fields(field) {
            let mut document = Document::new("x", None);
            prop_assert_eq!(document.add(&rule, None).unwrap(), Added::Appended(4));
            let again = Exclusions::parse("x", document.text());
            prop_assert_eq!(again[0].kind.as_ref(), Ok(&rule));
            for (key, _) in WORLD {
                prop_assert_eq!(rule.field(key), field(key));
            }
        }
    }

    #[test]
    fn a_connection_is_excluded_by_its_rule(tid in tid(), class in class()) {
        if let Ok(rule) = Rule::of_connection(&tid) {
            prop_assert!(rule.matches(&tid, class), "{}", rule);
        }
    }

    #[test]
    fn lists_are_read_as_the_other_files_are(text in file_text()) {
        let entries = Exclusions::parse("x", &text);
        let found: Vec<_> = entries.iter().map(brief).collect();
        prop_assert_eq!(found, read_as_ini("x", &text));
        let document = Document::parse("x", text.as_str());
        prop_assert_eq!(document.entries(), entries);
        prop_assert_eq!(document.to_string(), text);
    }

    #[test]
    fn adding_keeps_every_byte(
        text in file_text(), rule in rule(), comment in prop::option::of("(\\PC{0,9}\n?){0,3}"),
    ) {
        let mut document = Document::parse("x", text.as_str());
        let before = document.clone();
        let there = before.find(&rule).next().map(|entry| entry.source.line);
        let added = document.add(&rule, comment.as_deref()).unwrap();
        let line = match (added, there) {
            (Added::AlreadyThere(line), Some(there)) => {
                prop_assert_eq!(line, there);
                prop_assert_eq!(document, before);
                return Ok(());
            }
            (Added::Appended(line), None) => line,
            other => panic!("{other:?}"),
        };
        prop_assert!(only_grew(&text, document.text()), "{:?}", document.text());
        let written = document.text().split_inclusive('\n').nth(line - 1).unwrap();
        prop_assert!(written.ends_with('\n'), "{:?}", written);
        let (last, rest) = document.entries().split_last().unwrap();
        prop_assert_eq!(rest, before.entries());
        prop_assert_eq!((last.source.line, last.kind.as_ref()), (line, Ok(&rule)));
        let dead = |d: &Document| d.problems().into_iter().map(|e| e.kind.clone()).collect::<Vec<_>>();
        prop_assert_eq!(dead(&document), dead(&before));
        // and it is idempotent
        let once = document.clone();
        prop_assert_eq!(document.add(&rule, None).unwrap(), Added::AlreadyThere(line));
        prop_assert_eq!(&document, &once);
        // and removing it leaves what was there
        let removed = document.remove(line).unwrap();
        prop_assert_eq!(removed.kind, Ok(rule));
        prop_assert_eq!(document.entries(), before.entries());
    }

    #[test]
    fn removing_takes_one_line(text in file_text(), which: prop::sample::Index) {
        let mut document = Document::parse("x", text.as_str());
        let before = document.clone();
        let mut lines: Vec<usize> = before.entries().iter().map(|e| e.source.line).collect();
        lines.extend(before.problems().iter().map(|e| e.source.line));
        prop_assume!(!lines.is_empty());
        let line = lines[which.index(lines.len())];
        let removed = document.remove(line).unwrap();
        prop_assert_eq!(removed.source.line, line);
        let mut kept: Vec<&str> = text.split_inclusive('\n').collect();
        let gone = kept.remove(line - 1);
        let mark = if gone.starts_with('\u{feff}') && line == 1 { "\u{feff}" } else { "" };
        prop_assert_eq!(document.text(), format!("{mark}{}", kept.concat()));
    }

    #[test]
    fn a_line_without_an_entry_is_not_removed(text in file_text(), line in 0..30_usize) {
        let mut document = Document::parse("x", text.as_str());
        let before = document.clone();
        let known = before.entries().iter().chain(before.problems()).any(|e| e.source.line == line);
        prop_assert_eq!(document.remove(line).is_ok(), known);
        prop_assert!(known || document == before);
    }
}
