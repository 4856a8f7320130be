//! `nvmf status`

mod offline;
mod page;
mod text;
mod view;
mod watch;

use anyhow::Context;
use clap::Args;
use nvmf::Root;

use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::commands::daemon;
use crate::output::Output;
pub(crate) use offline::of as without_daemon;
#[cfg(feature = "tui")]
pub(crate) use page::{HEADER, Mood, Page, Shown};
pub(crate) use view::{Row, View};

/// Show what should be connected, what is, and why not
///
/// Asks nvme-discoverd; without it the state is put together from the kernel, the registry, the
/// configuration, the firmware's boot tables and the exclusions.
#[derive(Debug, Args)]
#[command(after_help = "With -v also who asks for each connection, and what went wrong last.")]
pub(crate) struct Status {
    /// Go on until stopped with Ctrl-C; in a pipe, print it again whenever something changed
    #[arg(short, long)]
    watch: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// How things are.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) view: View,
    /// The same for programs, in one line: the daemon's own words, if it was asked.
    json: String,
    /// Why the daemon was not.
    pub(crate) without_daemon: Option<String>,
}

impl Status {
    pub(crate) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        if self.watch {
            return watch::run(root, out);
        }
        let seen = look(root)?;
        if let Some(why) = &seen.without_daemon {
            out.diagnostic(&format!("nvmf: status: {why}"));
        }
        show(root, out, &seen)
    }
}

/// What is known of all connections: by the daemon, or without it as [`offline::view`] says. Only
/// the running system's daemon is asked.
pub(crate) fn known(root: &Root) -> View {
    let answer = root.is_system().then(daemon::daemon_status);
    let view = answer.and_then(|answer| serde_json::from_str(&answer.ok()?).ok());
    view.unwrap_or_else(|| offline::view(root))
}

/// Asks the daemon, or does without.
pub(crate) fn look(root: &Root) -> anyhow::Result<Look> {
    match daemon::daemon_status() {
        Ok(json) => Look::of_daemon(&json),
        Err(reason) => {
            let view = offline::view(root);
            let sources = "the kernel, the registry, the configuration and the boot tables";
            Ok(Look {
                json: serde_json::to_string(&view).context("cannot write JSON")?,
                view,
                without_daemon: Some(format!("{reason}: showing what {sources} say")),
            })
        }
    }
}

impl Look {
    pub(crate) fn of_daemon(json: &str) -> anyhow::Result<Self> {
        let view = serde_json::from_str(json)
            .context("the answer of nvme-discoverd is not understood: are both of one version?")?;
        Ok(Self {
            view,
            json: json.trim_end().to_owned(),
            without_daemon: None,
        })
    }
}

#[cfg(feature = "tui")]
impl Look {
    /// As people see it after so many milliseconds; the kernel is asked anew.
    pub(crate) fn page(&self, root: &Root, age_ms: u64) -> Page {
        let view = self.view.clone().aged(age_ms);
        Page::new(&view, |row| view::kernel_state(root, row))
    }
}

/// The daemon's own words with `-o json`, a table of them otherwise.
fn show(root: &Root, out: &mut Output, seen: &Look) -> anyhow::Result<Outcome> {
    if out.json() && seen.without_daemon.is_none() {
        out.line(&seen.json)?;
        return Ok(Outcome::Done);
    }
    let verbose = out.verbose();
    out.result(&seen.view, |view| {
        text::render(view, |row| view::kernel_state(root, row), verbose)
    })?;
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::testing::FakeHost;

    #[test]
    fn the_daemons_words_are_passed_on() {
        let host = FakeHost::new();
        let json = r#"{"connections":[],"new-key":1,"daemon":{"version":"0.1.0","pid":7}}"#;
        let seen = Look::of_daemon(json).unwrap();
        let mut out = Output::captured(Format::Json, false);
        show(&host.root(), &mut out, &seen).unwrap().expect_done();
        assert_eq!(out.stdout(), format!("{json}\n"));

        let mut out = Output::captured(Format::Normal, false);
        show(&host.root(), &mut out, &seen).unwrap().expect_done();
        assert_eq!(out.stdout(), "0 desired\n");

        let error = Look::of_daemon("{").unwrap_err();
        assert!(error.to_string().contains("one version"));
    }
}
