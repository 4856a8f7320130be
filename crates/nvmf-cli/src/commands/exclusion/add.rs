//! `nvmf exclusion add`

use anyhow::bail;
use clap::Args;
use nvmf::Root;
use nvmf::exclusions::{self, ListName};
use nvmf_types::exclusion::Added;
use serde::Serialize;

use super::hits::Hit;
use super::{Connections, Standing, doubt, failed, hits, rule_of, warn};
use crate::args::{EntryArgs, OutputArgs};
use crate::cli::{Outcome, Usage};
use crate::output::Output;

/// Exclude connections from being made automatically
///
/// Say which by an entry (-e), by the controller that is connected so (-d), or by fields: a
/// connection that has all of them is excluded. What is connected stays connected: disconnect it,
/// or use disconnect -x. A list that does not exist yet is created.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  nvmf exclusion add -n nqn.2014-08.org.example:backup\n  nvmf exclusion add -t tcp -a 192.0.2.10 -N maintenance --comment 'switch B'\n  nvmf exclusion add --device nvme3\n  nvmf exclusion add -e 'traddr=192.0.2.10;host-iface=eth1'"
)]
pub(crate) struct Add {
    #[command(flatten)]
    entry: EntryArgs,
    /// The list NAME instead of the default one
    #[arg(short = 'N', long)]
    name: Option<ListName>,
    /// Write TEXT above the entry, as a comment
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// What `-o json` shows.
#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    standing: Standing,
    outcome: &'static str,
    /// Controllers that it matches.
    live: Vec<Hit>,
    /// Why the entry seems to match nothing.
    doubt: Option<String>,
}

impl Add {
    pub(super) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let connections = Connections::of(root);
        let rule = self
            .entry
            .rule(|device| rule_of(root, &connections, device))?;
        let Some(rule) = rule else {
            bail!(Usage(
                "say what to exclude: an entry with -e, a controller with -d, or fields such as -n and -a"
                    .to_owned()
            ));
        };
        let list = exclusions::find(root, self.name.as_ref());
        let comment = self.comment.as_deref();
        let added = exclusions::edit(root, &list, |document| document.add(&rule, comment));
        let (line, outcome) = match added.map_err(failed)?.value {
            Added::Appended(line) => (line, "added"),
            Added::AlreadyThere(line) => (line, "already-there"),
        };
        let report = Report {
            standing: Standing {
                file: list.path.display().to_string(),
                line,
                entry: rule.to_string(),
            },
            outcome,
            live: hits(root, &connections, std::slice::from_ref(&rule)),
            doubt: doubt::doubt(&rule),
        };
        out.result(&report, render)?;
        doubt::warn(out, "exclusion add", &rule);
        if outcome == "added" {
            warn(out, "exclusion add", &report.live);
        }
        Ok(Outcome::Done)
    }
}

fn render(report: &Report) -> String {
    let Standing { file, line, entry } = &report.standing;
    match report.outcome {
        "added" => format!("added {file}:{line}: {}", crate::output::clean(entry)),
        _ => format!("already there: {file}:{line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::testing::{FakeHost, parse};

    const A: &str = "nqn.2014-08.org.example:a";

    fn add(host: &FakeHost, words: &[&str]) -> Result<(String, String), String> {
        let mut out = Output::captured(Format::Normal, false);
        let outcome = parse::<Add>(words).run(&host.root(), &mut out);
        let outcome = outcome.map_err(|error| format!("{error:#}"))?;
        assert_eq!(outcome, Outcome::Done);
        Ok((host.relative(out.stdout()), out.stderr().to_owned()))
    }

    fn conf(host: &FakeHost) -> Vec<String> {
        let text = host.read("etc/nvme/exclusions.conf");
        let lines = text.lines().skip_while(|l| *l != "[exclusions]").skip(1);
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn once_and_no_more() {
        let host = FakeHost::new();
        let (stdout, stderr) = add(&host, &["-n", A, "-a", "192.0.2.9"]).unwrap();
        let entry = format!("traddr=192.0.2.9;nqn={A}");
        let place = "/etc/nvme/exclusions.conf:4";
        assert_eq!(stdout, format!("added {place}: {entry}\n"));
        assert_eq!(stderr, "");
        let text = format!(" nqn={A} ;; traddr = 192.0.2.9;");
        let (stdout, _) = add(&host, &["-e", &text]).unwrap();
        assert_eq!(stdout, format!("already there: {place}\n"));
        assert_eq!(conf(&host), [format!("exclusion = {entry}")]);
    }

    #[test]
    fn with_a_comment_in_a_list_of_its_own() {
        let host = FakeHost::new();
        let words = ["-t", "rdma", "-N", "lab", "--comment", "ticket 4711"];
        let (stdout, _) = add(&host, &words).unwrap();
        let place = "/etc/nvme/exclusions.conf.d/lab.conf";
        assert_eq!(stdout, format!("added {place}:5: transport=rdma\n"));
        let text = host.read("etc/nvme/exclusions.conf.d/lab.conf");
        assert!(text.ends_with("[exclusions]\n# ticket 4711\nexclusion = transport=rdma\n"));
    }

    #[test]
    fn the_connection_of_a_controller() {
        let host = FakeHost::new();
        host.tcp("nvme3", A);
        host.own("nvme3", "nbft");
        host.namespace("nvme3n1", &["nvme3"]);
        host.root_on("nvme3n1");
        let (_, stderr) = add(&host, &["--device", "/dev/nvme3n1"]).unwrap();
        let entry = format!("exclusion = transport=tcp;traddr=192.0.2.10;trsvcid=4420;nqn={A}");
        assert_eq!(conf(&host), [entry]);
        assert!(stderr.contains("nvme3 carries the root file system and is owned by nbft;"));
        let (stdout, stderr) = add(&host, &["-d", "nvme3"]).unwrap();
        assert!(stdout.starts_with("already there"), "{stdout}");
        assert_eq!(stderr, "", "nothing new");

        host.pcie("nvme0");
        for device in ["nvme0", "nvme9"] {
            let error = add(&host, &["-d", device]).unwrap_err();
            assert!(error.contains("no fabrics controller"), "{error}");
        }
    }

    #[test]
    fn json() {
        let host = FakeHost::new();
        host.tcp("nvme3", A);
        let mut out = Output::captured(Format::Json, false);
        let words = ["-e", "transport=tcp;trsvcid=04420"];
        let outcome = parse::<Add>(&words).run(&host.root(), &mut out);
        outcome.unwrap().expect_done();
        let json: serde_json::Value = serde_json::from_str(out.stdout()).unwrap();
        assert_eq!(json["line"], 4);
        assert_eq!(json["entry"], "transport=tcp;trsvcid=04420");
        assert_eq!(json["outcome"], "added");
        assert_eq!(json["live"], serde_json::json!([]));
        assert!(json["doubt"].as_str().unwrap().contains("write `4420`"));
        assert!(
            out.stderr()
                .contains("seems to match no connection at all: trsvcid:")
        );

        let mut out = Output::captured(Format::Json, false);
        let outcome = parse::<Add>(&["-t", "tcp"]).run(&host.root(), &mut out);
        outcome.unwrap().expect_done();
        let json: serde_json::Value = serde_json::from_str(out.stdout()).unwrap();
        let hit =
            serde_json::json!([{"device": "nvme3", "owner": null, "root-file-system": false}]);
        assert_eq!(
            (&json["live"], &json["doubt"]),
            (&hit, &serde_json::Value::Null)
        );
    }

    #[test]
    fn what_is_not_written() {
        let host = FakeHost::new();
        for (words, expected) in [
            (&[][..], "say what to exclude"),
            (&["-e", "tcp"], "`tcp` is not key=value"),
            (&["-e", "nqn=a\u{7}"], "control character"),
            (&["-t", "tcp", "--comment", "a\u{7}"], "control character"),
        ] {
            let error = add(&host, words).unwrap_err();
            assert!(error.contains(expected), "{words:?}: {error}");
        }
        assert!(!host.root().etc().join("nvme/exclusions.conf").exists());
        host.file(
            "etc/nvme/exclusions.conf",
            "[exclusions]\nexclusion = tcp\n",
        );
        let error = add(&host, &["-t", "tcp"]).unwrap_err();
        assert!(error.contains("line 2 `tcp` excludes nothing"), "{error}");
        host.file("etc/nvme/exclusions/old.conf", "[exclusions]\n");
        let error = add(&host, &["-t", "tcp", "-N", "old"]).unwrap_err();
        assert!(error.contains("only read"), "{error}");
    }
}
