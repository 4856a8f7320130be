//! Collecting problems.

use crate::Origin;

use super::{Problem, Problems, Severity};

/// The problems of some files.
#[derive(Default)]
pub(super) struct Report(Vec<Problem>);

impl Report {
    pub(super) fn error(
        &mut self,
        origin: Origin,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(origin, Severity::Error, message.into(), remedy.into());
    }

    pub(super) fn warning(
        &mut self,
        origin: Origin,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(origin, Severity::Warning, message.into(), remedy.into());
    }

    /// An error of a parser. Parsers say `what: expected that`, a problem says `what; write that`.
    pub(super) fn bad_value(&mut self, origin: Origin, error: &str, remedy: &str) {
        match error.split_once(": expected ") {
            Some((what, expected)) => self.error(origin, what, format!("write {expected}")),
            None => self.error(origin, error, remedy),
        }
    }

    fn add(&mut self, origin: Origin, severity: Severity, message: String, remedy: String) {
        self.0.push(Problem {
            origin,
            severity,
            message,
            remedy,
        });
    }

    /// The warnings, or everything if there is an error among it; in the order of `files`.
    pub(super) fn finish(mut self, files: &[&str]) -> Result<Vec<Problem>, Problems> {
        self.0.sort_by_cached_key(|problem| {
            let file = files.iter().position(|f| *f == problem.origin.file);
            (file, problem.origin.line)
        });
        if self.0.iter().any(|p| p.severity == Severity::Error) {
            Err(Problems(self.0))
        } else {
            Ok(self.0)
        }
    }
}
