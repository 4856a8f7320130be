//! From a file's text to entries.

use thiserror::Error;

use crate::{Origin, ini};

use super::Rule;

/// The reader of exclusion files.
#[derive(Clone, Copy, Debug)]
pub enum Exclusions {}

/// One entry of a file, valid or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands.
    pub source: Origin,
    /// What stands behind `exclusion =`; the whole line where that is missing.
    pub text: String,
    /// What it means.
    pub kind: Result<Rule, InvalidEntry>,
}

/// Why an entry excludes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidEntry {
    /// A line of the section that is no entry.
    #[error("not an entry: expected `exclusion = key=value;key=value`")]
    NotAnEntry,
    /// Nothing behind `exclusion =`.
    #[error("no field: expected `key=value;key=value`")]
    NoField,
    /// A part without `=`.
    #[error("`{}` is not key=value", .0.escape_debug())]
    NotKeyValue(String),
    /// A key that no entry has.
    #[error("unknown field `{}`: expected transport, traddr, trsvcid, nqn, host-traddr, host-iface, hostnqn or hostid", .0.escape_debug())]
    UnknownKey(String),
    /// A key without a value.
    #[error("field `{0}` has no value")]
    EmptyValue(&'static str),
}

impl Exclusions {
    /// Reads the text of `file`: the entries of its `[exclusions]` sections, in order. What
    /// stands elsewhere is ignored.
    #[must_use]
    pub fn parse(file: &str, text: &str) -> Vec<Entry> {
        let document = ini::parse(text);
        let ours = |index: usize| {
            let section = document.sections.get(index);
            section.is_some_and(|s| s.name == "exclusions")
        };
        let mut entries = Vec::new();
        for section in document.sections.iter().filter(|s| s.name == "exclusions") {
            for ini::Entry {
                key, value, line, ..
            } in &section.entries
            {
                let (text, kind) = match key.as_str() {
                    "exclusion" => (value.clone(), value.parse()),
                    _ => (format!("{key} = {value}"), Err(InvalidEntry::NotAnEntry)),
                };
                let source = Origin::new(file, *line);
                entries.push(Entry { source, text, kind });
            }
        }
        let junk = document.junk.iter().filter(|j| j.section.is_some_and(ours));
        entries.extend(junk.map(|junk| Entry {
            source: Origin::new(file, junk.line),
            text: junk.text.clone(),
            kind: Err(InvalidEntry::NotAnEntry),
        }));
        entries.sort_by_key(|entry| entry.source.line);
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_section_counts_and_every_line_of_it() {
        let text = "exclusion = nqn=early\n# [exclusions]\n[exclusions]\n# exclusion = nqn=comment\nexclusion = nqn=a # b\nexclude = nqn=c\ntcp\n[other]\nexclusion = nqn=e\njunk\n[Exclusions]\nexclusion = nqn=f\n[exclusions]\r\n  exclusion=transport=tcp;; nqn = g ;\r\n";
        let entries = Exclusions::parse("x.conf", text);
        let seen: Vec<_> = entries
            .iter()
            .map(|e| (e.source.to_string(), e.text.as_str(), e.kind.is_ok()))
            .collect();
        assert_eq!(
            seen,
            [
                ("x.conf:5".into(), "nqn=a # b", true),
                ("x.conf:6".into(), "exclude = nqn=c", false),
                ("x.conf:7".into(), "tcp", false),
                ("x.conf:14".into(), "transport=tcp;; nqn = g ;", true),
            ]
        );
        let rule = entries[3].kind.as_ref().unwrap();
        assert_eq!(rule.to_string(), "transport=tcp;nqn=g");
    }

    #[test]
    fn a_long_comment_has_no_live_tail() {
        let text = format!(
            "[exclusions]\n#{}exclusion = transport=tcp\n",
            " ".repeat(4095)
        );
        assert_eq!(Exclusions::parse("x", &text), []);
    }
}
