//! A file's text that can be edited without losing a byte.

use std::fmt;

use thiserror::Error;

use super::line::{Line, Says, lines};
use super::{Entry, Rule, RuleError};

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

    /// Adds an entry at the end of the last `[exclusions]` section, which is made if there is
    /// none, with the lines of `comment` above it. If the entry stands there already, nothing is
    /// changed.
    ///
    /// # Errors
    /// The entry or the comment cannot be written; nothing was changed.
    pub fn add(&mut self, rule: &Rule, comment: Option<&str>) -> Result<Added, AddError> {
        rule.writable()?;
        let comment = comment.unwrap_or_default();
        let control = |c: char| c.is_control() && c != '\t';
        if comment.lines().any(|line| line.contains(control)) {
            return Err(AddError::Comment(comment.to_owned()));
        }
        if let Some(there) = self.find(rule).next() {
            return Ok(Added::AlreadyThere(there.source.line));
        }
        let place = self.place();
        let end = place.line_end;
        let comments = comment.lines().map(|line| format!("# {line}"));
        let new: Vec<String> = place
            .before
            .iter()
            .map(|line| (*line).to_owned())
            .chain(comments)
            .chain([format!("exclusion = {rule}")])
            .collect();
        let mut inserted = String::new();
        if place.unfinished {
            inserted.push_str(end);
        }
        for line in &new {
            inserted.push_str(line.trim_end());
            inserted.push_str(end);
        }
        self.text.insert_str(place.at, &inserted);
        self.read_again();
        self.grown = true;
        Ok(Added::Appended(place.line + new.len()))
    }

    /// Removes the entry in `line` (counted from 1), the whole line with its end. Comments stay.
    ///
    /// # Errors
    /// There is no entry in that line, neither a valid one nor one of
    /// [`Document::problems`].
    pub fn remove(&mut self, line: usize) -> Result<Entry, NoSuchEntry> {
        let all = self.entries.iter().chain(&self.misplaced);
        let entry = all.into_iter().find(|entry| entry.source.line == line);
        let bytes = lines(&self.text).find(|l| l.number == line);
        let (Some(entry), Some(Line { bytes, .. })) = (entry.cloned(), bytes) else {
            return Err(NoSuchEntry {
                file: self.file.clone(),
                line,
            });
        };
        self.text.replace_range(bytes, "");
        self.read_again();
        Ok(entry)
    }

    /// Gives the last line an end, if there is a line and it has none.
    pub fn end_last_line(&mut self) {
        let blank = self.text.trim_start_matches('\u{feff}').is_empty();
        if !blank && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    fn read_again(&mut self) {
        let text = std::mem::take(&mut self.text);
        let grown = self.grown;
        *self = Self::parse(&self.file, text);
        self.grown = grown;
    }

    /// Where an entry is added.
    fn place(&self) -> Place {
        let mut place = Place::default();
        let mut last = 0;
        for line in lines(&self.text) {
            let ours = line.ours && !matches!(line.says, Says::Nothing);
            if ours {
                place.found = true;
                (place.at, place.line) = (line.bytes.end, line.number);
            }
            place.last_is_ours = line.ours;
            last = line.number;
        }
        // At the end, what stands below the last entry belongs to the section.
        if !place.found || place.last_is_ours {
            (place.at, place.line) = (self.text.len(), last);
        }
        if !place.found {
            place.before = match last {
                0 => &["[exclusions]"],
                _ => &["", "[exclusions]"],
            };
        }
        let before = self.text.get(..place.at).unwrap_or_default();
        place.unfinished = place.line > 0 && !before.ends_with('\n');
        // as the last line that has an end
        place.line_end = match before.rfind('\n').and_then(|at| before.get(..at)) {
            Some(line) if line.ends_with('\r') => "\r\n",
            _ => "\n",
        };
        place
    }
}

/// A place to insert lines at.
#[derive(Debug, Default)]
struct Place {
    /// The byte.
    at: usize,
    /// The number of the line before it; 0: there is none.
    line: usize,
    /// Whether that line has no end yet.
    unfinished: bool,
    /// Whether there is a section to add to.
    found: bool,
    last_is_ours: bool,
    /// How lines end there.
    line_end: &'static str,
    /// What has to stand above the entry.
    before: &'static [&'static str],
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
