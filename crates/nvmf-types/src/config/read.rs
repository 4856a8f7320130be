//! One file's sections.

use std::collections::BTreeSet;

use crate::ini::{self, Document, Section};
use crate::{ControllerClass, Nqn, NqnError, Span};

use super::controller_line::{self, Path};
use super::host::Host;
use super::layer::{Layer, first_word, unknown_key};
use super::report::FileReport;
use super::{ConfigFile, Place};

/// What one file says, before the cascade.
#[derive(Default)]
pub(super) struct File {
    pub(super) host: Option<Host>,
    pub(super) io_defaults: Layer,
    pub(super) dc_defaults: Layer,
    pub(super) endpoints: Vec<Endpoint>,
}

/// A `[Discovery Controller]` or `[Subsystem]` section.
pub(super) struct Endpoint {
    pub(super) class: ControllerClass,
    /// Where the subsystem's name stands, or else the section.
    pub(super) nqn_place: Place,
    pub(super) layer: Layer,
    pub(super) paths: Vec<Path>,
}

pub(super) const HOST: &str = "Host";
const DC_DEFAULTS: &str = "Discovery Controller Defaults";
const IO_DEFAULTS: &str = "I/O Controller Defaults";
pub(super) const DC: &str = "Discovery Controller";
pub(super) const SUBSYSTEM: &str = "Subsystem";

/// Reads a file; what is wrong goes to `report`.
pub(super) fn read(file: &ConfigFile, mut report: FileReport<'_>) -> File {
    let document = ini::parse(&file.text);
    strays(&document, &mut report);
    let mut reader = Reader { report };
    let mut out = File::default();
    let mut defaults_seen = Vec::new();
    for section in &document.sections {
        let name = section.name.as_str();
        if matches!(name, DC_DEFAULTS | IO_DEFAULTS) {
            if defaults_seen.contains(&name) {
                let message = format!("[{name}] stands here twice");
                let remedy = "write its lines into one section";
                reader.report.warning(section.span, &message, remedy);
            }
            defaults_seen.push(name);
        }
        match name {
            HOST if out.host.is_some() => reader.report.error(
                section.span,
                "second [Host] in one file",
                "put the other identity and its connections into a drop-in",
            ),
            HOST => {
                reader.repeated(section);
                out.host = Some(Host::read(section, &mut reader.report));
            }
            DC_DEFAULTS => reader.tunables(section, true, &mut out.dc_defaults, |_| false),
            IO_DEFAULTS => reader.tunables(section, false, &mut out.io_defaults, |_| false),
            DC => {
                let endpoint = reader.endpoint(section, ControllerClass::Discovery);
                out.endpoints.push(endpoint);
            }
            SUBSYSTEM => {
                let endpoint = reader.endpoint(section, ControllerClass::Io);
                out.endpoints.push(endpoint);
            }
            _ => unknown_section(
                section,
                &[HOST, DC_DEFAULTS, IO_DEFAULTS, DC, SUBSYSTEM],
                &mut reader.report,
            ),
        }
    }
    reader.report.check_mode(file.mode);
    out
}

/// Reports what belongs to no section.
pub(super) fn strays(document: &Document, report: &mut FileReport<'_>) {
    for junk in &document.junk {
        let shown = first_word(&junk.text).escape_debug();
        let message = format!("line `{shown}…` is no section, entry or comment");
        let remedy = "write `[Section]`, `key = value` or `# comment`";
        report.error(junk.span, &message, remedy);
    }
    for entry in &document.preamble {
        let shown = first_word(&entry.key).escape_debug();
        let message = format!("`{shown}` stands before the first section");
        let remedy = "put it below the section that it belongs to";
        report.error(entry.key_span, &message, remedy);
    }
}

/// Warns of a section that is none of those that are known.
pub(super) fn unknown_section(section: &Section, known: &[&str], report: &mut FileReport<'_>) {
    let name = section.name.escape_debug();
    let message = format!("unknown section [{name}]: it does nothing");
    let names: Vec<String> = known.iter().map(|name| format!("[{name}]")).collect();
    let remedy = match names.split_last() {
        Some((last, [])) => format!("write {last}"),
        Some((last, others)) => format!("write {} or {last}", others.join(", ")),
        None => String::new(),
    };
    report.warning(section.span, &message, &remedy);
}

struct Reader<'a> {
    report: FileReport<'a>,
}

impl Reader<'_> {
    fn repeated(&mut self, section: &Section) {
        let mut seen = BTreeSet::new();
        for entry in section.entries.iter().filter(|e| e.key != "controller") {
            if !seen.insert(&entry.key) {
                let shown = first_word(&entry.key).escape_debug();
                let message =
                    format!("`{shown}` is given twice in one section: the last one counts");
                self.report
                    .warning(entry.key_span, &message, "remove the other");
            }
        }
    }

    /// Reads the tunables of a section into `layer`, except for keys that are `handled` elsewhere.
    fn tunables(
        &mut self,
        section: &Section,
        discovery: bool,
        layer: &mut Layer,
        handled: impl Fn(&str) -> bool,
    ) {
        self.repeated(section);
        for entry in section.entries.iter().filter(|e| !handled(&e.key)) {
            let key = entry.key.as_str();
            if matches!(key, "hostnqn" | "hostid" | "hostsymname") {
                self.report.error(
                    entry.key_span,
                    &format!("`{key}` belongs into [Host]"),
                    "put it there, in a drop-in of its own for a second identity",
                );
            } else if !layer.accept(entry, discovery, &mut self.report) {
                let place = format!("[{}]", section.name);
                unknown_key(entry, &place, &mut self.report);
            }
        }
    }

    fn endpoint(&mut self, section: &Section, class: ControllerClass) -> Endpoint {
        let discovery = class == ControllerClass::Discovery;
        let mut layer = Layer::default();
        let handled = |key: &str| matches!(key, "nqn" | "controller");
        self.tunables(section, discovery, &mut layer, handled);
        let (nqn, nqn_span) = self.nqn(section, class);
        let is_path = |e: &&ini::Entry| e.key == "controller";
        if section.entries.iter().filter(is_path).count() == 0 {
            self.report.error(
                section.span,
                &format!("[{}] has no `controller` line", section.name),
                "add one, for example `controller = transport=tcp;traddr=192.0.2.1`",
            );
        }
        // Lines are checked even if the name is wrong: all problems in one pass.
        let name = nqn.unwrap_or_else(Nqn::discovery);
        let lines = section.entries.iter().filter(is_path);
        let paths = lines
            .filter_map(|line| controller_line::parse(line, &name, discovery, &mut self.report));
        let paths = paths.collect();
        Endpoint {
            class,
            nqn_place: self.report.place(nqn_span),
            layer,
            paths,
        }
    }

    /// The subsystem's name and its place; `None`: there is none or a bad one, and that was
    /// reported.
    fn nqn(&mut self, section: &Section, class: ControllerClass) -> (Option<Nqn>, Span) {
        let entry = section.entries.iter().rev().find(|e| e.key == "nqn");
        let span = entry.map_or(section.span, |e| e.value_span);
        let remedy = "write `nqn =` and the subsystem's name";
        let nqn = match (entry.map(|e| e.value.as_str()), class) {
            (None | Some(""), ControllerClass::Discovery) => Some(Nqn::discovery()),
            (None, ControllerClass::Io) => {
                let message = format!("[{}] has no `nqn`", section.name);
                self.report.error(span, &message, remedy);
                None
            }
            (Some(""), ControllerClass::Io) => {
                self.report.error(span, "`nqn` has no value", remedy);
                None
            }
            (Some(Nqn::DISCOVERY), ControllerClass::Io) => {
                self.report.error(
                    span,
                    "the well-known discovery subsystem is no I/O subsystem",
                    "move it to [Discovery Controller]",
                );
                None
            }
            (Some(text), _) => {
                let parsed = text.parse().map_err(|error: NqnError| {
                    self.report.bad_value(span, &error.to_string(), remedy);
                });
                parsed.ok()
            }
        };
        (nqn, span)
    }
}
