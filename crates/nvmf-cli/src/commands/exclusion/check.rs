//! `nvmf exclusion check`

use std::str::FromStr;

use clap::Args;
use nvmf::Root;
use nvmf::exclusions;
use nvmf_types::TransportId;
use serde::Serialize;

use super::connections::{Face, as_host, host_identity};
use super::{Connections, Standing, no_such_controller};
use crate::args::{DeviceArg, OutputArgs};
use crate::cli::Outcome;
use crate::output::{Output, clean};

/// Say which entries exclude a connection
///
/// Exit status: 0 if there is one, 1 if there is none.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  nvmf exclusion check nvme3\n  nvmf exclusion check 'transport=tcp;traddr=192.0.2.10;nqn=nqn.2014-08.org.example:a'"
)]
pub(crate) struct Check {
    /// A controller (nvme3), or a connection's fields: transport=…;traddr=…;nqn=…
    #[arg(value_name = "CONTROLLER|TRANSPORT-ID")]
    what: What,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

#[derive(Clone, Debug)]
enum What {
    Device(DeviceArg),
    Connection(Box<TransportId>),
}

/// What `-o json` shows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report {
    /// The controller that was asked about.
    device: Option<String>,
    /// As it was compared.
    connection: String,
    excluded_by: Vec<Standing>,
    /// Lists that could not be read.
    problems: Vec<String>,
}

impl Check {
    pub(super) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let (device, faces) = self.faces(root)?;
        let loaded = exclusions::load(root);
        let positions = faces
            .iter()
            .flat_map(|(tid, class)| loaded.set.all_matches(tid, *class));
        let mut positions: Vec<usize> = positions.collect();
        positions.sort_unstable();
        positions.dedup();
        let entries = positions
            .iter()
            .filter_map(|p| loaded.set.entries().get(*p));
        let excluded_by = entries.map(|entry| Standing {
            file: entry.source.file.clone(),
            line: entry.source.line,
            entry: entry.text.clone(),
        });
        let report = Report {
            device,
            connection: faces
                .first()
                .map(|(tid, _)| tid.to_string())
                .unwrap_or_default(),
            excluded_by: excluded_by.collect(),
            problems: loaded.problems,
        };
        out.result(&report, render)?;
        for problem in &report.problems {
            out.diagnostic(&format!("nvmf: exclusion check: {problem}"));
        }
        if !report.excluded_by.is_empty() {
            return Ok(Outcome::Done);
        }
        match loaded.set.invalid().count() {
            0 => {}
            count => out.diagnostic(&format!(
                "nvmf: exclusion check: {count} of the lists' entries cannot be understood and exclude nothing: see nvmf exclusion list"
            )),
        }
        Ok(Outcome::Incomplete)
    }

    /// The connection as it is, and as it is asked for: an entry may match either.
    fn faces(&self, root: &Root) -> anyhow::Result<(Option<String>, Vec<Face>)> {
        match &self.what {
            What::Connection(tid) => {
                let class = tid.class_by_nqn();
                let tid = as_host(tid.as_ref().clone(), &host_identity(root));
                Ok((None, vec![(tid, class)]))
            }
            What::Device(device) => {
                let device = device.resolve(root)?;
                let faces = Connections::of(root).faces(&device);
                if faces.is_empty() {
                    return Err(no_such_controller(&device));
                }
                Ok((Some(device.to_string()), faces))
            }
        }
    }
}

fn render(report: &Report) -> String {
    if report.excluded_by.is_empty() {
        return "not excluded".to_owned();
    }
    let line = |Standing { file, line, entry }: &Standing| {
        format!("excluded by {file}:{line}: {}", clean(entry))
    };
    let lines: Vec<String> = report.excluded_by.iter().map(line).collect();
    lines.join("\n")
}

impl FromStr for What {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains('=') {
            let tid = text.parse::<TransportId>().map_err(|e| e.to_string())?;
            return Ok(Self::Connection(Box::new(tid)));
        }
        text.parse().map(Self::Device).map_err(|_| {
            let text = text.escape_debug();
            format!(
                "`{text}` is neither a controller (nvme3) nor a connection (transport=…;traddr=…;nqn=…)"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::testing::{FakeHost, parse};

    const A: &str = "nqn.2014-08.org.example:a";

    fn host() -> FakeHost {
        let host = FakeHost::new();
        host.file("etc/nvme/hostnqn", "nqn.2014-08.org.example:h\n");
        let lists = format!(
            "[exclusions]\nexclusion = oops\nexclusion = hostnqn=nqn.2014-08.org.example:h;trsvcid=8009\nexclusion = nqn={A}\n"
        );
        host.file("etc/nvme/exclusions.conf", &lists);
        let lab = "[exclusions]\nexclusion = traddr=192.0.2.10\n";
        host.file("etc/nvme/exclusions.conf.d/lab.conf", lab);
        host
    }

    fn check(host: &FakeHost, what: &str) -> (Outcome, String, String) {
        let mut out = Output::captured(Format::Normal, false);
        let outcome = parse::<Check>(&[what]).run(&host.root(), &mut out).unwrap();
        (
            outcome,
            host.relative(out.stdout()),
            host.relative(out.stderr()),
        )
    }

    #[test]
    fn all_entries_that_match() {
        let host = host();
        host.tcp("nvme3", A);
        let main = "excluded by /etc/nvme/exclusions.conf";
        let lab = "excluded by /etc/nvme/exclusions.conf.d/lab.conf:2: traddr=192.0.2.10\n";
        let both = format!("{main}:4: nqn={A}\n{lab}");
        assert_eq!(check(&host, "nvme3"), (Outcome::Done, both, String::new()));
        let other = "transport=tcp;traddr=192.0.2.20;nqn=nqn.2014-08.org.example";
        let (outcome, stdout, stderr) = check(&host, &format!("{other}:b"));
        assert_eq!((outcome, &*stdout), (Outcome::Incomplete, "not excluded\n"));
        assert!(stderr.contains("1 of the lists' entries cannot be understood"));
        // by the host's default identity, and the default port of a discovery controller
        let dc = "transport=tcp;traddr=192.0.2.20;nqn=nqn.2014-08.org.nvmexpress.discovery";
        let (outcome, stdout, _) = check(&host, dc);
        assert_eq!(outcome, Outcome::Done);
        let entry = "hostnqn=nqn.2014-08.org.example:h;trsvcid=8009";
        assert_eq!(stdout, format!("{main}:3: {entry}\n"));
    }

    #[test]
    fn a_controller_is_also_what_was_asked_for() {
        let host = host();
        host.dc("nvme0");
        host.attribute("nvme0", "address", "traddr=192.0.2.11,trsvcid=8009\n");
        host.attribute("nvme0", "subsysnqn", "nqn.2014-08.org.example:dc\n");
        let lists = "[exclusions]\nexclusion = nqn=nqn.2014-08.org.nvmexpress.discovery\n";
        host.file("etc/nvme/exclusions.conf", lists);
        assert_eq!(check(&host, "nvme0").0, Outcome::Incomplete);
        let config = "[Discovery Controller]\ncontroller = transport=tcp;traddr=192.0.2.11\n";
        host.file("etc/nvme/nvme-fabrics.conf", config);
        assert_eq!(check(&host, "/dev/nvme0").0, Outcome::Done);
        // in the order of the lists, whichever of the two an entry matches
        let both = format!("{lists}exclusion = nqn=nqn.2014-08.org.example:dc\n");
        host.file("etc/nvme/exclusions.conf", &both);
        let (_, stdout, _) = check(&host, "nvme0");
        let lines: Vec<&str> = stdout.lines().collect();
        assert_eq!(lines.len(), 2, "{stdout}");
        assert!(
            lines[0].contains(":2: ") && lines[1].contains(":3: "),
            "{stdout}"
        );
    }

    #[test]
    fn json_and_what_cannot_be_checked() {
        let host = host();
        std::fs::create_dir_all(host.root().etc().join("nvme/exclusions.conf.d/x.conf")).unwrap();
        let mut out = Output::captured(Format::Json, false);
        let tid = format!("transport=loop;nqn={A}");
        let outcome = parse::<Check>(&[&tid]).run(&host.root(), &mut out);
        outcome.unwrap().expect_done();
        let json: serde_json::Value = serde_json::from_str(&host.relative(out.stdout())).unwrap();
        assert_eq!(json["device"], serde_json::Value::Null);
        let connection = format!("{tid};hostnqn=nqn.2014-08.org.example:h");
        assert_eq!(json["connection"], connection);
        let by = serde_json::json!([{"file": "/etc/nvme/exclusions.conf", "line": 4, "entry": format!("nqn={A}")}]);
        assert_eq!(json["excluded-by"], by);
        assert!(json["problems"][0].as_str().unwrap().contains("x.conf"));
        assert!(out.stderr().contains("x.conf"));

        let mut out = Output::captured(Format::Normal, false);
        let error = parse::<Check>(&["nvme9"])
            .run(&host.root(), &mut out)
            .unwrap_err();
        assert!(error.to_string().contains("no fabrics controller nvme9"));
        for (what, expected) in [
            ("sda", "neither a controller"),
            (
                "transport=tcp;nqn=nqn.2014-08.org.example:a",
                "`traddr` is missing",
            ),
        ] {
            let error = what.parse::<What>().unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
