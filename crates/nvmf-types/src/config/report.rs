//! Collecting problems.

use std::collections::BTreeMap;

use crate::{Origin, SecretSource, Span, ini};

use super::excerpt::scrub;
use super::{ConfigFile, Place, Problem, Problems, SecretReference, Severity};

/// The problems of some files, and the secrets that they refer to.
#[derive(Default)]
pub(super) struct Report {
    problems: Vec<Problem>,
    references: Vec<SecretReference>,
}

/// The problems of one file.
pub(super) struct FileReport<'a> {
    file: &'a str,
    report: &'a mut Report,
    /// The first secret that stands in the file itself.
    secret: Option<Span>,
}

/// What is left when there is no error.
pub(super) struct Harmless {
    pub(super) warnings: Vec<Problem>,
    pub(super) references: Vec<SecretReference>,
}

impl Report {
    pub(super) fn file<'a>(&'a mut self, file: &'a str) -> FileReport<'a> {
        FileReport {
            file,
            report: self,
            secret: None,
        }
    }

    pub(super) fn error(&mut self, place: Place, message: &str, remedy: &str) {
        self.add(place, Severity::Error, message, remedy);
    }

    pub(super) fn warning(&mut self, place: Place, message: &str, remedy: &str) {
        self.add(place, Severity::Warning, message, remedy);
    }

    fn add(&mut self, place: Place, severity: Severity, message: &str, remedy: &str) {
        self.problems.push(Problem {
            place,
            severity,
            message: scrub(message),
            remedy: remedy.to_owned(),
        });
    }

    /// The warnings, or everything if there is an error among it; in the order of `files`.
    /// `excerpt` says what of a line may be shown.
    pub(super) fn finish(
        mut self,
        files: &[ConfigFile],
        excerpt: fn(&str) -> String,
    ) -> Result<Harmless, Problems> {
        let order: BTreeMap<&str, usize> = files.iter().map(|f| f.path.as_str()).zip(0..).collect();
        let mut excerpts = Excerpts::new(files, excerpt);
        self.problems.sort_by_cached_key(|problem| {
            let place = &problem.place;
            let file = order.get(place.origin.file.as_str()).copied();
            (file, place.origin.line, place.column)
        });
        for problem in &mut self.problems {
            problem.place.excerpt = excerpts.of(&problem.place.origin);
        }
        if self.problems.iter().any(|p| p.severity == Severity::Error) {
            return Err(Problems(self.problems));
        }
        for reference in &mut self.references {
            reference.place.excerpt = excerpts.of(&reference.place.origin);
        }
        Ok(Harmless {
            warnings: self.problems,
            references: self.references,
        })
    }
}

impl FileReport<'_> {
    pub(super) fn place(&self, span: Span) -> Place {
        Place::new(self.file, span)
    }

    pub(super) fn origin(&self, span: Span) -> Origin {
        Origin::new(self.file, span.line)
    }

    pub(super) fn error(&mut self, span: Span, message: &str, remedy: &str) {
        self.report.error(self.place(span), message, remedy);
    }

    pub(super) fn warning(&mut self, span: Span, message: &str, remedy: &str) {
        self.report.warning(self.place(span), message, remedy);
    }

    /// An error of a parser. Parsers say `what: expected that`, a problem says `what; write that`.
    pub(super) fn bad_value(&mut self, span: Span, error: &str, remedy: &str) {
        match error.split_once(": expected ") {
            Some((what, expected)) => self.error(span, what, &format!("write {expected}")),
            None => self.error(span, error, remedy),
        }
    }

    /// Takes note of a secret that the file holds or refers to.
    pub(super) fn secret(&mut self, source: SecretSource, span: Span) {
        if let SecretSource::Literal(_) = source {
            self.secret.get_or_insert(span);
        } else {
            let place = self.place(span);
            self.report
                .references
                .push(SecretReference { source, place });
        }
    }

    /// Warns if everybody may read a secret in the file.
    pub(super) fn check_mode(&mut self, mode: Option<u32>) {
        let Some((span, mode)) = self.secret.zip(mode) else {
            return;
        };
        if mode & 0o004 != 0 {
            let message = format!("everybody can read this secret: the file's mode is {mode:04o}");
            let remedy = format!("type `chmod 0600 {}`", self.file);
            self.warning(span, &message, &remedy);
        }
    }
}

/// The lines of all files, and the excerpt of the line that was asked for last: problems of one
/// line follow each other.
struct Excerpts<'a> {
    lines: BTreeMap<&'a str, Vec<&'a str>>,
    excerpt: fn(&str) -> String,
    last: Option<(Origin, String)>,
}

impl<'a> Excerpts<'a> {
    fn new(files: &'a [ConfigFile], excerpt: fn(&str) -> String) -> Self {
        let lines = |file: &'a ConfigFile| (file.path.as_str(), ini::lines(&file.text).collect());
        Self {
            lines: files.iter().map(lines).collect(),
            excerpt,
            last: None,
        }
    }

    fn of(&mut self, origin: &Origin) -> String {
        if let Some((last, excerpt)) = &self.last
            && last == origin
        {
            return excerpt.clone();
        }
        let lines = self.lines.get(origin.file.as_str());
        let line = lines.and_then(|lines| lines.get(origin.line.checked_sub(1)?));
        let text = line.map(|line| (self.excerpt)(line)).unwrap_or_default();
        self.last = Some((origin.clone(), text.clone()));
        text
    }
}
