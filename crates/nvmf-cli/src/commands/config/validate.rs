//! `nvmf config validate`

use std::path::PathBuf;

use clap::Args;
use nvmf::Root;
use nvmf_types::config::Severity;
use serde::Serialize;

use super::verdict::{Entry, Found, Verdict, number};
use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::output::Output;

/// Check the configuration files
///
/// Says everything that is wrong or odd, with its place and what to write instead. Nothing is
/// connected and no host name is looked up. Exit status: 0 if the configuration can be used, 1 if
/// not.
#[derive(Debug, Args)]
pub(crate) struct Validate {
    /// The main file; its drop-ins are FILE.d/*.conf [default: /etc/nvme/nvme-fabrics.conf]
    #[arg(value_name = "FILE", conflicts_with = "config")]
    file: Option<PathBuf>,
    /// The same, as other commands have it
    #[arg(short = 'J', long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Take warnings for errors
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// What `-o json` shows.
#[derive(Debug, Serialize)]
struct Report<'a> {
    valid: bool,
    files: Vec<String>,
    connections: usize,
    errors: usize,
    warnings: usize,
    problems: Vec<Entry<'a>>,
}

impl Validate {
    pub(super) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let verdict = Verdict::of(root, self.file.as_deref().or(self.config.as_deref()));
        let report = self.report(&verdict);
        if !out.json() {
            verdict.tell(out);
        }
        if report.valid || out.json() {
            out.result(&report, summary)?;
        }
        if report.valid {
            return Ok(Outcome::Done);
        }
        let counts = verdict.counts();
        out.diagnostic(&format!("nvmf: config validate: not valid: {counts}"));
        Ok(Outcome::Incomplete)
    }

    fn report<'a>(&self, verdict: &'a Verdict) -> Report<'a> {
        let loaded = verdict.loaded.as_ref();
        let warnings = verdict.count(Severity::Warning);
        let files = loaded.map(|loaded| &loaded.files);
        let files = files.into_iter().flatten();
        let config = loaded.map(|loaded| &loaded.config);
        Report {
            valid: loaded.is_some() && !(self.strict && warnings > 0),
            files: files.map(|path| path.display().to_string()).collect(),
            connections: config.map_or(0, |c| c.connections.len() + c.unresolved.len()),
            errors: verdict.count(Severity::Error),
            warnings,
            problems: verdict.found.iter().map(Found::entry).collect(),
        }
    }
}

/// `3 files, 5 connections, 1 warning`
fn summary(report: &Report<'_>) -> String {
    let (files, connections) = (report.files.len(), report.connections);
    if files == 0 {
        return "no configuration: there is no file to check".to_owned();
    }
    let counts = [
        number(files, "file"),
        number(connections, "connection"),
        number(report.warnings, "warning"),
    ];
    counts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::testing::{FakeHost, parse};

    const GOOD: &str = "[Discovery Controller]\ncontroller = transport=tcp;traddr=dc.example\ncontroller = transport=tcp;traddr=192.0.2.1\n";
    const ODD: &str =
        "[Subsystem]\nnqn = nqn.2014-08.org.example:a\ntoss = 1\ncontroller = transport=loop\n";

    fn validate(host: &FakeHost, args: &[&str], format: Format) -> (Outcome, String, String) {
        let mut out = Output::captured(format, false);
        let outcome = parse::<Validate>(args).run(&host.root(), &mut out).unwrap();
        let (stdout, stderr) = (host.relative(out.stdout()), host.relative(out.stderr()));
        (outcome, stdout, stderr)
    }

    #[test]
    fn a_summary_of_what_is_good() {
        let host = FakeHost::new();
        let (outcome, stdout, _) = validate(&host, &[], Format::Normal);
        assert_eq!(outcome, Outcome::Done);
        assert_eq!(stdout, "no configuration: there is no file to check\n");
        host.file("etc/nvme/nvme-fabrics.conf", GOOD);
        host.file("etc/nvme/nvme-fabrics.conf.d/a.conf", ODD);
        let warning = "/etc/nvme/nvme-fabrics.conf.d/a.conf:3:1: warning: unknown key `toss` in [Subsystem]; correct or remove it: it does nothing\n";
        let (outcome, stdout, stderr) = validate(&host, &[], Format::Normal);
        assert_eq!(outcome, Outcome::Done);
        assert_eq!(stdout, "2 files, 3 connections, 1 warning\n");
        assert_eq!(stderr, warning);
        let (outcome, stdout, stderr) = validate(&host, &["--strict"], Format::Normal);
        assert_eq!((outcome, &*stdout), (Outcome::Incomplete, ""));
        let verdict = "nvmf: config validate: not valid: 1 warning\n";
        assert_eq!(stderr, format!("{warning}{verdict}"));
    }

    #[test]
    fn what_is_wrong_in_json() {
        let host = FakeHost::new();
        let file = host.file("x.conf", "[Subsystem]\nkxchap-secret hush\n");
        let path = file.to_str().unwrap();
        for args in [&[path][..], &["-J", path]] {
            let (outcome, stdout, stderr) = validate(&host, args, Format::Json);
            assert_eq!(outcome, Outcome::Incomplete);
            assert_eq!(stderr, "nvmf: config validate: not valid: 3 errors\n");
            let json: serde_json::Value = serde_json::from_str(&stdout).unwrap();
            assert_eq!(
                (&json["valid"], &json["errors"]),
                (&false.into(), &3.into())
            );
            let junk = serde_json::json!({
                "file": "/x.conf", "line": 2, "column": 1, "length": 18, "severity": "error",
                "message": "line `kxchap-secret…` is no section, entry or comment",
                "remedy": "write `[Section]`, `key = value` or `# comment`",
                "excerpt": "kxchap-secret*****",
            });
            assert_eq!(json["problems"][2], junk);
        }
    }

    #[test]
    fn files_that_cannot_be_read() {
        let host = FakeHost::new();
        let folder = host.root().etc().join("nvme/nvme-fabrics.conf");
        std::fs::create_dir(folder).unwrap();
        let (outcome, stdout, stderr) = validate(&host, &[], Format::Normal);
        assert_eq!((outcome, &*stdout), (Outcome::Incomplete, ""));
        assert_eq!(
            stderr,
            "cannot read `/etc/nvme/nvme-fabrics.conf`: it is a directory; move it out of the way\n\
             nvmf: config validate: not valid: 1 error\n"
        );
        let (_, stdout, _) = validate(&host, &["/none"], Format::Json);
        let json: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        let problem = &json["problems"][0];
        assert_eq!(
            (&problem["file"], &problem["severity"]),
            (&"/none".into(), &"error".into())
        );
        assert!(problem["line"].is_null() && problem["excerpt"].is_null());
    }
}
