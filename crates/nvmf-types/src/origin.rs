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

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
