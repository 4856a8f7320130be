//! Everything that is written for the user: the only place that prints.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use annotate_snippets::Renderer;
use anstream::adapter::strip_str;
use anyhow::Context;
use dialoguer::console::Term;
use nvmf_types::config::Problem;
use serde::Serialize;

use crate::args::{Format, OutputArgs};
use crate::snippet::annotated;

/// Where a command writes to: results on stdout, diagnostics on stderr. Colours reach terminals
/// only.
#[derive(Debug)]
pub(crate) struct Output {
    format: Format,
    verbose: bool,
    sink: Sink,
}

#[derive(Debug)]
enum Sink {
    Process,
    #[cfg(test)]
    Memory {
        stdout: String,
        stderr: String,
    },
}

/// Whether anybody still reads what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Reader {
    There,
    /// The reader has seen enough.
    Gone,
}

impl Output {
    pub(crate) const fn new(args: &OutputArgs) -> Self {
        Self {
            format: args.output_format,
            verbose: args.verbose,
            sink: Sink::Process,
        }
    }

    /// Whether `-o json` was given.
    pub(crate) const fn json(&self) -> bool {
        matches!(self.format, Format::Json)
    }

    /// Whether `-v` was given.
    pub(crate) const fn verbose(&self) -> bool {
        self.verbose
    }

    /// Prints `text` and a newline as a result, in either format.
    pub(crate) fn line(&mut self, text: &str) -> anyhow::Result<()> {
        // A reader who has seen enough is no failure.
        self.write(text).map(|_| ())
    }

    /// Prints `text` and a newline at once, in one write.
    fn write(&mut self, text: &str) -> anyhow::Result<Reader> {
        match &mut self.sink {
            Sink::Process => {
                let mut stdout = anstream::stdout().lock();
                let line = format!("{text}\n");
                let written = stdout.write_all(line.as_bytes());
                match written.and_then(|()| stdout.flush()) {
                    Ok(()) => Ok(Reader::There),
                    Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
                    Err(e) => Err(e).context("cannot write to the standard output"),
                }
            }
            #[cfg(test)]
            Sink::Memory { stdout, .. } => {
                stdout.push_str(text);
                stdout.push('\n');
                Ok(Reader::There)
            }
        }
    }

    /// Prints `text` and a newline as one of many results, and says whether it was read.
    pub(crate) fn text(&mut self, text: &str) -> anyhow::Result<Reader> {
        self.write(text)
    }

    /// Prints one of many results on a line of its own: `value` as JSON with `-o json`, or else the
    /// text that `render` makes of it.
    pub(crate) fn record<T: Serialize>(
        &mut self,
        value: &T,
        render: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<Reader> {
        if self.json() {
            let text = serde_json::to_string(value).context("cannot write JSON")?;
            return self.write(&text);
        }
        self.write(&render(value))
    }

    /// Prints the result: `value` with `-o json`, or else the text that `render` makes of it.
    pub(crate) fn result<T: Serialize>(
        &mut self,
        value: &T,
        render: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        if self.json() {
            let text = serde_json::to_string_pretty(value).context("cannot write JSON")?;
            return self.line(&text);
        }
        let text = render(value);
        match text.strip_suffix('\n').unwrap_or(&text) {
            "" => Ok(()),
            text => self.line(text),
        }
    }

    /// Writes a line to stderr. What cannot be written there cannot be told anywhere.
    pub(crate) fn diagnostic(&mut self, text: &str) {
        match &mut self.sink {
            Sink::Process => {
                let _ = writeln!(anstream::stderr(), "{}", clean_lines(text));
            }
            #[cfg(test)]
            Sink::Memory { stderr, .. } => {
                stderr.push_str(&clean_lines(text));
                stderr.push('\n');
            }
        }
    }

    /// Tells of a problem in a file: on a terminal with the line, otherwise in one line.
    pub(crate) fn problem(&mut self, problem: &Problem) {
        if matches!(self.sink, Sink::Process) && io::stderr().is_terminal() {
            let text = annotated(problem, &Renderer::styled());
            let _ = writeln!(anstream::stderr(), "{text}\n");
        } else {
            self.diagnostic(&problem.to_string());
        }
    }

    /// Like [`Self::diagnostic`], with `-v` only.
    pub(crate) fn detail(&mut self, text: &str) {
        if self.verbose {
            self.diagnostic(text);
        }
    }
}

/// A terminal that the same place is drawn to again and again.
#[derive(Debug)]
pub(crate) struct Screen {
    terminal: Term,
    colour: bool,
}

impl Screen {
    /// The standard output, if it is a terminal that can do that, and people read it.
    pub(crate) fn of_stdout(out: &Output) -> Option<Self> {
        let terminal = Term::stdout();
        if out.json() || !is_terminal() {
            return None;
        }
        Some(Self {
            terminal,
            colour: colours(),
        })
    }

    /// Draws `text` in place of what is there; what does not fit is left out.
    pub(crate) fn draw(&self, text: &str) -> anyhow::Result<()> {
        let (height, width) = self.terminal.size();
        let text = match self.colour {
            true => Cow::Borrowed(text),
            false => Cow::Owned(strip_str(text).to_string()),
        };
        let frame = frame(&text, usize::from(height), usize::from(width));
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(frame.as_bytes());
        let written = written.and_then(|()| stdout.flush());
        written.context("cannot write to the standard output")
    }
}

/// Whether the standard output is a terminal that can be drawn on.
pub(crate) fn is_terminal() -> bool {
    let able = std::env::var_os("TERM").is_some_and(|name| name != "dumb");
    able && io::stdout().is_terminal()
}

/// Whether the standard output may have colours.
pub(crate) fn colours() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

/// From the upper left corner on, each line cut to `width` columns and its rest cleared.
fn frame(text: &str, height: usize, width: usize) -> String {
    let mut frame = "\u{1b}[H".to_owned();
    let lines: Vec<&str> = text.lines().collect();
    // the cursor's own line
    let room = height.saturating_sub(1);
    let (shown, more) = match lines.len() {
        all if all <= room => (all, None),
        all => (room.saturating_sub(1), Some(all - room.saturating_sub(1))),
    };
    let cut = lines.iter().take(shown).map(|line| fit(line, width));
    let more = more.map(|more| format!("… and {more} more lines"));
    for line in cut.chain(more) {
        frame.push_str(&line);
        frame.push_str("\u{1b}[K\n");
    }
    frame.push_str("\u{1b}[J");
    frame
}

/// The first `width` columns of a line, with all its colours.
fn fit(line: &str, width: usize) -> String {
    let columns: usize = strip_str(line).map(|part| part.chars().count()).sum();
    // of what is too long, the last column says so
    let room = if columns > width {
        width.saturating_sub(1)
    } else {
        columns
    };
    let (mut cut, mut column, mut in_colour) = (String::new(), 0, false);
    for c in line.chars() {
        if c == '\u{1b}' || in_colour {
            // `ESC [ … m`
            in_colour = c != 'm';
            cut.push(c);
            continue;
        }
        if column < room {
            cut.push(c);
        } else if column == room {
            cut.push('…');
        }
        column += 1;
    }
    cut
}

/// `text` with everything escaped that could make a terminal do something or show another order:
/// names and addresses come from targets.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_unprintable) {
        let mut cleaned = String::with_capacity(text.len());
        for c in text.chars() {
            if is_unprintable(c) {
                let _ = write!(cleaned, "{}", c.escape_default());
            } else {
                cleaned.push(c);
            }
        }
        Cow::Owned(cleaned)
    } else {
        Cow::Borrowed(text)
    }
}

/// [`clean`] line by line.
fn clean_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
impl Output {
    pub(crate) const fn captured(format: Format, verbose: bool) -> Self {
        Self {
            format,
            verbose,
            sink: Sink::Memory {
                stdout: String::new(),
                stderr: String::new(),
            },
        }
    }

    pub(crate) fn stdout(&self) -> &str {
        match &self.sink {
            Sink::Memory { stdout, .. } => stdout,
            Sink::Process => "",
        }
    }

    pub(crate) fn stderr(&self) -> &str {
        match &self.sink {
            Sink::Memory { stderr, .. } => stderr,
            Sink::Process => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_get_no_orders() {
        assert_eq!(
            clean("nqn.2014-08.org.example:ä"),
            "nqn.2014-08.org.example:ä"
        );
        assert_eq!(clean("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
        assert_eq!(clean("\u{9b}31m\u{202e}x"), "\\u{9b}31m\\u{202e}x");
        assert_eq!(clean_lines("a\nb\u{7}"), "a\nb\\u{7}");
    }

    #[test]
    fn a_frame_fits() {
        let red = "\u{1b}[31mabcdef\u{1b}[0m";
        assert_eq!(fit(red, 6), red);
        assert_eq!(fit(red, 4), "\u{1b}[31mabc…\u{1b}[0m");
        assert_eq!(fit("ä", 1), "ä");
        let end = "\u{1b}[K\n";
        assert_eq!(
            frame("a\nb\nc", 4, 9),
            format!("\u{1b}[Ha{end}b{end}c{end}\u{1b}[J")
        );
        assert_eq!(
            frame("a\nb\nc", 3, 30),
            format!("\u{1b}[Ha{end}… and 2 more lines{end}\u{1b}[J")
        );
    }

    #[test]
    fn one_value_two_forms() {
        let render = |v: &Vec<u8>| format!("{} numbers\n", v.len());
        let mut out = Output::captured(Format::Normal, false);
        out.result(&vec![1, 2], render).unwrap();
        assert_eq!(out.stdout(), "2 numbers\n");
        let mut out = Output::captured(Format::Json, false);
        out.result(&vec![1, 2], render).unwrap();
        assert_eq!(out.stdout(), "[\n  1,\n  2\n]\n");
        out.detail("not without -v");
        assert_eq!(out.stderr(), "");
    }
}
