//! `controller = transport=…;traddr=…`

use std::collections::BTreeSet;
use std::net::Ipv6Addr;

use crate::ini::{self, Entry};
use crate::{AddressError, HostName, Nqn, Span, TidError, Traddr, Transport, TransportId};

use super::Place;
use super::layer::{Layer, SECURITY, first_word, unknown_key};
use super::report::FileReport;

/// One path to a subsystem.
pub(super) struct Path {
    /// Without host identity; of a host name with the unspecified address.
    pub(super) tid: TransportId,
    /// The host name whose address is meant.
    pub(super) name: Option<HostName>,
    pub(super) layer: Layer,
    pub(super) place: Place,
}

const EXAMPLE: &str = "write for example `controller = transport=tcp;traddr=192.0.2.1`";

/// The fields of a transport id that may stand on the line.
const FIELDS: [&str; 5] = [
    "transport",
    "traddr",
    "trsvcid",
    "host-traddr",
    "host-iface",
];

/// Reads a `controller =` line that leads to `nqn`.
pub(super) fn parse(
    line: &Entry,
    nqn: &Nqn,
    discovery: bool,
    report: &mut FileReport<'_>,
) -> Option<Path> {
    if line.value.is_empty() {
        report.error(line.value_span, "`controller` has no value", EXAMPLE);
        return None;
    }
    let mut fields = Fields {
        nqn,
        line: line.value_span,
        given: Vec::new(),
    };
    let mut layer = Layer::default();
    let mut usable = true;
    let mut seen = BTreeSet::new();
    for (text, span) in parts(line) {
        let Some(part) = ini::entry(span.line, span.column, text) else {
            let shown = first_word(text).escape_debug();
            report.error(span, &format!("`{shown}` is not key=value"), EXAMPLE);
            usable = false;
            continue;
        };
        if !seen.insert(part.key.clone()) {
            let shown = first_word(&part.key).escape_debug();
            let message = format!("`{shown}` is given twice: the last one counts");
            report.warning(part.key_span, &message, "remove the other");
        }
        if let Some(remedy) = misplaced(&part.key) {
            let message = format!("`{}` must not stand on a `controller` line", part.key);
            report.error(part.key_span, &message, remedy);
            usable = false;
        } else if FIELDS.contains(&part.key.as_str()) {
            fields.given.push(part);
        } else if !layer.accept(&part, discovery, report) {
            unknown_key(&part, "a `controller` line", report);
        }
    }
    let (tid, name) = fields.read(report)?;
    usable.then(|| Path {
        tid,
        name,
        layer,
        place: report.place(line.key_span),
    })
}

/// The parts between the semicolons that are not empty, trimmed, with their places.
pub(super) fn parts(line: &Entry) -> impl Iterator<Item = (&str, Span)> {
    let Span {
        line: number,
        mut column,
        ..
    } = line.value_span;
    let parts = line.value.split(';').map(move |raw| {
        let start = column;
        column += raw.chars().count() + 1;
        ini::trim(number, start, raw)
    });
    parts.filter(|(text, _)| !text.is_empty())
}

/// The transport id that a line gives.
struct Fields<'a> {
    nqn: &'a Nqn,
    line: Span,
    given: Vec<Entry>,
}

impl Fields<'_> {
    /// The id, and the host name if the address is one. All that is wrong is reported.
    fn read(&self, report: &mut FileReport<'_>) -> Option<(TransportId, Option<HostName>)> {
        let name = self.host_name();
        let unspecified = Ipv6Addr::UNSPECIFIED.to_string();
        let mut bad: Vec<&'static str> = Vec::new();
        loop {
            // a field that is wrong is reported once and left out, so that the others are checked
            let tid = TransportId::from_fields(|key| match key {
                "nqn" => Some(self.nqn.as_str()),
                _ if bad.contains(&key) => None,
                "traddr" if name.is_some() => Some(unspecified.as_str()),
                _ => self.last(key).map(|entry| entry.value.as_str()),
            });
            let error = match tid {
                Ok(tid) => return bad.is_empty().then_some((tid, name)),
                Err(error) => error,
            };
            let field = error.field();
            if bad.contains(&field) {
                return None;
            }
            report.bad_value(self.span(&error), &error.to_string(), remedy(&error));
            if field == "transport" {
                // nothing can be said about the others
                return None;
            }
            bad.push(field);
        }
    }

    fn host_name(&self) -> Option<HostName> {
        let transport: Transport = self.last("transport")?.value.parse().ok()?;
        let text = &self.last("traddr")?.value;
        let named = transport.is_ip() && Traddr::parse(transport, text).is_err();
        named.then(|| text.parse().ok()).flatten()
    }

    fn last(&self, key: &str) -> Option<&Entry> {
        self.given.iter().rev().find(|entry| entry.key == key)
    }

    fn span(&self, error: &TidError) -> Span {
        match (self.last(error.field()), error) {
            (None, _) => self.line,
            (Some(entry), TidError::NotForTransport(..)) => entry.key_span,
            (Some(entry), _) => entry.value_span,
        }
    }
}

/// Where a key belongs that would be dangerous to ignore here.
fn misplaced(key: &str) -> Option<&'static str> {
    match key {
        "nqn" => Some("write it as a line of its own in the section"),
        "hostnqn" | "hostid" | "hostsymname" => {
            Some("write it in [Host], in a drop-in for a second identity")
        }
        _ if SECURITY.contains(&key) => Some("write it as a line of its own in the section"),
        _ => None,
    }
}

fn remedy(error: &TidError) -> &'static str {
    match error {
        TidError::Missing("transport") => "add `transport=tcp`, rdma, fc or loop",
        TidError::Missing("traddr") => "add `traddr=` and the target's address",
        TidError::NotForTransport(..) => "remove it",
        TidError::Address("traddr", AddressError::Ip(_)) => "write an IP address or a host name",
        TidError::Address(_, AddressError::Ip(_)) => "write an IP address",
        _ => "correct the line",
    }
}
