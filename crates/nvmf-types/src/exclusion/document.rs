//! A file's text that can be edited without losing a byte.

mod edit;

use std::fmt;

use thiserror::Error;

use super::{Entry, Rule, RuleError};
use crate::line::lines;

/// The text of one exclusion file, and what it says. What is not edited stays byte for byte:
/// comments, order, other sections, line ends, a byte order mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    file: String,
    text: String,
    entries: Vec<Entry>,
    misplaced: Vec<Entry>,
    grown: bool,
}

/// What adding an entry came to. Lines are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It stands in this line now.
    Appended(usize),
    /// It stood in this line before; nothing was changed.
    AlreadyThere(usize),
}

/// Why an entry was not added.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddError {
    /// It would not read back the same.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// A comment that is no text.
    #[error("the comment `{}` contains a control character: leave it out", .0.escape_debug())]
    Comment(String),
}

/// A line that is no entry.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file} has no entry in line {line}")]
pub struct NoSuchEntry {
    /// The file.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
}

impl Document {
    /// The text of `file`.
    #[must_use]
    pub fn parse(file: &str, text: impl Into<String>) -> Self {
        let text = text.into();
        let (mut entries, mut misplaced) = (Vec::new(), Vec::new());
        for line in lines(&text) {
            entries.extend(Entry::read(file, &line));
            misplaced.extend(Entry::misplaced(file, &line));
        }
        Self {
            file: file.to_owned(),
            text,
            entries,
            misplaced,
            grown: false,
        }
    }

    /// A new `file` without entries, which is to hold the list `name`; `None`: the default list.
    #[must_use]
    pub fn new(file: &str, name: Option<&str>) -> Self {
        let list = match name {
            Some(name) => format!("Exclusion list `{name}`"),
            None => "The default exclusion list".to_owned(),
        };
        let text = format!(
            "# {list}: NVMe over Fabrics connections that this host must not make.\n\
             # One entry a line, `exclusion = key=value;key=value`, with any of: {}.\n\
             [exclusions]\n",
            crate::tid::KEYS.join(" ")
        );
        Self::parse(file, text)
    }

    /// The entries, valid or not, in order: all lines of the `[exclusions]` sections that are
    /// neither blank nor comments.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The text as it is now.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What looks like an entry and excludes nothing, in order: the invalid entries, and
    /// `exclusion =` lines that are not below `[exclusions]`. A file with such lines is not
    /// saved.
    #[must_use]
    pub fn problems(&self) -> Vec<&Entry> {
        let invalid = self.entries.iter().filter(|entry| entry.kind.is_err());
        let mut all: Vec<&Entry> = invalid.chain(&self.misplaced).collect();
        all.sort_by_key(|entry| entry.source.line);
        all
    }

    /// Whether an entry was added since the text was read.
    #[must_use]
    pub const fn has_additions(&self) -> bool {
        self.grown
    }

    /// The entries that ask for the same fields with the same texts, in whatever order they are
    /// written.
    pub fn find(&self, rule: &Rule) -> impl Iterator<Item = &Entry> {
        let entries = self.entries.iter();
        entries.filter(move |entry| entry.kind.as_ref() == Ok(rule))
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Added {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Appended(line) => write!(f, "added in line {line}"),
            Self::AlreadyThere(line) => write!(f, "line {line} says so already"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_entries_are_found_and_can_be_removed() {
        let text = "exclusion = nqn=early\n[exclusions]\ntcp\nexclusion = nqn=a\n[Exclusions]\nexclusion = nqn=b\nx = y\n";
        let mut document = Document::parse("x.conf", text);
        let dead = |document: &Document| -> Vec<String> {
            let problems = document.problems().into_iter();
            problems
                .map(|entry| format!("{} {}", entry.source, entry.text))
                .collect()
        };
        assert_eq!(
            dead(&document),
            ["x.conf:1 nqn=early", "x.conf:3 tcp", "x.conf:6 nqn=b"]
        );
        let reason = document.problems()[2].kind.clone().unwrap_err().to_string();
        assert_eq!(
            reason,
            "it is not below `[exclusions]`, where alone entries are read"
        );
        for line in [6, 3, 1] {
            document.remove(line).unwrap();
        }
        assert_eq!(dead(&document), [""; 0]);
        assert_eq!(
            document.text(),
            "[exclusions]\nexclusion = nqn=a\n[Exclusions]\nx = y\n"
        );
        assert!(!document.has_additions());
        for line in [0, 1, 4, 99] {
            let error = document.remove(line).unwrap_err().to_string();
            assert_eq!(error, format!("x.conf has no entry in line {line}"));
        }
    }

    #[test]
    fn a_new_file_has_two_lines_of_explanation() {
        let document = Document::new("x.conf", Some("lab-1"));
        let lines: Vec<&str> = document.text().lines().collect();
        assert!(lines[0].starts_with("# ") && lines[0].contains("`lab-1`"));
        assert!(lines[1].starts_with("# ") && lines[1].contains("exclusion = key=value"));
        assert_eq!(lines[2..], ["[exclusions]"]);
        assert!(document.entries().is_empty() && document.problems().is_empty());
        assert!(Document::new("x.conf", None).text().contains("default"));
    }
}
