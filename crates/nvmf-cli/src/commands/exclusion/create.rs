//! `nvmf exclusion create`

use clap::Args;
use nvmf::Root;
use nvmf::exclusions::{self, Created, ListName};
use serde::Serialize;

use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::output::Output;

/// Make an empty list
///
/// A list of its own for a purpose can be deleted as a whole when that is over. It does not matter
/// in which list an entry stands.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Its name: A-Z a-z 0-9 _ -
    #[arg(short = 'N', long)]
    name: ListName,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// What `-o json` shows.
#[derive(Debug, Serialize)]
struct Report {
    name: String,
    file: String,
    outcome: &'static str,
}

impl Create {
    pub(super) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let (file, outcome) = match exclusions::create(root, &self.name)? {
            Created::Created(file) => (file, "created"),
            Created::AlreadyThere(file) => (file, "already-there"),
        };
        let report = Report {
            name: self.name.to_string(),
            file: file.display().to_string(),
            outcome,
        };
        out.result(&report, |report| match report.outcome {
            "created" => format!("created {}", report.file),
            _ => format!("already there: {}", report.file),
        })?;
        Ok(Outcome::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::testing::{FakeHost, parse};

    fn create(host: &FakeHost, format: Format) -> String {
        let mut out = Output::captured(format, false);
        let outcome = parse::<Create>(&["-N", "lab"]).run(&host.root(), &mut out);
        outcome.unwrap().expect_done();
        host.relative(out.stdout())
    }

    #[test]
    fn once() {
        let host = FakeHost::new();
        let file = "/etc/nvme/exclusions.conf.d/lab.conf";
        assert_eq!(create(&host, Format::Normal), format!("created {file}\n"));
        assert!(host.read(&file[1..]).ends_with("\n[exclusions]\n"));
        host.file(&file[1..], "# mine\n");
        let again = create(&host, Format::Normal);
        assert_eq!(again, format!("already there: {file}\n"));
        assert_eq!(host.read(&file[1..]), "# mine\n");
        let json: serde_json::Value = serde_json::from_str(&create(&host, Format::Json)).unwrap();
        let expected = serde_json::json!({"name": "lab", "file": file, "outcome": "already-there"});
        assert_eq!(json, expected);
    }
}
