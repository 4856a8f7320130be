//! `nvmf exclusion delete`

use clap::Args;
use nvmf::Root;
use nvmf::exclusions::{self, ListName};
use serde::Serialize;

use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::commands::Confirm;
use crate::output::Output;

/// Delete a list with all its entries
///
/// What no other entry excludes may be connected again.
#[derive(Debug, Args)]
#[command(after_help = "Asks on a terminal.")]
pub(crate) struct Delete {
    /// Its name
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
    /// The entries that went with it.
    entries: Vec<String>,
}

impl Delete {
    pub(super) fn run(
        &self,
        root: &Root,
        out: &mut Output,
        confirm: Confirm,
    ) -> anyhow::Result<Outcome> {
        let file = exclusions::find(root, Some(&self.name)).path;
        let file = file.display().to_string();
        let loaded = exclusions::load(root);
        let entries = loaded.set.entries().iter();
        let entries = entries.filter(|entry| entry.source.file == file);
        let entries: Vec<String> = entries.map(|entry| entry.text.clone()).collect();
        let what = match entries.len() {
            0 => "no entries".to_owned(),
            1 => "1 entry".to_owned(),
            count => format!("{count} entries"),
        };
        let exists = loaded
            .lists
            .iter()
            .any(|l| l.path.display().to_string() == file);
        if exists && !confirm(&format!("Delete {file} ({what})?"))? {
            out.diagnostic("nvmf: exclusion delete: nothing was changed");
            return Ok(Outcome::Incomplete);
        }
        exclusions::delete(root, &self.name)?;
        let report = Report {
            name: self.name.to_string(),
            file,
            entries,
        };
        out.result(&report, |report| {
            format!("deleted {} ({what})", report.file)
        })?;
        Ok(Outcome::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::testing::{FakeHost, parse};

    const LAB: &str = "etc/nvme/exclusions.conf.d/lab.conf";

    fn delete(host: &FakeHost, format: Format, confirm: Confirm) -> anyhow::Result<String> {
        let mut out = Output::captured(format, false);
        let command: Delete = parse(&["-N", "lab"]);
        match command.run(&host.root(), &mut out, confirm)? {
            Outcome::Done => Ok(host.relative(out.stdout())),
            other => anyhow::bail!("{other:?} {}", out.stderr()),
        }
    }

    #[test]
    fn after_a_question() {
        let host = FakeHost::new();
        let never: Confirm = |question| panic!("asked: {question}");
        let error = delete(&host, Format::Normal, never).unwrap_err();
        assert!(error.to_string().contains("no such list"), "{error}");

        host.file(LAB, "[exclusions]\nexclusion = nqn=a\nexclusion = tcp\n");
        let no: Confirm = |question| {
            assert!(question.ends_with("lab.conf (2 entries)?"), "{question}");
            Ok(false)
        };
        let error = delete(&host, Format::Normal, no).unwrap_err();
        assert!(error.to_string().contains("nothing was changed"), "{error}");
        assert!(host.read(LAB).contains("nqn=a"));
        let said = delete(&host, Format::Normal, |_| Ok(true)).unwrap();
        assert_eq!(said, format!("deleted /{LAB} (2 entries)\n"));
        assert!(
            !host
                .root()
                .etc()
                .join("nvme/exclusions.conf.d/lab.conf")
                .exists()
        );
    }

    #[test]
    fn json() {
        let host = FakeHost::new();
        host.file(LAB, "[exclusions]\nexclusion = nqn=a\n");
        let json = delete(&host, Format::Json, |_| Ok(true)).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let file = format!("/{LAB}");
        let expected = serde_json::json!({"name": "lab", "file": file, "entries": ["nqn=a"]});
        assert_eq!(json, expected);
    }
}
