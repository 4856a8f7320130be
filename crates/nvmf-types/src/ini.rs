//! The common shape of the configuration files: sections, `key = value`, comments.
//!
//! `#` starts a comment at the start of a line only, the first `=` of a line splits, and there are
//! no quotes or escapes. Sections and keys may repeat. Nothing is dropped silently: a line that is
//! none of these comes out as [`Junk`].

use crate::Span;

/// What a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// Entries before the first section.
    pub preamble: Vec<Entry>,
    /// The sections in the order of the file.
    pub sections: Vec<Section>,
    /// Lines that are neither comment, section nor entry.
    pub junk: Vec<Junk>,
}

/// A `[name]` line and the entries below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What stands between the brackets, trimmed.
    pub name: String,
    /// Where the name stands, brackets included.
    pub span: Span,
    /// The entries in the order of the file.
    pub entries: Vec<Entry>,
}

/// A `key = value` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What stands before the first `=`, trimmed; not empty.
    pub key: String,
    /// What stands behind it, trimmed; may be empty.
    pub value: String,
    /// Where the key stands.
    pub key_span: Span,
    /// Where the value stands, or would stand.
    pub value_span: Span,
}

/// A line that says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Junk {
    /// Its section's position in [`Document::sections`]; `None` before the first section.
    pub section: Option<usize>,
    /// Its text, trimmed.
    pub text: String,
    /// Where the text stands.
    pub span: Span,
}

/// Reads a file's text. A byte order mark and CRLF are tolerated, and lines may have any length.
#[must_use]
pub fn parse(text: &str) -> Document {
    let mut document = Document::default();
    for (line, raw) in (1..).zip(lines(text)) {
        document.add(line, raw);
    }
    document
}

/// The lines of a file's text, as they are counted.
pub fn lines(text: &str) -> std::str::Lines<'_> {
    text.strip_prefix('\u{feff}').unwrap_or(text).lines()
}

impl Document {
    fn add(&mut self, line: usize, raw: &str) {
        let (text, span) = trim(line, 1, raw);
        if text.is_empty() || text.starts_with('#') {
            return;
        }
        if let Some(name) = section_name(text) {
            self.sections.push(Section {
                name: name.to_owned(),
                span,
                entries: Vec::new(),
            });
            return;
        }
        match entry(line, 1, raw) {
            Some(entry) => match self.sections.last_mut() {
                Some(section) => section.entries.push(entry),
                None => self.preamble.push(entry),
            },
            None => self.junk.push(Junk {
                section: self.sections.len().checked_sub(1),
                text: text.to_owned(),
                span,
            }),
        }
    }
}

fn section_name(text: &str) -> Option<&str> {
    let name = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    name.map(str::trim)
}

/// The `key = value` that `raw`, a line or a part of one that starts at `column`, is.
pub(crate) fn entry(line: usize, column: usize, raw: &str) -> Option<Entry> {
    // `[` never starts a key: `[Hots = x` is a broken section line
    let (key, value) = raw.split_once('=')?;
    let value_column = column + key.chars().count() + 1;
    let (key, key_span) = trim(line, column, key);
    if key.is_empty() || key.starts_with('[') {
        return None;
    }
    let (value, value_span) = trim(line, value_column, value);
    Some(Entry {
        key: key.to_owned(),
        value: value.to_owned(),
        key_span,
        value_span,
    })
}

/// `raw`, which starts at `column`, without the white space round it. Of nothing but white space
/// the end remains.
pub(crate) fn trim(line: usize, column: usize, raw: &str) -> (&str, Span) {
    let text = raw.trim_start();
    let blanks = raw.chars().count() - text.chars().count();
    let text = text.trim_end();
    (text, Span::of(line, column + blanks, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the columns of key and value.
    fn entry(key: &str, value: &str, line: usize, columns: (usize, usize)) -> Entry {
        Entry {
            key: key.into(),
            value: value.into(),
            key_span: Span::of(line, columns.0, key),
            value_span: Span::of(line, columns.1, value),
        }
    }

    #[test]
    fn everything_has_its_place() {
        let text = "\u{feff}# top\r\nearly = 1\r\n[ A b ]\r\n key=x = y # z \r\n  # indented\nkey =\n\njunk\n[B]\n[A b]\né\t=  é\n= v\n[C\n[D = x\n";
        let document = parse(text);
        assert_eq!(document.preamble, [entry("early", "1", 2, (1, 9))]);
        let sections: Vec<_> = document
            .sections
            .iter()
            .map(|s| (s.name.as_str(), s.span, s.entries.clone()))
            .collect();
        assert_eq!(
            sections,
            [
                (
                    "A b",
                    Span::of(3, 1, "[ A b ]"),
                    vec![
                        entry("key", "x = y # z", 4, (2, 6)),
                        entry("key", "", 6, (1, 6))
                    ]
                ),
                ("B", Span::of(9, 1, "[B]"), vec![]),
                (
                    "A b",
                    Span::of(10, 1, "[A b]"),
                    vec![entry("é", "é", 11, (1, 6))]
                ),
            ]
        );
        let junk: Vec<_> = document
            .junk
            .iter()
            .map(|j| (j.span.line, j.section, j.text.as_str()))
            .collect();
        assert_eq!(
            junk,
            [
                (8, Some(0), "junk"),
                (12, Some(2), "= v"),
                (13, Some(2), "[C"),
                (14, Some(2), "[D = x")
            ]
        );
    }

    #[test]
    fn no_length_limit() {
        let long = "x".repeat(100_000);
        let document = parse(&format!("# {long} [s]\n[s]\nk = {long}"));
        assert_eq!(document.sections.len(), 1);
        assert_eq!(document.sections[0].entries[0].value, long);
    }
}
