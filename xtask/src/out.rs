//! All that xtask prints: plain lines, verdicts with colour on a terminal, progress of long steps.

use std::fmt::Display;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};

/// Prints one line on standard output.
pub(crate) fn line(text: impl Display) {
    anstream::println!("{text}");
}

/// Prints the line that announces a step of a longer command.
pub(crate) fn step(text: impl Display) {
    let style = Style::new().bold().fg_color(Some(AnsiColor::Cyan.into()));
    anstream::println!("{style}==>{style:#} {text}");
}

/// Prints one line on standard error, for what went wrong or needs attention.
pub(crate) fn warn(text: impl Display) {
    let style = Style::new().bold().fg_color(Some(AnsiColor::Yellow.into()));
    anstream::eprintln!("{style}warning:{style:#} {text}");
}

/// Prints an error with its causes on standard error.
pub(crate) fn error(error: &anyhow::Error) {
    let style = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    anstream::eprintln!("{style}error:{style:#} {error:#}");
}

/// How one test went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All that the test claims is true.
    Pass,
    /// Something is not.
    Fail(String),
    /// The test cannot be run here, and why.
    Skip(String),
}

/// Prints the line for one test, as `PASS [  3.2s] smoke::guest_is_ready`.
pub(crate) fn verdict(verdict: &Verdict, name: &str, took: Duration) {
    let seconds = format!("[{:>6.1}s]", took.as_secs_f64());
    let (word, colour, why) = match verdict {
        Verdict::Pass => ("PASS", AnsiColor::Green, String::new()),
        Verdict::Fail(why) => ("FAIL", AnsiColor::Red, format!(" ({why})")),
        Verdict::Skip(why) => ("SKIP", AnsiColor::Yellow, format!(" ({why})")),
    };
    let style = Style::new().bold().fg_color(Some(colour.into()));
    anstream::println!("{style}{word}{style:#} {seconds} {name}{why}");
}

/// A step that takes a while: a spinner with the time on a terminal, plain lines otherwise.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    started: Instant,
}

impl Progress {
    /// Announces the step.
    pub(crate) fn start(title: &str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {elapsed} {msg}") {
                bar.set_style(style);
            }
            bar.set_prefix(title.to_owned());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        if bar.is_none() {
            step(format_args!("{title} …"));
        }
        Self {
            bar,
            started: Instant::now(),
        }
    }

    /// Says what is going on within the step.
    pub(crate) fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(text.chars().take(60).collect::<String>()),
            None => line(format_args!(
                "    [{:>4.0}s] {text}",
                self.started.elapsed().as_secs_f64()
            )),
        }
    }

    /// The step is done; `text` says what there is now. The time it took is added.
    pub(crate) fn done(self, text: &str) -> Duration {
        let took = self.started.elapsed();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        step(format_args!("{text} ({:.1} s)", took.as_secs_f64()));
        took
    }
}
