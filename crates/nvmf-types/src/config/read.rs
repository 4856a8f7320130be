//! One file's sections.

use crate::ini::{self, Document, Section};
use crate::{ControllerClass, Nqn, Origin};

use super::ConfigFile;
use super::controller_line::{self, Path};
use super::host::Host;
use super::layer::{Layer, first_word, unknown_key};
use super::report::Report;

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
    pub(super) layer: Layer,
    pub(super) paths: Vec<Path>,
}

pub(super) const HOST: &str = "Host";
const DC_DEFAULTS: &str = "Discovery Controller Defaults";
const IO_DEFAULTS: &str = "I/O Controller Defaults";
pub(super) const DC: &str = "Discovery Controller";
pub(super) const SUBSYSTEM: &str = "Subsystem";

/// Reads a file; what is wrong goes to `report`.
pub(super) fn read(file: &ConfigFile, report: &mut Report) -> File {
    let document = ini::parse(&file.text);
    let mut reader = Reader {
        path: &file.path,
        report,
    };
    reader.strays(&document);
    let mut out = File::default();
    let mut defaults_seen = Vec::new();
    for section in &document.sections {
        let name = section.name.as_str();
        let origin = reader.origin(section.line);
        if matches!(name, DC_DEFAULTS | IO_DEFAULTS) {
            if defaults_seen.contains(&name) {
                reader.report.warning(
                    origin.clone(),
                    format!("[{name}] stands here twice"),
                    "write its lines into one section",
                );
            }
            defaults_seen.push(name);
        }
        match name {
            HOST if out.host.is_some() => reader.report.error(
                origin,
                "second [Host] in one file",
                "put the other identity and its connections into a drop-in",
            ),
            HOST => {
                reader.repeated(section);
                out.host = Some(Host::read(section, reader.path, reader.report));
            }
            DC_DEFAULTS => reader.tunables(section, true, &mut out.dc_defaults, |_| false),
            IO_DEFAULTS => reader.tunables(section, false, &mut out.io_defaults, |_| false),
            DC => out
                .endpoints
                .push(reader.endpoint(section, ControllerClass::Discovery)),
            SUBSYSTEM => out
                .endpoints
                .push(reader.endpoint(section, ControllerClass::Io)),
            _ => reader.report.warning(
                origin,
                format!("unknown section [{}]: it does nothing", name.escape_debug()),
                format!(
                    "write [{HOST}], [{DC_DEFAULTS}], [{IO_DEFAULTS}], [{DC}] or [{SUBSYSTEM}]"
                ),
            ),
        }
    }
    out
}

struct Reader<'a> {
    path: &'a str,
    report: &'a mut Report,
}

impl Reader<'_> {
    fn origin(&self, line: usize) -> Origin {
        Origin::new(self.path, line)
    }

    fn strays(&mut self, document: &Document) {
        for junk in &document.junk {
            let shown = first_word(&junk.text);
            self.report.error(
                self.origin(junk.line),
                format!(
                    "line `{}…` is no section, entry or comment",
                    shown.escape_debug()
                ),
                "write `[Section]`, `key = value` or `# comment`",
            );
        }
        for entry in &document.preamble {
            self.report.error(
                self.origin(entry.line),
                format!(
                    "`{}` stands before the first section",
                    first_word(&entry.key).escape_debug()
                ),
                "put it below the section that it belongs to",
            );
        }
    }

    fn repeated(&mut self, section: &Section) {
        let mut seen = Vec::new();
        for entry in section.entries.iter().filter(|e| e.key != "controller") {
            if seen.contains(&&entry.key) {
                self.report.warning(
                    self.origin(entry.line),
                    format!(
                        "`{}` is given twice in one section: the last one counts",
                        first_word(&entry.key).escape_debug()
                    ),
                    "remove the other",
                );
            } else {
                seen.push(&entry.key);
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
            let origin = self.origin(entry.line);
            let (key, value) = (entry.key.as_str(), entry.value.as_str());
            if matches!(key, "hostnqn" | "hostid") {
                self.report.error(
                    origin,
                    format!("`{key}` belongs into [Host]"),
                    "put it there, in a drop-in of its own for a second identity",
                );
            } else if !layer.accept((key, value), discovery, &origin, self.report) {
                let place = format!("[{}]", section.name);
                unknown_key(key, &place, &origin, self.report);
            }
        }
    }

    fn endpoint(&mut self, section: &Section, class: ControllerClass) -> Endpoint {
        let discovery = class == ControllerClass::Discovery;
        let mut layer = Layer::default();
        let handled = |key: &str| matches!(key, "nqn" | "controller");
        self.tunables(section, discovery, &mut layer, handled);
        let nqn = self.nqn(section, class);
        let is_path = |e: &&ini::Entry| e.key == "controller";
        if section.entries.iter().filter(is_path).count() == 0 {
            self.report.error(
                self.origin(section.line),
                format!("[{}] has no `controller` line", section.name),
                "add one, for example `controller = transport=tcp;traddr=192.0.2.1`",
            );
        }
        // Lines are checked even if the name is wrong: all problems in one pass.
        let name = nqn.unwrap_or_else(Nqn::discovery);
        let mut paths = Vec::new();
        for entry in section.entries.iter().filter(is_path) {
            let origin = self.origin(entry.line);
            paths.extend(controller_line::parse(
                &entry.value,
                &name,
                discovery,
                &origin,
                self.report,
            ));
        }
        Endpoint {
            class,
            layer,
            paths,
        }
    }

    /// The subsystem's name; `None`: there is none or a bad one, and that was reported.
    fn nqn(&mut self, section: &Section, class: ControllerClass) -> Option<Nqn> {
        let entry = section.entries.iter().rev().find(|e| e.key == "nqn");
        let remedy = "write `nqn =` and the subsystem's name";
        let line = entry.map_or(section.line, |e| e.line);
        match (entry.map(|e| e.value.as_str()), class) {
            (None | Some(""), ControllerClass::Discovery) => return Some(Nqn::discovery()),
            (None, ControllerClass::Io) => {
                let message = format!("[{}] has no `nqn`", section.name);
                self.report.error(self.origin(line), message, remedy);
            }
            (Some(""), ControllerClass::Io) => {
                self.report
                    .error(self.origin(line), "`nqn` has no value", remedy);
            }
            (Some(Nqn::DISCOVERY), ControllerClass::Io) => self.report.error(
                self.origin(line),
                "the well-known discovery subsystem is no I/O subsystem",
                "move it to [Discovery Controller]",
            ),
            (Some(text), _) => match text.parse() {
                Ok(nqn) => return Some(nqn),
                Err(e) => {
                    let error: crate::NqnError = e;
                    self.report
                        .bad_value(self.origin(line), &error.to_string(), remedy);
                }
            },
        }
        None
    }
}
