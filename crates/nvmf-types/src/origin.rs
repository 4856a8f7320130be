//! Places in files.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A line of a file, written `file:line`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The file, as its reader named it.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
}

/// A piece of one line of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The line, counted from 1.
    pub line: usize,
    /// Its first character, counted from 1 in characters.
    pub column: usize,
    /// Its length in characters; 0: the place between two.
    pub length: usize,
}

impl Origin {
    /// Line `line` (counted from 1) of `file`.
    #[must_use]
    pub fn new(file: impl Into<String>, line: usize) -> Self {
        Self {
            file: file.into(),
            line,
        }
    }
}

impl Span {
    /// The piece `text` of `line`, starting at `column` (both counted from 1).
    #[must_use]
    pub fn of(line: usize, column: usize, text: &str) -> Self {
        let length = text.chars().count();
        Self {
            line,
            column,
            length,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
