//! What is wrong with a configuration.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Origin;

/// Whether a problem rejects the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can, but something is odd.
    Warning,
}

/// One thing that is wrong in a file: `file:line: error: what; remedy`. Orders by place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// Where.
    pub origin: Origin,
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

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            origin,
            severity,
            message,
            remedy,
        } = self;
        write!(f, "{origin}: {severity}: {message}; {remedy}")
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
