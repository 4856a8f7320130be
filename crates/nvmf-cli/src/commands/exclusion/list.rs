//! `nvmf exclusion list`

use anyhow::bail;
use clap::Args;
use nvmf::Root;
use nvmf::exclusions::{self, List as Listed, ListName};
use nvmf_types::exclusion::{Entry, InvalidEntry};
use serde::Serialize;

use super::Connections;
use super::connections::Hits;
use super::doubt::doubt;
use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::output::{Output, clean};
use crate::table;

/// List all entries, and what they hit
///
/// HITS names the controllers that are there and match (they stay connected), and the number of
/// connections that are desired and not made for it. An entry that excludes nothing says why.
#[derive(Debug, Args)]
#[command(after_help = "With -v the desired connections are shown below each entry.")]
pub(crate) struct List {
    /// Only the list NAME
    #[arg(short = 'N', long)]
    name: Option<ListName>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// What `-o json` shows.
#[derive(Debug, Serialize)]
struct Report {
    lists: Vec<ListRow>,
    /// What could not be read, or not as it is.
    problems: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ListRow {
    /// `None`: the default list.
    name: Option<String>,
    file: String,
    entries: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    line: usize,
    entry: String,
    /// Why it is invalid and excludes nothing.
    error: Option<String>,
    /// Why it is valid and seems to match nothing.
    doubt: Option<String>,
    #[serde(flatten)]
    hits: Hits,
}

impl List {
    pub(super) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let loaded = exclusions::load(root);
        let wanted = |list: &&Listed| self.name.is_none() || list.name == self.name;
        let lists: Vec<&Listed> = loaded.lists.iter().filter(wanted).collect();
        if let (Some(name), true) = (&self.name, lists.is_empty()) {
            bail!("there is no list `{name}`: see nvmf exclusion list");
        }
        let connections = Connections::of(root);
        let rows = lists.iter().map(|list| {
            let file = list.path.display().to_string();
            let own = |entry: &&Entry| entry.source.file == file;
            let mut entries: Vec<Entry> =
                loaded.set.entries().iter().filter(own).cloned().collect();
            entries.extend(misplaced(list));
            entries.sort_by_key(|entry| entry.source.line);
            ListRow {
                name: list.name.as_ref().map(ToString::to_string),
                entries: entries.iter().map(|e| Row::new(e, &connections)).collect(),
                file,
            }
        });
        let report = Report {
            lists: rows.collect(),
            problems: loaded.problems.clone(),
        };
        let verbose = out.verbose();
        out.result(&report, |report| render(report, verbose))?;
        for problem in &report.problems {
            out.diagnostic(&format!("nvmf: exclusion list: {problem}"));
        }
        Ok(Outcome::Done)
    }
}

/// The lines of a list that are taken for entries and stand where none are read.
fn misplaced(list: &Listed) -> Vec<Entry> {
    let Ok((document, _)) = exclusions::read(list) else {
        return Vec::new();
    };
    let outside = |entry: &&Entry| entry.kind == Err(InvalidEntry::OutsideSection);
    let found = document.problems().into_iter().filter(outside);
    found.cloned().collect()
}

impl Row {
    fn new(entry: &Entry, connections: &Connections) -> Self {
        let (error, doubt, hits) = match &entry.kind {
            Ok(rule) => (None, doubt(rule), connections.hits(rule)),
            Err(why) => (Some(why.to_string()), None, Hits::default()),
        };
        Self {
            line: entry.source.line,
            entry: entry.text.clone(),
            error,
            doubt,
            hits,
        }
    }

    /// `nvme3, nvme4; 2 not made`
    fn text(&self) -> String {
        if let Some(error) = &self.error {
            return format!("invalid, excludes nothing: {error}");
        }
        let mut parts = Vec::new();
        if !self.hits.live.is_empty() {
            parts.push(crate::commands::join(&self.hits.live));
        }
        if !self.hits.desired.is_empty() {
            parts.push(format!("{} not made", self.hits.desired.len()));
        }
        match (&self.doubt, parts.is_empty()) {
            (Some(doubt), true) => format!("seems to match nothing: {doubt}"),
            _ => parts.join("; "),
        }
    }
}

fn render(report: &Report, verbose: bool) -> String {
    let mut cells = Vec::new();
    let mut below = Vec::new();
    for list in &report.lists {
        if list.entries.is_empty() {
            let nothing = "no entries".to_owned();
            cells.push([list.file.clone(), String::new(), nothing]);
            below.push(&[][..]);
        }
        for row in &list.entries {
            let place = format!("{}:{}", list.file, row.line);
            cells.push([place, row.entry.clone(), row.text()]);
            below.push(row.hits.desired.as_slice());
        }
    }
    if cells.is_empty() {
        return String::new();
    }
    let mut table = table::lines(["PLACE", "ENTRY", "HITS"], cells).into_iter();
    let mut lines: Vec<String> = table.next().into_iter().collect();
    for (line, desired) in table.zip(below) {
        lines.push(line);
        if verbose {
            let desired = desired.iter();
            lines.extend(desired.map(|tid| format!("    not made: {}", clean(tid))));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::testing::{FakeHost, parse};

    fn host() -> FakeHost {
        let host = FakeHost::new();
        host.file(
            "etc/nvme/nvme-fabrics.conf",
            "[Subsystem]\nnqn = nqn.2014-08.org.example:a\ncontroller = transport=tcp;traddr=192.0.2.10\ncontroller = transport=tcp;traddr=192.0.2.20\n",
        );
        host.tcp("nvme3", "nqn.2014-08.org.example:a");
        host.file(
            "etc/nvme/exclusions.conf",
            "exclusion = nqn=early\n[exclusions]\nexclusion = transport=tcp\nexclusion = subsysnqn=x\nexclusion = transport=TCP\nexclusion = nqn=other\n",
        );
        host.file("etc/nvme/exclusions.conf.d/empty.conf", "[exclusions]\n");
        let old = "[exclusions]\nexclusion = traddr=192.0.2.20\n";
        host.file("etc/nvme/exclusions/old.conf", old);
        host
    }

    fn list(host: &FakeHost, words: &[&str], format: Format) -> anyhow::Result<(String, String)> {
        let command: List = parse(words);
        let mut out = Output::captured(format, command.output.verbose);
        command.run(&host.root(), &mut out)?.expect_done();
        Ok((host.relative(out.stdout()), host.relative(out.stderr())))
    }

    /// Without the columns' blanks.
    fn lines(text: &str) -> Vec<String> {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        text.lines().map(words).collect()
    }

    #[test]
    fn all_lists_with_what_they_hit() {
        let (text, stderr) = list(&host(), &[], Format::Normal).unwrap();
        let main = "/etc/nvme/exclusions.conf";
        assert_eq!(
            lines(&text),
            [
                "PLACE ENTRY HITS",
                &format!(
                    "{main}:1 nqn=early invalid, excludes nothing: it is not below `[exclusions]`, where alone entries are read"
                ),
                &format!("{main}:3 transport=tcp nvme3; 1 not made"),
                &format!(
                    "{main}:4 subsysnqn=x invalid, excludes nothing: unknown field `subsysnqn`: expected transport, traddr, trsvcid, nqn, host-traddr, host-iface, hostnqn or hostid"
                ),
                &format!(
                    "{main}:5 transport=TCP seems to match nothing: unknown transport `TCP`: expected tcp, rdma, fc or loop"
                ),
                &format!("{main}:6 nqn=other -"),
                &format!("{main}.d/empty.conf - no entries"),
                "/etc/nvme/exclusions/old.conf:2 traddr=192.0.2.20 1 not made",
            ]
        );
        assert_eq!(stderr, "");
        let nothing = list(&FakeHost::new(), &[], Format::Normal).unwrap();
        assert_eq!(nothing, (String::new(), String::new()));
    }

    #[test]
    fn one_list_and_verbose() {
        let (text, _) = list(&host(), &["-N", "old", "-v"], Format::Normal).unwrap();
        assert_eq!(
            lines(&text)[1..],
            [
                "/etc/nvme/exclusions/old.conf:2 traddr=192.0.2.20 1 not made",
                "not made: transport=tcp;traddr=192.0.2.20;trsvcid=4420;nqn=nqn.2014-08.org.example:a",
            ]
        );
        let error = list(&host(), &["-N", "x"], Format::Normal).unwrap_err();
        assert!(error.to_string().contains("no list `x`"), "{error}");
    }

    #[test]
    fn json_and_problems() {
        let host = host();
        host.file("etc/nvme/exclusions.conf.d/bad name.conf", "");
        let (text, stderr) = list(&host, &[], Format::Json).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let main = &json["lists"][0];
        assert_eq!(
            (&main["name"], &main["file"]),
            (
                &serde_json::Value::Null,
                &"/etc/nvme/exclusions.conf".into()
            )
        );
        assert_eq!(
            main["entries"][1],
            serde_json::json!({
                "line": 3, "entry": "transport=tcp", "error": null, "doubt": null, "live": ["nvme3"],
                "desired": ["transport=tcp;traddr=192.0.2.20;trsvcid=4420;nqn=nqn.2014-08.org.example:a"]
            })
        );
        assert!(
            main["entries"][2]["error"]
                .as_str()
                .unwrap()
                .contains("unknown field")
        );
        assert!(
            main["entries"][3]["doubt"]
                .as_str()
                .unwrap()
                .contains("TCP")
        );
        assert_eq!(json["lists"][1]["entries"], serde_json::json!([]));
        assert_eq!(json["lists"][2]["name"], "old");
        assert!(
            json["problems"][0]
                .as_str()
                .unwrap()
                .contains("bad name.conf")
        );
        assert!(
            stderr.starts_with("nvmf: exclusion list: `/etc/nvme/exclusions.conf.d/bad name.conf`")
        );
    }
}
