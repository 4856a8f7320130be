//! `nvmf wait`

mod progress;
mod tally;

use std::time::{Duration, Instant};

use clap::Args;
use nvmf::{Root, sysfs};
use nvmf_types::Nqn;
use serde::Serialize;

use super::feed::{Feed, Wake};
use super::offline::Host;
use super::status;
use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::output::{Output, clean};
use progress::Progress;
use tally::{Missing, Seen, Tally, What};

/// Wait until what is to be connected is
///
/// Waits for what the configuration and the firmware's boot tables name, through nvme-discoverd or,
/// without it, as the kernel and the files say. A connection is there when its controller is live,
/// whoever made it. What is excluded is not waited for, nor a discovery controller that is
/// not to stay connected, once it was read (`persistent = no`). Exit status: 0 if all is connected, 1 if
/// something is not when the time is over.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  nvmf wait\n  nvmf wait --all --timeout 300\n  nvmf wait nqn.2014-08.org.example:root && mount /data"
)]
pub(crate) struct Wait {
    /// Wait for these subsystems instead, until each is connected by one way at least
    #[arg(value_name = "NQN", value_parser = Nqn::reported, conflicts_with = "all")]
    nqns: Vec<Nqn>,
    /// Wait for what discovery controllers name and for what is announced, too
    #[arg(long)]
    all: bool,
    /// How long; 0: only look
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u32,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What `-o json` shows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report {
    /// Whether all is.
    connected: bool,
    /// How much was waited for.
    awaited: usize,
    missing: Vec<Missing>,
}

/// Changes come in bursts: looked at most so often.
const PACE: Duration = Duration::from_millis(100);
/// Not everything is told, so this often in any case.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

impl Wait {
    pub(crate) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let feed = Feed::start();
        let until = Instant::now() + Duration::from_secs(u64::from(self.timeout));
        self.wait(&feed, until, out, || look(root))
    }

    fn wait(
        &self,
        feed: &Feed,
        until: Instant,
        out: &mut Output,
        mut look: impl FnMut() -> Seen,
    ) -> anyhow::Result<Outcome> {
        let what = match (self.all, self.nqns.as_slice()) {
            (true, _) => What::Desired,
            (false, []) => What::Configured,
            (false, nqns) => What::Subsystems(nqns),
        };
        let progress = Progress::start(!out.json());
        loop {
            let seen = look();
            let tally = Tally::of(&seen, &what);
            let left = until.saturating_duration_since(Instant::now());
            if tally.missing.is_empty() || left.is_zero() {
                progress.end();
                return self.tell(tally, &seen, out);
            }
            progress.show(&tally);
            let stopped = !feed.rest(PACE.min(left))
                || feed.next(LOOK_AGAIN.min(left.saturating_sub(PACE))) == Wake::Stop;
            if stopped {
                progress.end();
                return Ok(Outcome::Interrupted);
            }
        }
    }

    fn tell(&self, tally: Tally, seen: &Seen, out: &mut Output) -> anyhow::Result<Outcome> {
        let report = Report {
            connected: tally.missing.is_empty(),
            awaited: tally.awaited,
            missing: tally.missing,
        };
        out.result(&report, |report| match report.awaited {
            0 => "nothing is to be connected".to_owned(),
            all => format!("{} of {all} connected", all - report.missing.len()),
        })?;
        if report.connected {
            if self.all && !seen.daemon {
                out.diagnostic(
                    "nvmf: wait: nvme-discoverd is not running: nobody knows what discovery controllers name",
                );
            }
            return Ok(Outcome::Done);
        }
        for missing in &report.missing {
            out.diagnostic(&format!("nvmf: wait: not connected: {missing}"));
        }
        for problem in &seen.view.problems {
            let problem = clean(problem);
            out.detail(&format!("nvmf: wait: problem: {problem}"));
        }
        if !seen.daemon {
            out.diagnostic(
                "nvmf: wait: nvme-discoverd is not running: `systemctl start nvme-discoverd`, or connect by hand",
            );
        }
        Ok(Outcome::Incomplete)
    }
}

/// How things are now.
fn look(root: &Root) -> Seen {
    let view = status::known(root);
    let host = Host::read(root, None);
    Seen {
        daemon: view.daemon.is_some(),
        wanted: status::without_daemon(&host),
        unresolved: tally::unresolved(&host),
        live: sysfs::controllers(root).unwrap_or_default(),
        view,
    }
}

#[cfg(test)]
mod tests;
