//! `nvmf config convert`

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use nvmf::Root;
use nvmf::config::{Conversion, LegacyFormat, Source, convert};
use nvmf_types::config::{Added, ChangedFile};
use serde::Serialize;

use super::problems;
use crate::args::OutputArgs;
use crate::cli::{Outcome, Usage};
use crate::output::Output;

/// Convert discovery.conf and config.json of nvme-cli before 3.0
///
/// Their connections are added to the configuration; what stands there stays as it is, and what is
/// there already is not added again. A host of its own gets a drop-in of its own. The converted
/// files are kept as FILE.converted. If anything is wrong, nothing is written. Without --json and
/// --discovery-conf both files of /etc/nvme are converted, if they are there.
#[derive(Debug, Args)]
pub(crate) struct Convert {
    /// JSON file of libnvme [default: /etc/nvme/config.json]
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// File with options of connect-all [default: /etc/nvme/discovery.conf]
    #[arg(long, value_name = "FILE")]
    discovery_conf: Option<PathBuf>,
    /// Configuration to write to [default: /etc/nvme/nvme-fabrics.conf]; with a name that ends in
    /// .json, as in nvme, the file to convert
    #[arg(short = 'J', long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Configuration to write to, as in nvme
    #[arg(long = "output", value_name = "FILE")]
    to: Option<PathBuf>,
    /// Show what would be written, secrets masked, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// What `-o json` shows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report {
    dry_run: bool,
    sources: Vec<SourceRow>,
    files: Vec<FileRow>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct SourceRow {
    file: String,
    /// `null`: it stays, because there is nothing in it.
    kept_as: Option<String>,
    connections: Vec<ConnectionRow>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct ConnectionRow {
    /// Its line in the file.
    line: usize,
    /// `added` or `already-there`
    outcome: &'static str,
    /// Where it stands, or would stand, in the configuration: `file:line`.
    stands_at: String,
    /// Whether it stands there with the same options.
    same_options: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct FileRow {
    file: String,
    /// Whether there was no such file.
    new: bool,
    /// With `--dry-run`, the whole content, secrets masked.
    text: Option<String>,
}

impl Convert {
    /// Whether it takes root.
    pub(super) const fn changes(&self) -> bool {
        !self.dry_run
    }

    pub(super) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let (json, config) = self.json_and_config()?;
        let sources = sources(root, json, self.discovery_conf.as_deref());
        let conversion = match convert(root, config, &sources, self.dry_run) {
            Ok(conversion) => conversion,
            Err(error) => return problems::rejected(out, "config convert", error),
        };
        for warning in &conversion.warnings {
            out.diagnostic(&warning.to_string());
        }
        let report = Report::new(conversion, self.dry_run);
        out.result(&report, render)?;
        Ok(Outcome::Done)
    }

    /// The file to convert and the one to write, both `None` by default.
    fn json_and_config(&self) -> anyhow::Result<(Option<&Path>, Option<&Path>)> {
        let is_json = |path: &&Path| {
            path.extension()
                .is_some_and(|e| e.eq_ignore_ascii_case("json"))
        };
        let given = self.config.as_deref();
        let (from, to) = (given.filter(is_json), given.filter(|path| !is_json(path)));
        match (self.json.as_deref(), from, self.to.as_deref(), to) {
            (Some(_), Some(_), ..) => bail!(Usage("give the JSON file once".to_owned())),
            (.., Some(_), Some(_)) => {
                bail!(Usage("give the configuration to write to once".to_owned()))
            }
            (json, from, output, to) => Ok((json.or(from), output.or(to))),
        }
    }
}

/// What is to be converted: what is named, or else what is in `/etc/nvme`.
fn sources(root: &Root, json: Option<&Path>, discovery_conf: Option<&Path>) -> Vec<Source> {
    let by_default = json.is_none() && discovery_conf.is_none();
    let nvme = root.etc().join("nvme");
    let formats = [
        (LegacyFormat::ConfigJson, json, "config.json"),
        (
            LegacyFormat::DiscoveryConf,
            discovery_conf,
            "discovery.conf",
        ),
    ];
    let source = |(format, given, name): (_, Option<&Path>, &str)| {
        let default = by_default.then(|| nvme.join(name));
        Some(Source {
            format,
            path: given.map(Path::to_path_buf).or(default)?,
            needed: given.is_some(),
        })
    };
    formats.into_iter().filter_map(source).collect()
}

impl Report {
    fn new(conversion: Conversion, dry_run: bool) -> Self {
        let sources = conversion.sources.into_iter().map(|source| SourceRow {
            file: source.path.display().to_string(),
            kept_as: source.kept_as.map(|path| path.display().to_string()),
            connections: source
                .connections
                .iter()
                .map(|(origin, added)| ConnectionRow::new(origin.line, added))
                .collect(),
        });
        let files = conversion.files.iter();
        Self {
            dry_run,
            sources: sources.collect(),
            files: files.map(|file| FileRow::new(file, dry_run)).collect(),
        }
    }
}

impl ConnectionRow {
    fn new(line: usize, added: &Added) -> Self {
        let (outcome, origin, same_options) = match added {
            Added::Added(origin) => ("added", origin, true),
            Added::AlreadyThere {
                origin,
                same_options,
            } => ("already-there", origin, *same_options),
        };
        Self {
            line,
            outcome,
            stands_at: origin.to_string(),
            same_options,
        }
    }
}

impl FileRow {
    fn new(file: &ChangedFile, with_text: bool) -> Self {
        Self {
            file: file.path.clone(),
            new: file.before.is_none(),
            text: with_text.then(|| file.masked()),
        }
    }
}

fn render(report: &Report) -> String {
    let mut lines = Vec::new();
    for source in &report.sources {
        let file = &source.file;
        for row in &source.connections {
            let (line, place) = (row.line, &row.stands_at);
            let options = if row.same_options {
                ""
            } else {
                " with other options, which stay"
            };
            lines.push(match row.outcome {
                "added" => format!("{file}:{line}: added {place}"),
                _ => format!("{file}:{line}: already there: {place}{options}"),
            });
        }
        if let Some(kept_as) = &source.kept_as {
            lines.push(format!("{file}: kept as {kept_as}"));
        }
    }
    if report.sources.iter().all(|source| source.kept_as.is_none()) {
        lines.push("nothing to convert".to_owned());
    }
    if report.dry_run {
        lines.insert(0, "nothing is written; it would be:".to_owned());
        for FileRow { file, text, .. } in &report.files {
            let text = text.as_deref().unwrap_or_default();
            lines.push(format!("\n{file}:\n{}", text.trim_end()));
        }
    }
    lines.join("\n")
}
