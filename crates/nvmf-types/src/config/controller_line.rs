//! `controller = transport=…;traddr=…`

use crate::{Nqn, Origin, TidError, TransportId};

use super::layer::{Layer, SECURITY, first_word, unknown_key};
use super::report::Report;

/// One path to a subsystem.
pub(super) struct Path {
    /// Without host identity.
    pub(super) tid: TransportId,
    pub(super) layer: Layer,
    pub(super) origin: Origin,
}

const EXAMPLE: &str = "controller = transport=tcp;traddr=192.0.2.1";

/// The fields of a transport id that may stand on the line.
const FIELDS: [&str; 5] = [
    "transport",
    "traddr",
    "trsvcid",
    "host-traddr",
    "host-iface",
];

/// Reads the value of a `controller =` line that leads to `nqn`.
pub(super) fn parse(
    value: &str,
    nqn: &Nqn,
    discovery: bool,
    origin: &Origin,
    report: &mut Report,
) -> Option<Path> {
    if value.is_empty() {
        let remedy = format!("write for example `{EXAMPLE}`");
        report.error(origin.clone(), "`controller` has no value", remedy);
        return None;
    }
    let mut seen: Vec<(&str, &str)> = Vec::new();
    let mut layer = Layer::default();
    let mut usable = true;
    for part in value.split(';').map(str::trim).filter(|p| !p.is_empty()) {
        let Some((key, value)) = part.split_once('=') else {
            let message = format!("`{}` is not key=value", first_word(part).escape_debug());
            report.error(
                origin.clone(),
                message,
                format!("write for example `{EXAMPLE}`"),
            );
            usable = false;
            continue;
        };
        let (key, value) = (key.trim(), value.trim());
        if seen.iter().any(|(k, _)| *k == key) {
            let message = format!(
                "`{}` is given twice: the last one counts",
                first_word(key).escape_debug()
            );
            report.warning(origin.clone(), message, "remove the other");
        }
        seen.push((key, value));
        if let Some(remedy) = misplaced(key) {
            let message = format!("`{key}` must not stand on a `controller` line");
            report.error(origin.clone(), message, remedy);
            usable = false;
        } else if !FIELDS.contains(&key) && !layer.accept((key, value), discovery, origin, report) {
            unknown_key(key, "a `controller` line", origin, report);
        }
    }
    let field = |key: &str| match key {
        "nqn" => Some(nqn.as_str()),
        _ if !FIELDS.contains(&key) => None,
        _ => seen.iter().rev().find(|(k, _)| *k == key).map(|(_, v)| *v),
    };
    match TransportId::from_fields(field) {
        Ok(tid) => usable.then(|| Path {
            tid,
            layer,
            origin: origin.clone(),
        }),
        Err(error) => {
            report.bad_value(origin.clone(), &error.to_string(), remedy_for(&error));
            None
        }
    }
}

/// Where a key belongs that would be dangerous to ignore here.
fn misplaced(key: &str) -> Option<&'static str> {
    match key {
        "nqn" => Some("write it as a line of its own in the section"),
        "hostnqn" | "hostid" => Some("write it in [Host], in a drop-in for a second identity"),
        _ if SECURITY.contains(&key) => Some("write it as a line of its own in the section"),
        _ => None,
    }
}

fn remedy_for(error: &TidError) -> &'static str {
    match error {
        TidError::Missing("transport") => "add `transport=tcp`, rdma, fc or loop",
        TidError::Missing("traddr") => "add `traddr=` and the target's address",
        TidError::NotForTransport(..) => "remove it",
        TidError::Address(..) => "write a numeric address of the transport's family",
        _ => "correct the line",
    }
}
