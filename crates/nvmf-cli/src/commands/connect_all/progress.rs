//! How far it is, on a terminal.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};

use crate::walk::Walker;

/// A line on stderr, while stderr is a terminal; else nothing.
#[derive(Debug)]
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    pub(super) fn start(wanted: bool) -> Self {
        if !wanted || !io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        Self(Some(bar))
    }

    /// How far the walk is now.
    pub(super) fn show(&self, walker: &Walker) {
        let Some(bar) = &self.0 else { return };
        bar.set_length(walker.targets().len() as u64);
        bar.set_position(walker.done() as u64);
        let now = walker.in_the_kernel().and_then(|target| target.tid());
        let now = now.map(|tid| tid.log_form()).unwrap_or_default();
        bar.set_message(crate::output::clean(&now).into_owned());
    }

    /// Has something else printed in between.
    pub(super) fn aside(&self, print: impl FnOnce()) {
        match &self.0 {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
