//! Adding and removing entries.

use super::super::entry::is_ours;
use super::super::{Entry, Rule};
use super::{AddError, Added, Document, NoSuchEntry};
use crate::line::{Line, Says, line_end, lines};

impl Document {
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
            self.text.push_str(line_end(&self.text));
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
            let ours = is_ours(&line) && !matches!(line.says, Says::Nothing);
            if ours {
                place.found = true;
                (place.at, place.line) = (line.bytes.end, line.number);
            }
            place.last_is_ours = is_ours(&line);
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
        place.line_end = line_end(before);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Rule {
        text.parse().unwrap()
    }

    fn added(text: &str, comment: Option<&str>) -> (usize, String) {
        let mut document = Document::parse("x.conf", text);
        match document.add(&rule("nqn=new"), comment).unwrap() {
            Added::Appended(line) => (line, document.to_string()),
            Added::AlreadyThere(line) => panic!("{line}"),
        }
    }

    #[test]
    fn where_an_entry_is_added() {
        for (text, line, want) in [
            ("", 2, "[exclusions]\nexclusion = nqn=new\n"),
            ("\u{feff}", 2, "\u{feff}[exclusions]\nexclusion = nqn=new\n"),
            ("# a", 4, "# a\n\n[exclusions]\nexclusion = nqn=new\n"),
            (
                "[x]\r\na=b\r\n",
                5,
                "[x]\r\na=b\r\n\r\n[exclusions]\r\nexclusion = nqn=new\r\n",
            ),
            (
                "[exclusions]\nexclusion = nqn=a\n\n# exclusion = nqn=b\n",
                5,
                "[exclusions]\nexclusion = nqn=a\n\n# exclusion = nqn=b\nexclusion = nqn=new\n",
            ),
            (
                "[exclusions]\r\nexclusion = nqn=a",
                3,
                "[exclusions]\r\nexclusion = nqn=a\r\nexclusion = nqn=new\r\n",
            ),
            (
                "[exclusions]\nexclusion = nqn=a\n\n# of x\n[x]\nk = v",
                3,
                "[exclusions]\nexclusion = nqn=a\nexclusion = nqn=new\n\n# of x\n[x]\nk = v",
            ),
            (
                "[exclusions]\n[x]\n[exclusions]\nexclusion = nqn=b\n[y]\n",
                5,
                "[exclusions]\n[x]\n[exclusions]\nexclusion = nqn=b\nexclusion = nqn=new\n[y]\n",
            ),
        ] {
            assert_eq!(added(text, None), (line, want.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn comments_are_comments() {
        let head = "[exclusions]\r\n";
        let (line, text) = added(head, Some("maintenance\n\nexclusion = transport=tcp"));
        assert_eq!(line, 5);
        let want = "# maintenance\r\n#\r\n# exclusion = transport=tcp\r\nexclusion = nqn=new\r\n";
        assert_eq!(text, format!("{head}{want}"));
        assert_eq!(added(head, Some("")).0, 2);

        let mut document = Document::parse("x.conf", head);
        for comment in ["a\rb", "bell \u{7}", "\0"] {
            let refused = document.add(&rule("nqn=new"), Some(comment));
            assert_eq!(refused, Err(AddError::Comment(comment.into())));
        }
        let refused = document.add(&rule("nqn=a\nexclusion = transport=tcp"), None);
        assert!(matches!(refused, Err(AddError::Rule(_))), "{refused:?}");
        assert_eq!(document, Document::parse("x.conf", head));
        assert!(!document.has_additions());
    }

    #[test]
    fn what_stands_there_is_not_added_again() {
        let text = "[exclusions]\nexclusion = nqn=a; transport = tcp ;\nexclusion = nqn=a\n";
        let mut document = Document::parse("x.conf", text);
        let there = document.add(&rule("transport=tcp;nqn=a"), Some("c"));
        assert_eq!(there, Ok(Added::AlreadyThere(2)));
        assert_eq!(document.text(), text);
        assert_eq!(there.unwrap().to_string(), "line 2 says so already");
    }

    #[test]
    fn the_last_line_gets_an_end() {
        for (text, want) in [
            ("", ""),
            ("\u{feff}", "\u{feff}"),
            ("a\n", "a\n"),
            ("a", "a\n"),
            ("a\r\nb", "a\r\nb\r\n"),
            ("a\nb\r", "a\nb\r\n"),
        ] {
            let mut document = Document::parse("x.conf", text);
            document.end_last_line();
            assert_eq!(document.text(), want);
        }
    }
}
