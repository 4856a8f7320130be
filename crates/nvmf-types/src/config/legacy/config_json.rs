//! `config.json` of libnvme: hosts, their subsystems, and the ports of those.
//!
//! Three spellings are known: a list of hosts, the same below `hosts`, and keys with `-` for `_`.

mod port;
#[cfg(test)]
mod tests;

use crate::config::excerpt;
use crate::config::layer::first_word;
use crate::config::report::{FileReport, Report};
use crate::config::{ConfigFile, Persistence, Problem, Problems};
use crate::json::{self, Kind, Value};
use crate::{Nqn, Origin, Secret, Span};

use super::LegacyHost;
use port::Above;

/// Reads the text of `file`: the hosts that it names, with their connections, and what is odd.
///
/// # Errors
/// Everything that is wrong, in one go; a single error rejects the whole file.
pub fn parse_config_json(
    file: &str,
    text: &str,
) -> Result<(Vec<LegacyHost>, Vec<Problem>), Problems> {
    let mut report = Report::default();
    let mut reader = Reader {
        report: report.file(file),
    };
    let mut hosts = Vec::new();
    match json::parse(text) {
        Ok(value) => hosts = reader.hosts(&value),
        Err(error) => {
            let span = Span {
                line: error.line,
                column: error.column,
                length: 1,
            };
            let message = format!("it is no JSON: {error}");
            reader.report.error(span, &message, "correct the line");
        }
    }
    let harmless = report.finish(&[ConfigFile::new(file, text)], excerpt::json)?;
    Ok((hosts, harmless.warnings))
}

struct Reader<'a> {
    report: FileReport<'a>,
}

/// A value and the way to it: `[0].subsystems[1]`.
#[derive(Clone)]
struct At<'a> {
    path: String,
    value: &'a Value,
}

impl<'a> At<'a> {
    fn key(&self, key: &str, value: &'a Value) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        let key = first_word(key).escape_debug();
        let path = format!("{}{dot}{key}", self.path);
        Self { path, value }
    }

    /// The text of a value that has one.
    fn text(&self) -> Option<String> {
        match &self.value.kind {
            Kind::Text(text) | Kind::Number(text) => Some(text.clone()),
            Kind::Bool(bool) => Some(bool.to_string()),
            Kind::Null | Kind::Array(_) | Kind::Object(_) => None,
        }
    }
}

impl Reader<'_> {
    fn hosts(&mut self, value: &Value) -> Vec<LegacyHost> {
        let top = At {
            path: String::new(),
            value,
        };
        let list = match &value.kind {
            Kind::Object(_) => {
                let mut hosts = None;
                for (key, at) in self.members(&top) {
                    match key.as_str() {
                        "hosts" => hosts = Some(at),
                        _ => self.unknown(&at),
                    }
                }
                hosts
            }
            _ => Some(top.clone()),
        };
        let Some(list) = list else {
            self.error(
                &top,
                "there is no `hosts`",
                "write a list of hosts: `[{…}]`",
            );
            return Vec::new();
        };
        let items = self.items(&list);
        items.iter().filter_map(|host| self.host(host)).collect()
    }

    fn host(&mut self, host: &At<'_>) -> Option<LegacyHost> {
        let mut found = LegacyHost::new(self.origin(host));
        let mut subsystems = Vec::new();
        let mut persistent = None;
        let mut good = true;
        for (key, at) in self.members(host) {
            match key.as_str() {
                "hostnqn" => good &= self.parsed(&at, &mut found.identity.hostnqn),
                "hostid" => good &= self.parsed(&at, &mut found.identity.hostid),
                "hostsymname" => found.hostsymname = self.line(&at),
                "dhchap-key" => found.secret = self.line(&at).map(Secret::new),
                "persistent-discovery-ctrl" => persistent = self.persistence(&at),
                "subsystems" => subsystems = self.items(&at),
                _ => self.unknown(&at),
            }
        }
        for subsystem in &subsystems {
            let wishes = self.subsystem(subsystem, &found, persistent);
            found.wishes.extend(wishes);
        }
        good.then_some(found)
    }

    fn subsystem(
        &mut self,
        subsystem: &At<'_>,
        host: &LegacyHost,
        persistent: Option<Persistence>,
    ) -> Vec<crate::config::Wish> {
        let mut above = Above {
            identity: &host.identity,
            nqn: None,
            secret: None,
            persistent,
        };
        let mut ports = Vec::new();
        for (key, at) in self.members(subsystem) {
            match key.as_str() {
                "nqn" => drop(self.parsed::<Nqn>(&at, &mut above.nqn)),
                "dhchap-key" => above.secret = self.text(&at),
                "application" => self.without_meaning(&at),
                "ports" => ports = self.items(&at),
                _ => self.unknown(&at),
            }
        }
        if ports.is_empty() {
            let message = "it has no `ports`: nothing is connected";
            self.warning(subsystem, message, "add one, or remove the subsystem");
        }
        let wishes = ports.iter().filter_map(|port| self.port(port, &above));
        wishes.collect()
    }

    /// The members of an object by their keys with `-`; of those that repeat, the last.
    fn members<'a>(&mut self, object: &At<'a>) -> Vec<(String, At<'a>)> {
        let mut found: Vec<(String, At<'a>)> = Vec::new();
        let Kind::Object(members) = &object.value.kind else {
            self.error(object, "it is no object", "write `{…}`");
            return found;
        };
        for (key, value) in members {
            let at = object.key(key, value);
            let key = key.replace('_', "-");
            if found.iter().any(|(k, _)| *k == key) {
                self.warning(
                    &at,
                    "it is given twice: the last one counts",
                    "remove the other",
                );
                found.retain(|(k, _)| *k != key);
            }
            if value.kind != Kind::Null {
                found.push((key, at));
            }
        }
        found
    }

    fn items<'a>(&mut self, list: &At<'a>) -> Vec<At<'a>> {
        let Kind::Array(values) = &list.value.kind else {
            self.error(list, "it is no list", "write `[…]`");
            return Vec::new();
        };
        let item = |(index, value)| At {
            path: format!("{}[{index}]", list.path),
            value,
        };
        values.iter().enumerate().map(item).collect()
    }

    fn text(&mut self, at: &At<'_>) -> Option<String> {
        let text = at.text();
        if text.is_none() {
            self.error(at, "it is no text", "write `\"…\"`");
        }
        text
    }

    /// A text that a line of a configuration can hold; `None` also for an empty one.
    fn line(&mut self, at: &At<'_>) -> Option<String> {
        let text = self.text(at).filter(|text| !text.is_empty())?;
        if text.trim() == text && !text.contains(char::is_control) {
            return Some(text);
        }
        let message = "it contains a control character, or blanks at its ends";
        self.error(at, message, "correct it");
        None
    }

    /// Reads a text into `to`, unless it is empty; `false`: it is wrong, which was reported.
    fn parsed<T>(&mut self, at: &At<'_>, to: &mut Option<T>) -> bool
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        let Some(text) = self.text(at) else {
            return false;
        };
        if text.is_empty() {
            return true;
        }
        match text.parse() {
            Ok(value) => {
                *to = Some(value);
                true
            }
            Err(error) => {
                let error: T::Err = error;
                self.bad(at, &error.to_string());
                false
            }
        }
    }

    fn persistence(&mut self, at: &At<'_>) -> Option<Persistence> {
        match &at.value.kind {
            Kind::Bool(true) => Some(Persistence::Force),
            Kind::Bool(false) => Some(Persistence::No),
            _ => {
                let mut word = None;
                self.parsed(at, &mut word);
                word
            }
        }
    }

    fn origin(&self, at: &At<'_>) -> Origin {
        self.report.origin(at.value.span)
    }

    fn unknown(&mut self, at: &At<'_>) {
        self.warning(at, "unknown key: it does nothing", "correct or remove it");
    }

    fn without_meaning(&mut self, at: &At<'_>) {
        let message = "it says nothing about a connection: it does nothing";
        self.warning(at, message, "remove it");
    }

    fn warning(&mut self, at: &At<'_>, message: &str, remedy: &str) {
        self.report
            .warning(at.value.span, &at.says(message), remedy);
    }

    fn error(&mut self, at: &At<'_>, message: &str, remedy: &str) {
        self.report.error(at.value.span, &at.says(message), remedy);
    }

    fn bad(&mut self, at: &At<'_>, error: &str) {
        self.report
            .bad_value(at.value.span, &at.says(error), "correct it");
    }
}

impl At<'_> {
    fn says(&self, message: &str) -> String {
        match self.path.as_str() {
            "" => message.to_owned(),
            path => format!("`{path}`: {message}"),
        }
    }
}
