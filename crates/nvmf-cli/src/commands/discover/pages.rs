//! The log pages that were read.

use nvmf_types::log_page::DiscoveryLog;
use nvmf_types::{DeviceName, TransportId};
use serde::Serialize;

use super::text;
use crate::cli::Outcome as Exit;
use crate::commands::raw::RawFile;
use crate::output::Output;
use crate::walk::{Listener, Outcome, Page, Target, Walker, words};

/// What `-o json` shows of one discovery controller.
#[derive(Debug, Serialize)]
struct Single<'a> {
    /// The discovery controller, if it is still connected.
    device: Option<&'a DeviceName>,
    #[serde(flatten)]
    log: &'a DiscoveryLog,
}

/// What it shows of several.
#[derive(Debug, Serialize)]
struct Several<'a> {
    pages: Vec<Named<'a>>,
    failed: Vec<Failed<'a>>,
}

#[derive(Debug, Serialize)]
struct Named<'a> {
    tid: String,
    #[serde(flatten)]
    single: Single<'a>,
}

#[derive(Debug, Serialize)]
struct Failed<'a> {
    tid: String,
    error: &'a str,
}

/// Tells the user what goes wrong, and prints the pages in the end.
pub(super) struct Pages<'a> {
    out: &'a mut Output,
    quiet: bool,
    raw: &'a mut RawFile,
    unwritten: Option<anyhow::Error>,
}

impl<'a> Pages<'a> {
    pub(super) const fn new(out: &'a mut Output, quiet: bool, raw: &'a mut RawFile) -> Self {
        Self {
            out,
            quiet,
            raw,
            unwritten: None,
        }
    }

    /// Prints them in the order in which their controllers were found, unless they went to a file;
    /// a `single` one without saying whose it is.
    pub(super) fn print(self, walker: &Walker, single: bool) -> anyhow::Result<Exit> {
        if walker.is_interrupted() {
            return Ok(Exit::Interrupted);
        }
        if let Some(error) = self.unwritten {
            return Err(error);
        }
        let all = Several::of(walker.targets());
        if !self.raw.is_wanted() {
            match all.pages.as_slice() {
                [] if single => {}
                [page] if single => self
                    .out
                    .result(&page.single, |it| text::render(it.device, it.log))?,
                _ => self.out.result(&all, Several::render)?,
            }
        }
        let skipped = |target: &Target| matches!(target.outcome(), Some(Outcome::Foreign { .. }));
        match all.failed.is_empty() && !walker.targets().iter().any(skipped) {
            true => Ok(Exit::Done),
            false => Ok(Exit::Incomplete),
        }
    }

    fn say(&mut self, target: &Target, text: &str) {
        let name = target.tid().map(TransportId::log_form).unwrap_or_default();
        self.out
            .diagnostic(&format!("nvmf: discover: {name}: {text}"));
    }
}

impl<'a> Several<'a> {
    fn of(targets: &'a [Target]) -> Self {
        let mut all = Self {
            pages: Vec::new(),
            failed: Vec::new(),
        };
        for target in targets {
            let tid = target.tid().map(ToString::to_string).unwrap_or_default();
            let mut device = None;
            match target.outcome() {
                Some(Outcome::Failed(error)) => all.failed.push(Failed {
                    tid: tid.clone(),
                    error,
                }),
                Some(
                    Outcome::Connected { device: stays, .. }
                    | Outcome::AlreadyConnected { device: stays, .. },
                ) => device = Some(stays),
                _ => {}
            }
            if let Some(log) = target.log() {
                let single = Single { device, log };
                all.pages.push(Named { tid, single });
            }
        }
        all
    }

    fn render(&self) -> String {
        let page = |page: &Named<'_>| {
            let Single { device, log } = page.single;
            let text = text::render(device, log);
            format!("Discovery log page of {}\n{text}", page.tid)
        };
        let pages: Vec<String> = self.pages.iter().map(page).collect();
        pages.join("\n\n")
    }
}

impl Listener for Pages<'_> {
    fn settled(&mut self, _: &Walker, target: &Target) {
        match target.outcome() {
            Some(Outcome::Failed(reason)) => self.say(target, reason),
            Some(Outcome::Foreign { device, owner }) if !self.quiet => {
                self.say(target, &words::skipped(device, owner));
            }
            Some(Outcome::Excluded(origin)) if !self.quiet => {
                self.say(target, &format!("excluded by {origin}, not asked"));
            }
            _ => {}
        }
    }

    fn page(&mut self, target: &Target, page: &Page) {
        if let Err(error) = self.raw.write(&page.bytes) {
            self.unwritten.get_or_insert(error);
        }
        for ignored in &page.log.ignored {
            self.say(target, &format!("{ignored}: left out"));
        }
    }

    fn interrupted(&mut self, walker: &Walker) {
        if let Some(target) = walker.in_the_kernel() {
            self.say(target, words::IN_THE_KERNEL);
        }
    }
}
