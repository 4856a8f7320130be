//! What is wrong with a configuration.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Origin, Span};

/// Whether a problem rejects the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can, but something is odd.
    Warning,
}

/// A piece of a line of a file, written `file:line:column`. Orders by file, line and column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The line.
    #[serde(flatten)]
    pub origin: Origin,
    /// The first character that is meant, counted from 1 in characters.
    pub column: usize,
    /// How many characters are meant; 0: something is missing there.
    pub length: usize,
    /// The line as it may be shown, character for character: asterisks for what is or may be a
    /// secret, blanks and U+FFFD for what no terminal is to be sent. Of a long line the start.
    pub excerpt: String,
}

/// One thing that is wrong in a file: `file:line:column: error: what; remedy`. Orders by place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// How bad.
    pub severity: Severity,
    /// What, with the value in backticks.
    pub message: String,
    /// What to write instead.
    pub remedy: String,
}

/// Everything that is wrong with a configuration that cannot be used, warnings included, in the
/// order of the files; one problem a line.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Problems(pub Vec<Problem>);

impl Place {
    /// A piece of `file`, without its text.
    pub(super) fn new(file: &str, span: Span) -> Self {
        Self {
            origin: Origin::new(file, span.line),
            column: span.column,
            length: span.length,
            excerpt: String::new(),
        }
    }

    /// A line as a whole, without its text.
    #[must_use]
    pub const fn of_line(origin: Origin) -> Self {
        Self {
            origin,
            column: 1,
            length: 0,
            excerpt: String::new(),
        }
    }
}

impl Problems {
    /// How many of them are of `severity`.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.0.iter().filter(|p| p.severity == severity).count()
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.origin, self.column)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            place,
            severity,
            message,
            remedy,
        } = self;
        write!(f, "{place}: {severity}: {message}; {remedy}")
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{problem}")?;
        }
        Ok(())
    }
}
