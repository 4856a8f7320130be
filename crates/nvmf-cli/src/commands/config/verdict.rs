//! What is said about a configuration, good or bad.

use std::path::Path;

use nvmf::Root;
use nvmf::config::{FileError, LoadError, Loaded, load_files};
use nvmf_types::config::{Problem, Severity};
use serde::Serialize;

use crate::output::Output;

/// The configuration, if it can be used, and everything that is wrong or odd.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) loaded: Option<Loaded>,
    pub(super) found: Vec<Found>,
}

/// One thing that is wrong or odd.
#[derive(Debug)]
pub(super) enum Found {
    /// In a file.
    Problem(Problem),
    /// With a file.
    File(FileError),
}

/// [`Found`] as `-o json` shows it.
#[derive(Debug, Serialize)]
pub(super) struct Entry<'a> {
    file: String,
    line: Option<usize>,
    column: Option<usize>,
    length: Option<usize>,
    severity: Severity,
    message: String,
    remedy: &'a str,
    excerpt: Option<&'a str>,
}

impl Verdict {
    pub(super) fn of(root: &Root, file: Option<&Path>) -> Self {
        match load_files(root, file) {
            Ok(loaded) => Self {
                found: problems(&loaded.config.warnings),
                loaded: Some(loaded),
            },
            Err(LoadError::Problems(all)) => Self {
                loaded: None,
                found: problems(&all.0),
            },
            Err(LoadError::Files(files)) => Self {
                loaded: None,
                found: files.into_iter().map(Found::File).collect(),
            },
            // what a later version may know
            Err(_) => Self::default(),
        }
    }

    /// Tells what is wrong or odd, one after the other.
    pub(super) fn tell(&self, out: &mut Output) {
        for found in &self.found {
            match found {
                Found::Problem(problem) => out.problem(problem),
                Found::File(error) => out.diagnostic(&error.to_string()),
            }
        }
    }

    pub(super) fn count(&self, severity: Severity) -> usize {
        let all = self.found.iter().map(Found::severity);
        all.filter(|s| *s == severity).count()
    }

    /// `2 errors, 1 warning`; what there is none of is left out.
    pub(super) fn counts(&self) -> String {
        let kinds = [(Severity::Error, "error"), (Severity::Warning, "warning")];
        let counts = kinds.map(|(severity, word)| (self.count(severity), word));
        let there = counts.into_iter().filter(|(count, _)| *count > 0);
        let texts: Vec<String> = there.map(|(count, word)| number(count, word)).collect();
        texts.join(", ")
    }
}

impl Found {
    const fn severity(&self) -> Severity {
        match self {
            Self::Problem(problem) => problem.severity,
            Self::File(_) => Severity::Error,
        }
    }

    pub(super) fn entry(&self) -> Entry<'_> {
        match self {
            Self::Problem(problem) => Entry {
                file: problem.place.origin.file.clone(),
                line: Some(problem.place.origin.line),
                column: Some(problem.place.column),
                length: Some(problem.place.length),
                severity: problem.severity,
                message: problem.message.clone(),
                remedy: &problem.remedy,
                excerpt: Some(&problem.place.excerpt),
            },
            Self::File(error) => Entry {
                file: error.path.display().to_string(),
                line: error.line,
                column: None,
                length: None,
                severity: Severity::Error,
                message: error.kind.to_string(),
                remedy: error.remedy(),
                excerpt: None,
            },
        }
    }
}

fn problems(all: &[Problem]) -> Vec<Found> {
    all.iter().cloned().map(Found::Problem).collect()
}

/// `1 file`, `2 files`.
pub(super) fn number(count: usize, word: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {word}{plural}")
}
