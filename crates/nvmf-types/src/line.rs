//! The lines of files that are edited.
//!
//! The shape is that of [`crate::ini`]; here a line also knows its place in the text, so that it
//! can be edited, and nothing is copied.

use std::ops::Range;

/// One line.
#[derive(Clone, Debug)]
pub(crate) struct Line<'a> {
    /// Counted from 1.
    pub(crate) number: usize,
    /// Its bytes in the text, with its end (`\n`, `\r\n`), without a byte order mark.
    pub(crate) bytes: Range<usize>,
    /// The section that it stands in, its own one if it starts one.
    pub(crate) section: Option<&'a str>,
    /// What it says.
    pub(crate) says: Says<'a>,
}

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says<'a> {
    /// A blank line or a comment.
    Nothing,
    /// The start of a section.
    Section(&'a str),
    /// `key = value`, trimmed; the value may be empty.
    Setting(&'a str, &'a str),
    /// None of these, trimmed.
    Junk(&'a str),
}

/// The lines of `text`.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut end = text.len() - body.len();
    let mut section = None;
    let numbered = body.split_inclusive('\n').zip(1..);
    numbered.map(move |(raw, number)| {
        let bytes = end..end + raw.len();
        end = bytes.end;
        let says = Says::of(raw.trim());
        if let Says::Section(name) = says {
            section = Some(name);
        }
        Line {
            number,
            bytes,
            section,
            says,
        }
    })
}

/// How a line is to end that follows `text`: as the last one there that has an end.
pub(crate) fn line_end(text: &str) -> &'static str {
    match text.rfind('\n').and_then(|at| text.get(..at)) {
        Some(line) if line.ends_with('\r') && !text.ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

impl<'a> Says<'a> {
    fn of(text: &'a str) -> Self {
        if text.is_empty() || text.starts_with('#') {
            return Self::Nothing;
        }
        let inside = text.strip_prefix('[');
        if let Some(name) = inside.and_then(|t| t.strip_suffix(']')) {
            return Self::Section(name.trim());
        }
        match text.split_once('=') {
            Some((key, value)) if inside.is_none() && !key.is_empty() => {
                Self::Setting(key.trim_end(), value.trim_start())
            }
            _ => Self::Junk(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_line() {
        let text =
            "\u{feff}[exclusions]\r\n a = b=c \r\n# x\n\n = v\n[Exclusions\r\n[ exclusions ]\nk =";
        let all: Vec<Line<'_>> = lines(text).collect();
        let says: Vec<_> = all.iter().map(|l| (l.number, l.section, l.says)).collect();
        assert_eq!(
            says,
            [
                (1, Some("exclusions"), Says::Section("exclusions")),
                (2, Some("exclusions"), Says::Setting("a", "b=c")),
                (3, Some("exclusions"), Says::Nothing),
                (4, Some("exclusions"), Says::Nothing),
                (5, Some("exclusions"), Says::Junk("= v")),
                (6, Some("exclusions"), Says::Junk("[Exclusions")),
                (7, Some("exclusions"), Says::Section("exclusions")),
                (8, Some("exclusions"), Says::Setting("k", "")),
            ]
        );
        let again: String = all.iter().map(|l| &text[l.bytes.clone()]).collect();
        assert_eq!(format!("\u{feff}{again}"), text);
    }
}
