//! `nvmf reload`

use clap::Args;

use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::commands::daemon;
use crate::output::Output;

/// Have nvme-discoverd read its configuration again, and wait until it did
///
/// Configuration, exclusions and boot tables are read as a whole: with an error in any of them all
/// stays as it was, and the errors are printed. Nothing is disconnected.
#[derive(Debug, Args)]
pub(crate) struct Reload {
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

impl Reload {
    #[expect(clippy::unused_self, reason = "the form of every command")]
    pub(crate) fn run(&self, out: &mut Output) -> anyhow::Result<Outcome> {
        let Err(why) = daemon::reload_daemon() else {
            return Ok(Outcome::Done);
        };
        for line in why.lines() {
            out.diagnostic(&format!("nvmf: reload: {line}"));
        }
        Ok(Outcome::Incomplete)
    }
}
