//! `nvmf exclusion remove`

use std::str::FromStr;

use anyhow::{Context, bail};
use clap::Args;
use nvmf::Root;
use nvmf::exclusions::{self, List, ListName, LoadedExclusions};
use nvmf_types::exclusion::{Document, Entry, Rule};
use serde::Serialize;

use super::{Connections, Standing, failed, meaning, rule_of};
use crate::args::{EntryArgs, OutputArgs};
use crate::cli::{Outcome, Usage};
use crate::output::{Output, clean};
use crate::prompt;

/// Take an entry out, so that what it excludes may be connected again
///
/// Say which by its place, as list shows it, or by what it says: an entry with -e, a controller
/// with -d, or fields; these are compared by meaning. Without any of them it can be picked on a
/// terminal. Comments stay.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  nvmf exclusion remove /etc/nvme/exclusions.conf:5\n  nvmf exclusion remove 5 -N maintenance\n  nvmf exclusion remove -n nqn.2014-08.org.example:backup"
)]
pub(crate) struct Remove {
    /// Its place: FILE:LINE, or the line in the list that -N names or else the default one
    #[arg(value_name = "PLACE")]
    place: Option<At>,
    #[command(flatten)]
    entry: EntryArgs,
    /// The list NAME; when picking, only its entries
    #[arg(short = 'N', long)]
    name: Option<ListName>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// `/etc/nvme/exclusions.conf:5`, `5`
#[derive(Clone, Debug, PartialEq, Eq)]
struct At {
    file: Option<String>,
    line: usize,
}

/// What `-o json` shows.
#[derive(Debug, Serialize)]
struct Report {
    removed: Vec<Standing>,
}

/// Shows the choices to a person, who takes one or none. Fails where there is nobody.
pub(super) type Pick = fn(&[String]) -> anyhow::Result<Option<usize>>;

/// Picks on the terminal.
pub(super) fn pick(choices: &[String]) -> anyhow::Result<Option<usize>> {
    if !prompt::is_interactive()? {
        bail!(Usage(
            "say which entry: FILE:LINE as nvmf exclusion list shows it, or its text with -e; picking one takes a terminal"
                .to_owned()
        ));
    }
    prompt::select("Which one is to go (Esc: none)", choices)
}

impl Remove {
    pub(super) fn run(&self, root: &Root, out: &mut Output, pick: Pick) -> anyhow::Result<Outcome> {
        let rule = self.entry.rule(|device| {
            let connections = Connections::of(root);
            rule_of(root, &connections, device)
        })?;
        let removed = match (&self.place, rule) {
            (Some(_), Some(_)) => bail!(Usage(
                "give either the entry's place or what it says, not both".to_owned()
            )),
            (Some(at), None) => vec![self.at(root, at)?],
            (None, Some(rule)) => self.saying(root, &rule)?,
            (None, None) => match self.picked(root, pick)? {
                Some(removed) => vec![removed],
                None => {
                    out.diagnostic("nvmf: exclusion remove: nothing was changed");
                    return Ok(Outcome::Incomplete);
                }
            },
        };
        out.result(&Report { removed }, render)?;
        Ok(Outcome::Done)
    }

    fn at(&self, root: &Root, at: &At) -> anyhow::Result<Standing> {
        let list = match &at.file {
            None => exclusions::find(root, self.name.as_ref()),
            Some(_) if self.name.is_some() => {
                bail!(Usage("give either FILE:LINE, or LINE with -N".to_owned()))
            }
            Some(file) => list_in(root, file)?,
        };
        let line = at.line;
        let removed = exclusions::edit(root, &list, |document| document.remove(line));
        Ok(standing(&removed.map_err(failed)?.value))
    }

    /// Takes out all entries of the list that mean the same.
    fn saying(&self, root: &Root, rule: &Rule) -> anyhow::Result<Vec<Standing>> {
        let list = exclusions::find(root, self.name.as_ref());
        let removed = exclusions::edit(root, &list, |document| {
            let says = |entry: &&Entry| entry.kind.as_ref().is_ok_and(|r| meaning::same(r, rule));
            let found: Vec<Entry> = document.entries().iter().filter(says).cloned().collect();
            // from the end: a line that goes changes the numbers of those below it
            for entry in found.iter().rev() {
                document.remove(entry.source.line)?;
            }
            Ok::<_, nvmf_types::exclusion::NoSuchEntry>(found)
        });
        let removed = removed.map_err(failed)?.value;
        if removed.is_empty() {
            let file = list.path.display();
            let text = format!(
                "{file} has no entry that says `{}`",
                clean(&rule.to_string())
            );
            match elsewhere(root, rule) {
                Some(place) => bail!("{text}; {place} does"),
                None => bail!("{text}: see nvmf exclusion list"),
            }
        }
        Ok(removed.iter().map(standing).collect())
    }

    fn picked(&self, root: &Root, pick: Pick) -> anyhow::Result<Option<Standing>> {
        let LoadedExclusions { set, lists, .. } = exclusions::load(root);
        let only = self.name.as_ref();
        let only = only.map(|name| {
            exclusions::find(root, Some(name))
                .path
                .display()
                .to_string()
        });
        let wanted = |entry: &&Entry| only.as_ref().is_none_or(|file| entry.source.file == *file);
        let entries: Vec<&Entry> = set.entries().iter().filter(wanted).collect();
        let choices = entries.iter().map(|entry| {
            let Entry { source, text, .. } = entry;
            format!("{source}  {}", clean(text))
        });
        let choices: Vec<String> = choices.collect();
        if choices.is_empty() {
            bail!("there is no entry: see nvmf exclusion list");
        }
        let chosen = pick(&choices)?.and_then(|choice| entries.get(choice));
        let Some(entry) = chosen else {
            return Ok(None);
        };
        let list = lists
            .iter()
            .find(|list| list.path.display().to_string() == entry.source.file)
            .context("its list is gone")?;
        let removed = exclusions::edit(root, list, |document| taken_out(document, entry));
        let removed = removed.map_err(|error| match error {
            exclusions::EditError::Refused(error) => error,
            other => anyhow::Error::msg(other.to_string()),
        });
        removed.map(|edited| Some(standing(&edited.value)))
    }
}

/// Takes out the entry that was shown, if it stands where it stood.
fn taken_out(document: &mut Document, shown: &Entry) -> anyhow::Result<Entry> {
    let same = |entry: &Entry| entry.source == shown.source && entry.text == shown.text;
    if !document.entries().iter().any(same) {
        bail!(
            "{} has been changed meanwhile: try again",
            shown.source.file
        );
    }
    Ok(document.remove(shown.source.line)?)
}

/// The list in `file`.
fn list_in(root: &Root, file: &str) -> anyhow::Result<List> {
    let (lists, _) = exclusions::lists(root);
    let found = lists
        .into_iter()
        .find(|list| list.path.display().to_string() == file);
    found.with_context(|| {
        format!(
            "`{}` is no list: see nvmf exclusion list",
            file.escape_debug()
        )
    })
}

/// Another place where an entry says the same.
fn elsewhere(root: &Root, rule: &Rule) -> Option<String> {
    let set = exclusions::load(root).set;
    let says = |entry: &&Entry| entry.kind.as_ref().is_ok_and(|r| meaning::same(r, rule));
    let found = set.entries().iter().find(says);
    found.map(|entry| entry.source.to_string())
}

fn standing(entry: &Entry) -> Standing {
    Standing {
        file: entry.source.file.clone(),
        line: entry.source.line,
        entry: entry.text.clone(),
    }
}

fn render(report: &Report) -> String {
    let line = |Standing { file, line, entry }: &Standing| {
        format!("removed {file}:{line}: {}", clean(entry))
    };
    let lines: Vec<String> = report.removed.iter().map(line).collect();
    lines.join("\n")
}

impl FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (file, line) = match text.rsplit_once(':') {
            Some((file, line)) => (Some(file.to_owned()), line),
            None => (None, text),
        };
        match line.parse() {
            Ok(line) if line > 0 && file.as_deref() != Some("") => Ok(Self { file, line }),
            _ => Err(format!(
                "`{}` is no place: expected FILE:LINE as nvmf exclusion list shows it, or LINE",
                text.escape_debug()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::testing::{FakeHost, parse};

    const MAIN: &str = "etc/nvme/exclusions.conf";
    const LAB: &str = "etc/nvme/exclusions.conf.d/lab.conf";
    const NOBODY: Pick = |choices| panic!("asked: {choices:?}");

    fn host() -> FakeHost {
        let host = FakeHost::new();
        host.file(
            MAIN,
            "[exclusions]\n# one\nexclusion = traddr=0:0::1; nqn=a\nexclusion = oops\nexclusion = nqn=a;traddr=::1\n",
        );
        host.file(LAB, "[exclusions]\nexclusion = nqn=b\n");
        let old = "[exclusions]\nexclusion = nqn=c\n";
        host.file("etc/nvme/exclusions/old.conf", old);
        host
    }

    fn remove(host: &FakeHost, words: &[&str], pick: Pick) -> Result<(Outcome, String), String> {
        let mut out = Output::captured(Format::Normal, false);
        let outcome = parse::<Remove>(words).run(&host.root(), &mut out, pick);
        let outcome = outcome.map_err(|e| host.relative(&format!("{e:#}")))?;
        Ok((outcome, host.relative(out.stdout())))
    }

    fn done(text: &str) -> Result<(Outcome, String), String> {
        Ok((Outcome::Done, text.to_owned()))
    }

    #[test]
    fn by_place() {
        let host = host();
        let place = format!(
            "{}:4",
            host.root().etc().join("nvme/exclusions.conf").display()
        );
        let removed = remove(&host, &[&place], NOBODY);
        assert_eq!(removed, done(&format!("removed /{MAIN}:4: oops\n")));
        let removed = remove(&host, &["2", "-N", "lab"], NOBODY);
        assert_eq!(removed, done(&format!("removed /{LAB}:2: nqn=b\n")));
        assert_eq!(host.read(LAB), "[exclusions]\n");
        let removed = remove(&host, &["3"], NOBODY);
        assert_eq!(
            removed,
            done(&format!("removed /{MAIN}:3: traddr=0:0::1; nqn=a\n"))
        );
        let left = "[exclusions]\n# one\nexclusion = nqn=a;traddr=::1\n";
        assert_eq!(host.read(MAIN), left);
        for (words, expected) in [
            (&["2"][..], "has no entry in line 2"),
            (&["2", "-N", "nothing"], "has no entry in line 2"),
            (&["2", "-N", "old"], "only read"),
            (&["/etc/passwd:1"], "`/etc/passwd` is no list"),
            (&["/etc/passwd:1", "-N", "lab"], "either FILE:LINE"),
            (&["2", "-e", "nqn=a"], "either the entry's place"),
        ] {
            let error = remove(&host, words, NOBODY).unwrap_err();
            assert!(error.contains(expected), "{words:?}: {error}");
        }
        assert_eq!(host.read(MAIN), left);
    }

    #[test]
    fn by_meaning_and_every_one() {
        let host = host();
        let words = ["-a", "0::0001", "-n", "a"];
        let removed = format!(
            "removed /{MAIN}:3: traddr=0:0::1; nqn=a\nremoved /{MAIN}:5: nqn=a;traddr=::1\n"
        );
        assert_eq!(remove(&host, &words, NOBODY), done(&removed));
        assert_eq!(host.read(MAIN), "[exclusions]\n# one\nexclusion = oops\n");
        let error = remove(&host, &words, NOBODY).unwrap_err();
        let text = format!("/{MAIN} has no entry that says `traddr=::1;nqn=a`");
        assert_eq!(error, format!("{text}: see nvmf exclusion list"));
        let error = remove(&host, &["-e", "nqn=b"], NOBODY).unwrap_err();
        assert_eq!(
            error,
            format!("/{MAIN} has no entry that says `nqn=b`; /{LAB}:2 does")
        );
        let removed = remove(&host, &["-e", "nqn=b", "-N", "lab"], NOBODY);
        assert_eq!(removed, done(&format!("removed /{LAB}:2: nqn=b\n")));
    }

    #[test]
    fn picked_by_a_person() {
        let host = host();
        let second: Pick = |choices| {
            assert_eq!(choices.len(), 5);
            assert!(
                choices[1].ends_with("exclusions.conf:4  oops"),
                "{choices:?}"
            );
            Ok(Some(1))
        };
        assert_eq!(
            remove(&host, &[], second),
            done(&format!("removed /{MAIN}:4: oops\n"))
        );
        let none: Pick = |_| Ok(None);
        let nothing = Ok((Outcome::Incomplete, String::new()));
        assert_eq!(remove(&host, &[], none), nothing);
        let only: Pick = |choices| {
            assert_eq!(choices.len(), 1);
            Ok(Some(0))
        };
        let words = ["-N", "lab"];
        assert_eq!(
            remove(&host, &words, only),
            done(&format!("removed /{LAB}:2: nqn=b\n"))
        );
        let error = remove(&host, &words, NOBODY).unwrap_err();
        assert!(error.contains("there is no entry"), "{error}");
    }

    #[test]
    fn what_was_picked_and_nothing_else() {
        let host = host();
        let list = exclusions::find(&host.root(), None);
        let shown = exclusions::load(&host.root()).set.entries()[0].clone();
        let (mut document, _) = exclusions::read(&list).unwrap();
        document.remove(4).unwrap();
        assert_eq!(taken_out(&mut document, &shown).unwrap(), shown);
        let error = taken_out(&mut document, &shown).unwrap_err();
        assert!(error.to_string().contains("changed meanwhile"), "{error}");
    }

    #[test]
    fn json() {
        let host = host();
        let mut out = Output::captured(Format::Json, false);
        let outcome = parse::<Remove>(&["4"]).run(&host.root(), &mut out, NOBODY);
        outcome.unwrap().expect_done();
        let json: serde_json::Value = serde_json::from_str(&host.relative(out.stdout())).unwrap();
        let removed = serde_json::json!([{"file": format!("/{MAIN}"), "line": 4, "entry": "oops"}]);
        assert_eq!(json, serde_json::json!({ "removed": removed }));
    }

    #[test]
    fn places() {
        let at = |text: &str| text.parse::<At>().ok().map(|at| (at.file, at.line));
        assert_eq!(at("7"), Some((None, 7)));
        assert_eq!(at("/a:b.conf:7"), Some((Some("/a:b.conf".to_owned()), 7)));
        for bad in ["", "0", "-1", "x", "a:", ":7", "a:x", "nqn=a"] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }
}
