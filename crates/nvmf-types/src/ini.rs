//! The common shape of the configuration files: sections, `key = value`, comments.
//!
//! `#` starts a comment at the start of a line only, the first `=` of a line splits, and there are
//! no quotes or escapes. Sections and keys may repeat. Nothing is dropped silently: a line that is
//! none of these comes out as [`Junk`].

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
    /// Line of the name, counted from 1.
    pub line: usize,
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
    /// The line, counted from 1.
    pub line: usize,
    /// Column of the value's first character, counted from 1 in characters.
    pub column: usize,
}

/// A line that says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Junk {
    /// The line, counted from 1.
    pub line: usize,
    /// Its section's position in [`Document::sections`]; `None` before the first section.
    pub section: Option<usize>,
    /// Its text, trimmed.
    pub text: String,
}

/// Reads a file's text. A byte order mark and CRLF are tolerated, and lines may have any length.
#[must_use]
pub fn parse(text: &str) -> Document {
    let mut document = Document::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (index, raw) in text.lines().enumerate() {
        document.add(index + 1, raw);
    }
    document
}

impl Document {
    fn add(&mut self, line: usize, raw: &str) {
        let text = raw.trim();
        if text.is_empty() || text.starts_with('#') {
            return;
        }
        let name = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
        if let Some(name) = name {
            self.sections.push(Section {
                name: name.trim().to_owned(),
                line,
                entries: Vec::new(),
            });
            return;
        }
        match split(line, raw) {
            Some(entry) => match self.sections.last_mut() {
                Some(section) => section.entries.push(entry),
                None => self.preamble.push(entry),
            },
            None => self.junk.push(Junk {
                line,
                section: self.sections.len().checked_sub(1),
                text: text.to_owned(),
            }),
        }
    }
}

fn split(line: usize, raw: &str) -> Option<Entry> {
    // `[` never starts a key: `[Hots = x` is a broken section line
    let (key, value) = raw.split_once('=')?;
    let key = key.trim();
    if key.is_empty() || key.starts_with('[') {
        return None;
    }
    let blanks = value.len() - value.trim_start().len();
    let before = raw.get(..raw.len() - value.len() + blanks)?;
    Some(Entry {
        key: key.to_owned(),
        value: value.trim().to_owned(),
        line,
        column: before.chars().count() + 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str, value: &str, line: usize, column: usize) -> Entry {
        Entry {
            key: key.into(),
            value: value.into(),
            line,
            column,
        }
    }

    #[test]
    fn everything_has_its_place() {
        let text = "\u{feff}# top\r\nearly = 1\r\n[ A b ]\r\n key=x = y # z \r\n  # indented\nkey =\n\njunk\n[B]\n[A b]\né\t=  é\n= v\n[C\n[D = x\n";
        let document = parse(text);
        assert_eq!(document.preamble, [entry("early", "1", 2, 9)]);
        let sections: Vec<_> = document
            .sections
            .iter()
            .map(|s| (s.name.as_str(), s.line, s.entries.clone()))
            .collect();
        assert_eq!(
            sections,
            [
                (
                    "A b",
                    3,
                    vec![entry("key", "x = y # z", 4, 6), entry("key", "", 6, 6)]
                ),
                ("B", 9, vec![]),
                ("A b", 10, vec![entry("é", "é", 11, 6)]),
            ]
        );
        let junk: Vec<_> = document
            .junk
            .iter()
            .map(|j| (j.line, j.section, j.text.as_str()))
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
