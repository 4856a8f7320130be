//! From a file's text to entries.

use thiserror::Error;

use crate::Origin;
use crate::line::{Line, Says, lines};

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
    /// An `exclusion =` line where none is read.
    #[error("it is not below `[exclusions]`, where alone entries are read")]
    OutsideSection,
}

/// Whether a line stands where entries are read.
pub(super) fn is_ours(line: &Line<'_>) -> bool {
    line.section == Some("exclusions")
}

impl Exclusions {
    /// Reads the text of `file`: the entries of its `[exclusions]` sections, in order. What
    /// stands elsewhere is ignored. Lines may have any length.
    #[must_use]
    pub fn parse(file: &str, text: &str) -> Vec<Entry> {
        lines(text)
            .filter_map(|line| Entry::read(file, &line))
            .collect()
    }
}

impl Entry {
    /// The entry that a line of an `[exclusions]` section is.
    pub(super) fn read(file: &str, line: &Line<'_>) -> Option<Self> {
        if !is_ours(line) {
            return None;
        }
        let (text, kind) = match line.says {
            Says::Nothing | Says::Section(_) => return None,
            Says::Setting("exclusion", value) => (value.to_owned(), value.parse()),
            Says::Setting(key, value) => {
                (format!("{key} = {value}"), Err(InvalidEntry::NotAnEntry))
            }
            Says::Junk(text) => (text.to_owned(), Err(InvalidEntry::NotAnEntry)),
        };
        let source = Origin::new(file, line.number);
        Some(Self { source, text, kind })
    }

    /// The entry that somebody thinks a line elsewhere is.
    pub(super) fn misplaced(file: &str, line: &Line<'_>) -> Option<Self> {
        match line.says {
            Says::Setting("exclusion", value) if !is_ours(line) => Some(Self {
                source: Origin::new(file, line.number),
                text: value.to_owned(),
                kind: Err(InvalidEntry::OutsideSection),
            }),
            _ => None,
        }
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
