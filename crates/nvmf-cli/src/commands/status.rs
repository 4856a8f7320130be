//! `nvmf status`

mod offline;
mod text;
mod view;

use anyhow::Context;
use clap::Args;
use nvmf::Root;

use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::commands::daemon;
use crate::output::Output;
pub(crate) use view::View;

/// Show what should be connected, what is, and why not
///
/// Asks nvme-discoverd; without it the state is put together from the kernel, the registry and the
/// configuration.
#[derive(Debug, Args)]
#[command(after_help = "With -v also who asks for each connection, and what went wrong last.")]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

impl Status {
    #[expect(clippy::unused_self, reason = "the form of every command")]
    pub(crate) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        match daemon::daemon_status() {
            Ok(json) => show_daemon(root, out, &json),
            Err(reason) => {
                out.diagnostic(&format!(
                    "nvmf: status: {reason}: showing what the kernel, the registry and the configuration say"
                ));
                let view = offline::view(root);
                show(root, out, &view)
            }
        }
    }
}

/// What is known of all connections: by the daemon, or without it as [`offline::view`] says. Only
/// the running system's daemon is asked.
pub(crate) fn known(root: &Root) -> View {
    let answer = root.is_system().then(daemon::daemon_status);
    let view = answer.and_then(|answer| serde_json::from_str(&answer.ok()?).ok());
    view.unwrap_or_else(|| offline::view(root))
}

/// The daemon's own words with `-o json`, a table of them otherwise.
fn show_daemon(root: &Root, out: &mut Output, json: &str) -> anyhow::Result<Outcome> {
    if out.json() {
        out.line(json.trim_end())?;
        return Ok(Outcome::Done);
    }
    let view: View = serde_json::from_str(json)
        .context("the answer of nvme-discoverd is not understood: are both of one version?")?;
    show(root, out, &view)
}

fn show(root: &Root, out: &mut Output, view: &View) -> anyhow::Result<Outcome> {
    let verbose = out.verbose();
    out.result(view, |view| {
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
        let mut out = Output::captured(Format::Json, false);
        let outcome = show_daemon(&host.root(), &mut out, json).unwrap();
        assert_eq!(
            (outcome, out.stdout()),
            (Outcome::Done, &*format!("{json}\n"))
        );

        let mut out = Output::captured(Format::Normal, false);
        let _ = show_daemon(&host.root(), &mut out, json).unwrap();
        assert_eq!(out.stdout(), "0 desired\n");

        let error = show_daemon(&host.root(), &mut out, "{").unwrap_err();
        assert!(error.to_string().contains("one version"));
    }
}
