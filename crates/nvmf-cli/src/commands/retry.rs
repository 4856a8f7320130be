//! `nvmf retry`

use anyhow::{Error, bail};
use clap::Args;
use discoverd_core::Subject;
use nvmf_types::TransportId;
use serde::Serialize;

use super::status::{Look, Row, View};
use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::commands::daemon;
use crate::output::Output;

/// Have nvme-discoverd make the attempts now that wait for their time
///
/// Also those that were given up, and reads of discovery controllers that are connected only to be
/// read (`persistent = no`). Does not wait for what comes of it: see nvmf status, or nvmf wait. Exit
/// status: 1 if nothing asks for what is named.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  nvmf retry\n  nvmf retry nqn.2014-08.org.example:a\n  nvmf retry 'transport=tcp;traddr=192.0.2.10;nqn=nqn.2014-08.org.example:a'"
)]
pub(crate) struct Retry {
    /// Only a subsystem's, or those of a connection's fields: transport=…;traddr=…;nqn=…
    #[arg(value_name = "NQN|TRANSPORT-ID")]
    what: Option<Subject>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What `-o json` shows.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Report {
    retried: Vec<Retried>,
}

/// A connection that is tried now.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Retried {
    connection: String,
    /// What it was before, as in the status.
    state: String,
}

impl Retry {
    pub(crate) fn run(&self, out: &mut Output) -> anyhow::Result<Outcome> {
        let view = Look::of_daemon(&daemon::daemon_status().map_err(Error::msg)?)?.view;
        let waiting = waiting(&view, self.what.as_ref())?;
        match self.what {
            // all at once, the most urgent ones first
            None => daemon::retry("").map_err(Error::msg)?,
            Some(_) => {
                let mut all = waiting.iter();
                all.try_for_each(|(tid, _)| daemon::retry(&tid.to_string()))
                    .map_err(Error::msg)?;
            }
        }
        let retried = waiting.into_iter().map(|(tid, state)| Retried {
            connection: tid.log_form().to_string(),
            state,
        });
        let report = Report {
            retried: retried.collect(),
        };
        out.result(&report, render)?;
        Ok(Outcome::Done)
    }
}

/// The connections that wait for their time, or are not tried any more, and their states.
fn waiting(view: &View, what: Option<&Subject>) -> anyhow::Result<Vec<(TransportId, String)>> {
    let desired = view
        .connections
        .iter()
        .filter(|row| !row.sources.is_empty());
    let is_meant = |row: &&Row| what.is_none_or(|what| is_meant(row, what));
    let meant: Vec<&Row> = desired.filter(is_meant).collect();
    if let (true, Some(what)) = (meant.is_empty(), what) {
        bail!("nothing asks for {what}: see nvmf status");
    }
    let waits = |row: &&Row| matches!(row.state.as_str(), "retrying" | "gave-up" | "idle");
    let waiting = meant.into_iter().filter(waits);
    Ok(waiting
        .filter_map(|row| Some((row.transport_id()?, row.state.clone())))
        .collect())
}

fn is_meant(row: &Row, what: &Subject) -> bool {
    match what {
        Subject::Device(device) => row.device.as_deref() == Some(device.as_str()),
        what => row
            .transport_id()
            .is_some_and(|tid| what.is_connection(&tid)),
    }
}

fn render(report: &Report) -> String {
    match report.retried.as_slice() {
        [] => "nothing waits for its time".to_owned(),
        [one] => format!("tried now: {}", one.connection),
        all => format!("tried now: {} connections", all.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(nqn: &str, traddr: &str, state: &str) -> Row {
        Row {
            transport: "tcp".to_owned(),
            traddr: Some(traddr.to_owned()),
            trsvcid: Some("4420".to_owned()),
            nqn: format!("nqn.2014-08.org.example:{nqn}"),
            state: state.to_owned(),
            sources: vec!["f:1".to_owned()],
            ..Row::default()
        }
    }

    /// What waits of that which is meant: `a 192.0.2.1`.
    fn tried(what: &str) -> Result<Vec<String>, String> {
        let mut left = row("left", "192.0.2.1", "retrying");
        left.sources.clear();
        let view = View {
            connections: vec![
                row("a", "192.0.2.1", "retrying"),
                row("a", "192.0.2.2", "connected"),
                row("a", "192.0.2.3", "gave-up"),
                row("b", "192.0.2.1", "idle"),
                row("c", "192.0.2.1", "excluded"),
                left,
            ],
            ..View::default()
        };
        let what: Option<Subject> = (!what.is_empty()).then(|| what.parse().unwrap());
        let waiting = waiting(&view, what.as_ref()).map_err(|error| error.to_string())?;
        let short = waiting.iter().map(|(tid, _)| {
            let nqn = tid.nqn.as_str().rsplit(':').next().unwrap();
            format!("{nqn} {}", tid.field("traddr").unwrap())
        });
        Ok(short.collect())
    }

    #[test]
    fn what_waits_and_is_meant() {
        let all = ["a 192.0.2.1", "a 192.0.2.3", "b 192.0.2.1"];
        assert_eq!(tried("").unwrap(), all);
        assert_eq!(tried("nqn.2014-08.org.example:a").unwrap(), all[..2]);
        let one = "transport=tcp;traddr=192.0.2.3;nqn=nqn.2014-08.org.example:a";
        assert_eq!(tried(one).unwrap(), all[1..2]);
        assert_eq!(tried("nqn.2014-08.org.example:c").unwrap(), [""; 0]);
        let error = tried("nqn.2014-08.org.example:left").unwrap_err();
        assert_eq!(
            error,
            "nothing asks for nqn.2014-08.org.example:left: see nvmf status"
        );
    }

    #[test]
    fn people_are_told_how_much() {
        let retried = |count| Report {
            retried: (0..count)
                .map(|n| Retried {
                    connection: format!("(tcp, {n})"),
                    state: "retrying".to_owned(),
                })
                .collect(),
        };
        assert_eq!(render(&retried(0)), "nothing waits for its time");
        assert_eq!(render(&retried(1)), "tried now: (tcp, 0)");
        assert_eq!(render(&retried(2)), "tried now: 2 connections");
    }
}
