//! How the story looks on a terminal and in a log.
#![expect(clippy::print_stdout, reason = "the demo is what it prints")]

use std::env;
use std::fmt::Display;
use std::io::{IsTerminal, stdout};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::{Ran, TimedOut};

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set; everywhere if `CLICOLOR_FORCE` is.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The story while it is told.
#[derive(Debug)]
pub(super) struct Story {
    began: Instant,
    uptime: Option<Duration>,
    color: bool,
    steps: usize,
    seen: usize,
    missed: Vec<String>,
}

impl Story {
    pub(super) fn begin(color: Color) -> Self {
        let color = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto if env::var_os("NO_COLOR").is_some() => false,
            Color::Auto => env::var_os("CLICOLOR_FORCE").is_some() || stdout().is_terminal(),
        };
        let uptime = env::var("NVMF_DEMO_UPTIME_MS")
            .ok()
            .and_then(|text| text.parse().ok());
        Self {
            began: Instant::now(),
            uptime: uptime.map(Duration::from_millis),
            color,
            steps: 0,
            seen: 0,
            missed: Vec::new(),
        }
    }

    /// How long ago the machine was switched on, if whoever started us said so.
    pub(super) fn since_power_on(&self) -> Option<Duration> {
        Some(self.uptime? + self.began.elapsed())
    }

    /// Begins a step.
    pub(super) fn step(&mut self, title: &str) {
        self.steps += 1;
        println!(
            "\n{}",
            self.paint("1;36", format_args!("{}. {title}", self.steps))
        );
    }

    /// Says something.
    pub(super) fn say(&self, text: impl Display) {
        for line in text.to_string().lines() {
            println!("   {line}");
        }
    }

    /// Shows a text as it is: a file, a program's output.
    pub(super) fn quote(&self, title: &str, text: &str) {
        println!("   {}", self.paint("1", title));
        for line in text.lines() {
            println!("   {} {line}", self.paint("2", "|"));
        }
    }

    /// Shows a command line and what it printed.
    pub(super) fn show(&self, ran: &Ran) {
        let text = format!("{}{}", ran.stdout, ran.stderr);
        self.quote(&format!("# {}", ran.command), &text);
    }

    /// Says whether something was seen to be true.
    pub(super) fn check(&mut self, what: impl Display, seen: bool) {
        if seen {
            self.seen += 1;
            println!("   {} {what}", self.paint("1;32", "✓"));
        } else {
            println!("   {} {what}", self.paint("1;31", "✗"));
            self.missed.push(format!("{}. {what}", self.steps));
        }
    }

    /// Says what was waited for and whether it came true.
    pub(super) fn check_wait(&mut self, what: impl Display, waited: &Result<Duration, TimedOut>) {
        match waited {
            Ok(taken) => self.check(format_args!("{what} ({:.1} s)", taken.as_secs_f64()), true),
            Err(TimedOut { limit, .. }) => {
                self.check(
                    format_args!("{what}: not within {} s", limit.as_secs()),
                    false,
                );
            }
        }
    }

    /// Whether everything was seen until now.
    pub(super) fn is_true_so_far(&self) -> bool {
        self.missed.is_empty()
    }

    /// Ends the story.
    pub(super) fn end(self) -> ExitCode {
        let seconds = self.began.elapsed().as_secs();
        if self.missed.is_empty() {
            let text = format!(
                "All {} things were seen to be true, in {seconds} s.",
                self.seen
            );
            println!("\n{}", self.paint("1;32", text));
            return ExitCode::SUCCESS;
        }
        let text = format!(
            "{} of {} not seen; the story ends here:",
            self.missed.len(),
            self.seen + self.missed.len()
        );
        println!("\n{}", self.paint("1;31", text));
        for missed in &self.missed {
            println!("   {missed}");
        }
        ExitCode::FAILURE
    }

    fn paint(&self, code: &str, text: impl Display) -> String {
        if self.color {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_not_seen_fails_the_story() {
        let mut story = Story::begin(Color::Never);
        story.step("one");
        story.check("this", true);
        story.check_wait("that", &Ok(Duration::from_millis(70)));
        assert_eq!((story.seen, story.missed.len()), (2, 0));
        let limit = Duration::from_secs(5);
        story.check_wait(
            "those",
            &Err(TimedOut {
                what: String::new(),
                limit,
            }),
        );
        assert_eq!(story.missed, ["1. those: not within 5 s"]);
        assert_eq!(
            format!("{:?}", story.end()),
            format!("{:?}", ExitCode::FAILURE)
        );
    }

    #[test]
    fn colour_is_only_used_when_asked_for() {
        assert_eq!(Story::begin(Color::Never).paint("1", "x"), "x");
        assert_eq!(
            Story::begin(Color::Always).paint("1", "x"),
            "\u{1b}[1mx\u{1b}[0m"
        );
    }
}
