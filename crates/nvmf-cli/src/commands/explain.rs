//! `nvmf explain`

mod offline;

use std::str::FromStr;

use anyhow::bail;
use clap::Args;
use discoverd_core::Subject;
use nvmf::{Root, sysfs};
use serde::Serialize;

use super::{daemon, offline::Host};
use crate::args::{DeviceArg, OutputArgs};
use crate::cli::Outcome;
use crate::output::{Output, clean};

/// Say why a connection is as it is, and what comes next
///
/// Who asks for it, what excludes it, whose it is, what was tried and how that failed, what happens
/// next, and what can be done. nvme-discoverd knows; without it the answer is what it would come to
/// if it started now. Exit status: 1 if there is no such controller and nothing asks for one.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  nvmf explain nvme3\n  nvmf explain nqn.2014-08.org.example:a\n  nvmf explain 'transport=tcp;traddr=192.0.2.10;nqn=nqn.2014-08.org.example:a'"
)]
pub(crate) struct Explain {
    /// A controller (nvme3), a subsystem by its name, or a connection's fields:
    /// transport=…;traddr=…;nqn=…
    #[arg(value_name = "CONTROLLER|NQN|TRANSPORT-ID")]
    what: Asked,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Clone, Debug)]
enum Asked {
    Device(DeviceArg),
    Other(Subject),
}

/// What `-o json` shows.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Report {
    /// Whether the daemon says so.
    daemon: bool,
    connections: Vec<Explained>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Explained {
    /// As in the log.
    connection: String,
    /// As in the status, or `not desired`.
    state: String,
    sentences: Vec<String>,
}

impl Explain {
    pub(crate) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let subject = self.what.subject(root)?;
        let (text, daemon) = match daemon::of(root, || daemon::explanation(&told(&subject))) {
            Ok(text) => (text, true),
            Err(reason) => {
                out.diagnostic(&format!(
                    "nvmf: explain: {reason}: saying what it would come to if it started now"
                ));
                let mut host = Host::read(root, None);
                host.resolve();
                (offline::explain(&host, &subject, out), false)
            }
        };
        let report = Report {
            daemon,
            connections: Explained::all(&text),
        };
        if report.connections.is_empty() {
            bail!("{}", not_found(&text, &subject));
        }
        out.result(&report, render)?;
        Ok(Outcome::Done)
    }
}

impl Asked {
    fn subject(&self, root: &Root) -> anyhow::Result<Subject> {
        let device = match self {
            Self::Other(subject) => return Ok(subject.clone()),
            Self::Device(device) => device.resolve(root)?,
        };
        let all = sysfs::all(root).unwrap_or_default();
        let it = all.into_iter().find(|it| it.device == device);
        match it.filter(|it| it.fabrics.is_none()) {
            Some(local) => bail!(
                "{device} is a local controller ({}), none of a fabric",
                local.transport
            ),
            None => Ok(Subject::Device(device)),
        }
    }
}

impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(device) => Ok(Self::Device(device)),
            Err(_) => text
                .parse()
                .map(Self::Other)
                .map_err(|e: discoverd_core::SubjectError| e.to_string()),
        }
    }
}

/// As the daemon wants to be asked.
fn told(subject: &Subject) -> String {
    match subject {
        Subject::Connection(tid) => tid.to_string(),
        other => other.to_string(),
    }
}

fn not_found(text: &str, subject: &Subject) -> String {
    match text.trim_end().trim_end_matches('.') {
        "" => format!("nothing is known of {subject}"),
        said => said.to_owned(),
    }
}

impl Explained {
    /// The lines of a [`discoverd_core::Explanation`]: for each connection one that names it, and
    /// below it the sentences.
    fn all(text: &str) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for line in text.lines() {
            match (line.strip_prefix("  "), line.rsplit_once(": ")) {
                (Some(sentence), _) => {
                    if let Some(last) = all.last_mut() {
                        last.sentences.push(sentence.to_owned());
                    }
                }
                (None, Some((connection, state))) => all.push(Self {
                    connection: connection.to_owned(),
                    state: state.to_owned(),
                    sentences: Vec::new(),
                }),
                (None, None) => {}
            }
        }
        all.retain(|one| !one.sentences.is_empty());
        all
    }
}

fn render(report: &Report) -> String {
    let bold = anstyle::Style::new().bold();
    let mut lines = Vec::new();
    for one in &report.connections {
        let title = format!("{}: {}", one.connection, one.state);
        lines.push(format!("{bold}{}{bold:#}", clean(&title)));
        let sentences = one.sentences.iter();
        lines.extend(sentences.map(|sentence| format!("  {}", clean(sentence))));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests;
