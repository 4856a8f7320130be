//! `nvmf plan`

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use discoverd_core::StepView;
use nvmf::Root;
use serde::Serialize;

use super::daemon;
use super::offline::{Host, NOW};
use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::output::{Output, clean};

/// Say what nvme-discoverd would do from now on, without doing it
///
/// One line for each connection that something asks for, what comes first on top. nvme-discoverd
/// itself is asked if it runs; otherwise, and with --config, its decisions are made here, from the
/// configuration, the boot tables, the exclusions and what is connected, as if it started now. What
/// discovery controllers name is known only when their log pages are read.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// What it would do with FILE (and its drop-ins) as its configuration
    #[arg(short = 'J', long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What `-o json` shows.
#[derive(Debug, Serialize)]
struct Report {
    /// Whether the daemon says so.
    daemon: bool,
    steps: Vec<StepView>,
    problems: Vec<String>,
}

impl Plan {
    pub(crate) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let report = match self.config {
            Some(_) => self.decide(root)?,
            None => match daemon::of(root, daemon::plan) {
                Ok(steps) => Report {
                    daemon: true,
                    steps,
                    problems: Vec::new(),
                },
                Err(reason) => {
                    out.diagnostic(&format!(
                        "nvmf: plan: {reason}: saying what it would do if it started now"
                    ));
                    self.decide(root)?
                }
            },
        };
        out.result(&report, render)?;
        for problem in &report.problems {
            out.diagnostic(&format!("nvmf: plan: {problem}"));
        }
        Ok(Outcome::Done)
    }

    /// By the daemon's own rules. With a mistake in the configuration it would do nothing of what
    /// that names, so that there is no plan to speak of.
    fn decide(&self, root: &Root) -> anyhow::Result<Report> {
        let mut host = Host::read(root, self.config.as_deref());
        host.resolve();
        if let Err(problems) = &host.config {
            bail!("{}", problems.join("\n"));
        }
        let steps = host.core().plan(NOW);
        let unread = host.exclusions.problems.iter();
        Ok(Report {
            daemon: false,
            steps: steps.iter().map(StepView::from).collect(),
            problems: host.problems.iter().chain(unread).cloned().collect(),
        })
    }
}

fn render(report: &Report) -> String {
    if report.steps.is_empty() {
        return "nothing: nothing asks for a connection".to_owned();
    }
    let lines = report.steps.iter().map(|step| clean(&step.text));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::testing::{FakeHost, parse};

    fn section(name: &str) -> String {
        format!(
            "[Subsystem]\nnqn = nqn.2014-08.org.example:{name}\ncontroller = transport=tcp;traddr=192.0.2.10\n"
        )
    }

    fn host() -> FakeHost {
        let host = FakeHost::new();
        let names = ["kept", "theirs", "missing", "unwanted", "free"];
        let dc = "[Discovery Controller]\ncontroller = transport=tcp;traddr=192.0.2.10\n";
        let text = names.map(section).concat() + dc;
        host.file("etc/nvme/nvme-fabrics.conf", &text);
        let list = "[exclusions]\nexclusion = nqn=nqn.2014-08.org.example:unwanted\n";
        host.file("etc/nvme/exclusions.conf", list);
        host.tcp("nvme1", "nqn.2014-08.org.example:kept");
        host.own("nvme1", "discoverd");
        host.tcp("nvme2", "nqn.2014-08.org.example:theirs");
        host.own("nvme2", "stas");
        host.tcp("nvme3", "nqn.2014-08.org.example:free");
        host.dc("nvme0");
        host.own("nvme0", "discoverd");
        host
    }

    fn plan(host: &FakeHost, line: &[&str], format: Format) -> anyhow::Result<String> {
        let mut out = Output::captured(format, false);
        parse::<Plan>(line)
            .run(&host.root(), &mut out)?
            .expect_done();
        Ok(host.relative(out.stdout()))
    }

    #[test]
    fn everything_and_nothing_is_done() {
        let host = host();
        let io = |name: &str| format!("(tcp, 192.0.2.10, 4420, nqn.2014-08.org.example:{name})");
        let dc = "(tcp, 192.0.2.10, 8009, nqn.2014-08.org.nvmexpress.discovery)";
        let by = |line: u8| format!(", because of /etc/nvme/nvme-fabrics.conf:{line}");
        let text = plan(&host, &[], Format::Normal).unwrap();
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                format!(
                    "now: read the discovery log page of nvme0, which is {dc}{}",
                    by(17)
                ),
                format!(
                    "now: claim nvme3, which is {} and nobody's, for discoverd{}",
                    io("free"),
                    by(15)
                ),
                format!("now: connect {} as discoverd{}", io("missing"), by(9)),
                format!("keep nvme1, which is {}{}", io("kept"), by(3)),
                format!(
                    "leave nvme2 alone, which is {} and stas's{}",
                    io("theirs"),
                    by(6)
                ),
                format!(
                    "do not connect {}, excluded by /etc/nvme/exclusions.conf:2{}",
                    io("unwanted"),
                    by(12)
                ),
            ]
        );
        assert_eq!(host.owner("nvme3"), None);
    }

    #[test]
    fn json() {
        let host = host();
        let text = plan(&host, &[], Format::Json).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let steps = json["steps"].as_array().unwrap();
        let actions: Vec<_> = steps
            .iter()
            .map(|it| it["action"].as_str().unwrap())
            .collect();
        assert_eq!(
            actions,
            [
                "read-log-page",
                "claim",
                "connect",
                "keep",
                "leave-alone",
                "exclude"
            ]
        );
        assert_eq!(
            (&steps[1]["device"], &steps[1]["owner"]),
            (&"nvme3".into(), &"discoverd".into())
        );
        assert_eq!(
            steps[2]["connection"],
            "transport=tcp;traddr=192.0.2.10;trsvcid=4420;nqn=nqn.2014-08.org.example:missing"
        );
    }

    #[test]
    fn another_configuration() {
        let host = host();
        let file = host.file("tmp/new.conf", &section("other"));
        let file = file.to_str().unwrap();
        let text = plan(&host, &["--config", file], Format::Normal).unwrap();
        assert!(
            text.starts_with("now: connect (tcp, 192.0.2.10, 4420, nqn.2014-08.org.example:other)")
        );
        assert_eq!(text.lines().count(), 1);
        host.file("tmp/new.conf", "junk\n");
        let error = plan(&host, &["--config", file], Format::Normal).unwrap_err();
        assert!(error.to_string().contains("new.conf:1:1: error"), "{error}");
        let nothing = plan(&FakeHost::new(), &[], Format::Normal).unwrap();
        assert_eq!(nothing, "nothing: nothing asks for a connection\n");
    }
}
