//! How much is there, on a terminal.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::tally::Tally;
use crate::output::clean;

/// A line on stderr, while stderr is a terminal; else nothing.
#[derive(Debug)]
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    pub(super) fn start(wanted: bool) -> Self {
        if !wanted || !io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {wide_msg}")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_secs(1));
        Self(Some(bar))
    }

    pub(super) fn show(&self, tally: &Tally) {
        let Some(bar) = &self.0 else { return };
        bar.set_length(tally.awaited as u64);
        bar.set_position((tally.awaited - tally.missing.len()) as u64);
        let first = tally.missing.first().map(ToString::to_string);
        bar.set_message(clean(&first.unwrap_or_default()).into_owned());
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
