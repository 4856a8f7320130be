//! What the lines of an exclusion file say.
//!
//! The shape is that of [`crate::ini`]; here a line also knows its place in the text, so that it
//! can be edited, and nothing is copied.

use std::ops::Range;

/// One line.
#[derive(Clone, Debug)]
pub(super) struct Line<'a> {
    /// Counted from 1.
    pub(super) number: usize,
    /// Its bytes in the text, with its end (`\n`, `\r\n`), without a byte order mark.
    pub(super) bytes: Range<usize>,
    /// Whether it stands in an `[exclusions]` section.
    pub(super) ours: bool,
    /// What it says.
    pub(super) says: Says<'a>,
}

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says<'a> {
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
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut end = text.len() - body.len();
    let mut ours = false;
    let numbered = body.split_inclusive('\n').zip(1..);
    numbered.map(move |(raw, number)| {
        let bytes = end..end + raw.len();
        end = bytes.end;
        let says = Says::of(raw.trim());
        if let Says::Section(name) = says {
            ours = name == "exclusions";
        }
        Line {
            number,
            bytes,
            ours,
            says,
        }
    })
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
        let says: Vec<_> = all.iter().map(|l| (l.number, l.ours, l.says)).collect();
        assert_eq!(
            says,
            [
                (1, true, Says::Section("exclusions")),
                (2, true, Says::Setting("a", "b=c")),
                (3, true, Says::Nothing),
                (4, true, Says::Nothing),
                (5, true, Says::Junk("= v")),
                (6, true, Says::Junk("[Exclusions")),
                (7, true, Says::Section("exclusions")),
                (8, true, Says::Setting("k", "")),
            ]
        );
        let again: String = all.iter().map(|l| &text[l.bytes.clone()]).collect();
        assert_eq!(format!("\u{feff}{again}"), text);
    }
}
