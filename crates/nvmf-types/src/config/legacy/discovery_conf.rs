//! `discovery.conf`: each line has the options of one `nvme discover`.
//!
//! nvme-cli splits a line at blanks and at `=`, knows no quotes, takes `#` for a comment at the start
//! of a line only, and gives the words to getopt_long(3). What it ignores silently is said here.

mod options;
#[cfg(test)]
mod tests;

use crate::config::excerpt::command_line;
use crate::config::layer::first_word;
use crate::config::report::{FileReport, Report};
use crate::config::{ConfigFile, Persistence, Problem, Problems, Wish};
use crate::{ControllerClass, Span, ini};

use options::{Opt, Takes, by_letter, by_name};

/// Reads the text of `file`: the discovery controllers that it names, and what is odd.
///
/// # Errors
/// Everything that is wrong, in one go; a single error rejects the whole file.
pub fn parse_discovery_conf(file: &str, text: &str) -> Result<(Vec<Wish>, Vec<Problem>), Problems> {
    let mut report = Report::default();
    let mut here = report.file(file);
    let mut wishes = Vec::new();
    for (line, number) in ini::lines(text).zip(1..) {
        let (line, span) = ini::trim(number, 1, line);
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.first().is_some_and(|word| !word.starts_with('#')) {
            wishes.extend(read(&words, span, &mut here));
        }
    }
    let harmless = report.finish(&[ConfigFile::new(file, text)], command_line)?;
    Ok((wishes, harmless.warnings))
}

/// Reads the words of a line; `None`: something is wrong with it.
fn read(words: &[&str], span: Span, report: &mut FileReport<'_>) -> Option<Wish> {
    let mut line = Line {
        wish: Wish::new(ControllerClass::Discovery, report.origin(span)),
        good: true,
        span,
        report,
    };
    let mut rest = words;
    while let [word, behind @ ..] = rest {
        rest = line.word(word, behind);
    }
    line.finish()
}

/// A line that is being read.
struct Line<'a, 'r> {
    wish: Wish,
    /// Nothing was wrong so far.
    good: bool,
    span: Span,
    report: &'a mut FileReport<'r>,
}

impl Line<'_, '_> {
    /// Takes a word and what belongs to it of those behind it; returns the rest.
    fn word<'w>(&mut self, word: &str, behind: &'w [&'w str]) -> &'w [&'w str] {
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (long, None),
            };
            return self.option(by_name(name), &format!("--{name}"), value, behind);
        }
        let mut letters = word.strip_prefix('-').unwrap_or_default().chars();
        match letters.next() {
            Some(letter) => self.letter(letter, letters.as_str(), behind),
            None if word.starts_with('#') => self.comment(behind),
            None => {
                let shown = first_word(word).escape_debug();
                self.error(
                    format!("`{shown}` is no option"),
                    "remove it, or write the option in front of it; there are no quotes",
                );
                behind
            }
        }
    }

    fn letter<'w>(&mut self, letter: char, more: &str, behind: &'w [&'w str]) -> &'w [&'w str] {
        let option = by_letter(letter);
        let name = format!("-{letter}");
        let alone = matches!(
            option.map(|o| o.takes),
            Some(Takes::Nothing | Takes::Ignored)
        );
        let mut letters = more.chars();
        match letters.next() {
            None => self.option(option, &name, None, behind),
            Some(next) if alone && next != '=' => {
                let _ = self.option(option, &name, None, &[]);
                self.letter(next, letters.as_str(), behind)
            }
            Some(_) => {
                let value = more.strip_prefix('=').unwrap_or(more);
                self.option(option, &name, Some(value), behind)
            }
        }
    }

    /// Takes an option, written `name`, with its `value` in the same word or in the next one.
    fn option<'w>(
        &mut self,
        option: Option<Opt>,
        name: &str,
        value: Option<&str>,
        behind: &'w [&'w str],
    ) -> &'w [&'w str] {
        let Some(option) = option else {
            let shown = first_word(name).escape_debug();
            self.error(
                format!("unknown option `{shown}`"),
                "correct or remove it: `nvmf discover --help` lists what there is",
            );
            return behind;
        };
        match (option.takes, value, behind) {
            (Takes::Value | Takes::IgnoredValue, Some(value), _) => {
                self.set(option, name, value);
                behind
            }
            (Takes::Value | Takes::IgnoredValue, None, [value, rest @ ..]) => {
                self.set(option, name, value);
                rest
            }
            (Takes::Value | Takes::IgnoredValue, None, []) => {
                self.error(format!("`{name}` has no value"), "write one, or remove it");
                behind
            }
            (Takes::Nothing | Takes::Ignored, Some(_), _) => {
                let message = format!("`{name}` has a value and takes none");
                self.error(message, "write it alone, or remove it");
                behind
            }
            (Takes::Nothing | Takes::Ignored, None, _) => {
                self.set(option, name, "yes");
                behind
            }
            (Takes::Persistence, value, _) => {
                self.set(option, name, value.unwrap_or(Persistence::Force.as_str()));
                behind
            }
        }
    }

    fn set(&mut self, option: Opt, name: &str, value: &str) {
        if matches!(option.takes, Takes::Ignored | Takes::IgnoredValue) {
            let message = format!("`{name}` says nothing about a connection: it does nothing");
            self.report.warning(self.span, &message, "remove it");
        } else if value.starts_with(['"', '\'']) {
            let message = format!("the value of `{name}` is in quotes, which there are none of");
            self.error(message, "write the value alone");
        } else if let Err(error) = self.wish.set(option.name, value) {
            self.bad(&error.to_string());
        }
    }

    /// A comment behind options, which nvme-cli does not know.
    fn comment<'w>(&mut self, behind: &'w [&'w str]) -> &'w [&'w str] {
        if behind.iter().any(|word| word.starts_with('-')) {
            self.report.warning(
                self.span,
                "there are options behind `#`, which nvme-cli reads and this does not",
                "write the comment on a line of its own",
            );
        }
        &[]
    }

    fn finish(mut self) -> Option<Wish> {
        // one error is enough where another may follow from it
        if self.good {
            for problem in self.wish.problems() {
                self.bad(&problem.to_string());
            }
        }
        self.good.then_some(self.wish)
    }

    fn error(&mut self, message: String, remedy: &str) {
        self.good = false;
        self.report.error(self.span, &message, remedy);
    }

    fn bad(&mut self, error: &str) {
        self.good = false;
        let remedy = "correct the line";
        self.report.bad_value(self.span, error, remedy);
    }
}
