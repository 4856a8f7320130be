//! `nvmf exclusion edit`

mod editor;
mod question;

use std::path::Path;

use anyhow::Context;
use clap::Args;
use nvmf::Root;
use nvmf::exclusions::{self, List, ListName, Version};
use nvmf_types::exclusion::{Document, Rule};
use serde::Serialize;

use super::{Connections, doubt, hits, warn};
use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::output::Output;
use editor::{Draft, Editor};
use question::{Choice, choose};

/// Edit a list in $VISUAL or $EDITOR
///
/// A copy is edited. It becomes the list when it is saved and all its entries mean something;
/// otherwise you are asked whether to edit it again. It is not written over what somebody else
/// changed meanwhile.
#[derive(Debug, Args)]
pub(crate) struct Edit {
    /// The list NAME instead of the default one
    #[arg(short = 'N', long)]
    name: Option<ListName>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// What `-o json` shows.
#[derive(Debug, Serialize)]
struct Report {
    name: Option<String>,
    file: String,
    outcome: &'static str,
}

/// How a person is reached.
struct Desk<'a> {
    folder: &'a Path,
    edit: &'a mut dyn FnMut(&Path) -> anyhow::Result<()>,
    choose: fn() -> anyhow::Result<Choice>,
}

impl Edit {
    pub(super) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let editor = Editor::new(editor::choose()?);
        let mut desk = Desk {
            folder: &std::env::temp_dir(),
            edit: &mut |file| editor.run(file),
            choose,
        };
        self.at(root, out, &mut desk)
    }

    fn at(&self, root: &Root, out: &mut Output, desk: &mut Desk<'_>) -> anyhow::Result<Outcome> {
        let list = exclusions::find(root, self.name.as_ref());
        let (old, version) = exclusions::read_or_new(&list)?;
        let mut draft = Draft::new(desk.folder, old.text().as_bytes())?;
        let new = loop {
            let edited = (desk.edit)(draft.path()).and_then(|()| draft.text());
            let text = edited.with_context(|| left(&mut draft, old.text()))?;
            if text == old.text() {
                return self.report(out, &list, "unchanged");
            }
            let new = Document::parse(&list.path.display().to_string(), text);
            if new.problems().is_empty() {
                break new;
            }
            complain(out, &new, &draft);
            let outcome = match (desk.choose)() {
                Ok(Choice::EditAgain) => continue,
                Ok(Choice::Discard) => {
                    unsaved(out, "nothing was saved");
                    return Ok(Outcome::Incomplete);
                }
                Ok(Choice::Keep) => Outcome::Incomplete,
                Ok(Choice::Interrupted) => Outcome::Interrupted,
                Err(error) => return Err(error.context(left(&mut draft, old.text()))),
            };
            unsaved(out, &left(&mut draft, old.text()));
            return Ok(outcome);
        };
        let added = added(&old, &new);
        save(root, &list, &version, new).with_context(|| left(&mut draft, old.text()))?;
        let hits = hits(root, &Connections::of(root), &added);
        let outcome = self.report(out, &list, "saved");
        for rule in &added {
            doubt::warn(out, "exclusion edit", rule);
        }
        warn(out, "exclusion edit", &hits);
        outcome
    }

    fn report(
        &self,
        out: &mut Output,
        list: &List,
        outcome: &'static str,
    ) -> anyhow::Result<Outcome> {
        let report = Report {
            name: self.name.as_ref().map(ToString::to_string),
            file: list.path.display().to_string(),
            outcome,
        };
        out.result(&report, |r| format!("{} {}", r.outcome, r.file))?;
        Ok(Outcome::Done)
    }
}

fn save(root: &Root, list: &List, version: &Version, new: Document) -> anyhow::Result<()> {
    exclusions::replace(root, list, version, new)?;
    Ok(())
}

/// Keeps what was typed, and says where it is.
fn left(draft: &mut Draft, old: &str) -> String {
    match draft.text() {
        Ok(text) if text == old => "nothing was saved".to_owned(),
        _ => {
            let place = draft.keep().display();
            format!("nothing was saved; your text stays in {place}")
        }
    }
}

/// The valid entries of `new` that `old` does not have.
fn added(old: &Document, new: &Document) -> Vec<Rule> {
    let rules = |document: &Document| -> Vec<Rule> {
        let entries = document.entries().iter();
        entries.filter_map(|e| e.kind.clone().ok()).collect()
    };
    let old = rules(old);
    let is_new = |rule: &Rule| !old.contains(rule);
    rules(new).into_iter().filter(is_new).collect()
}

fn complain(out: &mut Output, new: &Document, draft: &Draft) {
    for entry in new.problems() {
        let Err(why) = &entry.kind else { continue };
        let (line, text) = (entry.source.line, &entry.text);
        out.diagnostic(&format!(
            "nvmf: exclusion edit: line {line}: `{text}` would exclude nothing: {why}"
        ));
    }
    let place = draft.path().display();
    out.diagnostic(&format!("nvmf: exclusion edit: your text is in {place}"));
}

fn unsaved(out: &mut Output, said: &str) {
    out.diagnostic(&format!("nvmf: exclusion edit: {said}"));
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::args::Format;
    use crate::testing::{FakeHost, parse};

    const MAIN: &str = "etc/nvme/exclusions.conf";
    const OLD: &str = "# mine\r\n[exclusions]\r\nexclusion = nqn=a\r\n";
    const NEVER: fn() -> anyhow::Result<Choice> = || panic!("asked");

    struct Session {
        outcome: anyhow::Result<Outcome>,
        stdout: String,
        stderr: String,
        /// What was left.
        drafts: Vec<String>,
    }

    /// Writes one of `texts` each time the editor runs.
    fn edit(host: &FakeHost, texts: &[&str], choose: fn() -> anyhow::Result<Choice>) -> Session {
        let mut texts = texts.iter();
        let mut type_in = |file: &Path| {
            let text = texts.next().expect("an editor that is not expected");
            Ok(fs::write(file, text)?)
        };
        session(host, &[], &mut type_in, choose)
    }

    fn session(
        host: &FakeHost,
        words: &[&str],
        edit: &mut dyn FnMut(&Path) -> anyhow::Result<()>,
        choose: fn() -> anyhow::Result<Choice>,
    ) -> Session {
        let folder = host.file("tmp/x", "").parent().unwrap().to_owned();
        fs::remove_file(folder.join("x")).unwrap();
        let mut out = Output::captured(Format::Normal, false);
        let mut desk = Desk {
            folder: &folder,
            edit,
            choose,
        };
        let outcome = parse::<Edit>(words).at(&host.root(), &mut out, &mut desk);
        let drafts = fs::read_dir(&folder).unwrap();
        let drafts = drafts.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
        Session {
            outcome,
            stdout: host.relative(out.stdout()),
            stderr: host.relative(out.stderr()),
            drafts: drafts.collect(),
        }
    }

    fn host() -> FakeHost {
        let host = FakeHost::new();
        host.file(MAIN, OLD);
        host
    }

    #[test]
    fn saved_as_it_is() {
        let host = host();
        host.tcp("nvme3", "nqn.2014-08.org.example:a");
        let new = format!("{OLD}exclusion = transport=tcp\r\nexclusion = transport=TCP\r\n");
        let session = edit(&host, &[&new], NEVER);
        session.outcome.unwrap().expect_done();
        assert_eq!(session.stdout, format!("saved /{MAIN}\n"));
        assert!(
            session
                .stderr
                .contains("match no connection at all: unknown transport `TCP`"),
            "{}",
            session.stderr
        );
        assert!(
            session.stderr.contains("nvme3 stays connected"),
            "{}",
            session.stderr
        );
        assert_eq!((host.read(MAIN), session.drafts.len()), (new.clone(), 0));

        let session = edit(&host, &[&new], NEVER);
        session.outcome.unwrap().expect_done();
        assert_eq!(session.stdout, format!("unchanged /{MAIN}\n"));
        assert_eq!((session.stderr, session.drafts.len()), (String::new(), 0));
    }

    #[test]
    fn a_new_list() {
        let host = FakeHost::new();
        let lab = "etc/nvme/exclusions.conf.d/lab.conf";
        let mut look = |_: &Path| Ok(());
        let words = ["-N", "lab"];
        let looked = session(&host, &words, &mut look, NEVER);
        looked.outcome.unwrap().expect_done();
        assert!(
            !host
                .root()
                .etc()
                .join("nvme/exclusions.conf.d/lab.conf")
                .exists()
        );
        let mut append = |file: &Path| {
            let text = fs::read_to_string(file)?;
            Ok(fs::write(file, text + "exclusion = nqn=a")?)
        };
        let session = session(&host, &words, &mut append, NEVER);
        session.outcome.unwrap().expect_done();
        let text = host.read(lab);
        assert!(
            text.ends_with("[exclusions]\nexclusion = nqn=a\n"),
            "{text}"
        );
    }

    #[test]
    fn typos_are_edited_again() {
        let host = host();
        let typo = format!("{OLD}exclusion = subsysnqn=b\n");
        let good = format!("{OLD}exclusion = nqn=b\n");
        let session = edit(&host, &[&typo, &good], || Ok(Choice::EditAgain));
        session.outcome.unwrap().expect_done();
        let said =
            "nvmf: exclusion edit: line 4: `subsysnqn=b` would exclude nothing: unknown field";
        assert!(session.stderr.starts_with(said), "{}", session.stderr);
        assert_eq!((host.read(MAIN), session.drafts.len()), (good, 0));
    }

    #[test]
    fn typos_are_never_saved() {
        let host = host();
        let typo = format!("exclusion = nqn=b\n{OLD}");
        let session = edit(&host, &[&typo], || Ok(Choice::Discard));
        assert_eq!(session.outcome.unwrap(), Outcome::Incomplete);
        assert!(session.stderr.ends_with("nothing was saved\n"));
        assert_eq!(session.drafts.len(), 0);

        let session = edit(&host, &[&typo], || Ok(Choice::Keep));
        assert_eq!(session.outcome.unwrap(), Outcome::Incomplete);
        assert!(
            session
                .stderr
                .contains("your text stays in /tmp/nvmf-exclusions.")
        );
        assert_eq!(session.drafts.concat(), typo);
        let session = edit(&host, &[&typo], || Ok(Choice::Interrupted));
        assert_eq!(session.outcome.unwrap(), Outcome::Interrupted);
        assert!(
            session
                .stderr
                .contains("your text stays in /tmp/nvmf-exclusions.")
        );
        assert_eq!(host.read(MAIN), OLD);

        let session = edit(&host, &[&typo], || anyhow::bail!("cannot ask"));
        let error = format!("{:#}", session.outcome.unwrap_err());
        assert!(
            error.contains("your text stays in") && error.contains("cannot ask"),
            "{error}"
        );
    }

    #[test]
    fn what_another_changed_is_not_written_over() {
        let host = host();
        let theirs = format!("{OLD}exclusion = nqn=theirs\n");
        let mine = format!("{OLD}exclusion = nqn=mine\n");
        let main = host.root().etc().join("nvme/exclusions.conf");
        let mut type_in = |file: &Path| {
            fs::write(&main, &theirs)?;
            Ok(fs::write(file, &mine)?)
        };
        let session = session(&host, &[], &mut type_in, NEVER);
        let error = format!("{:#}", session.outcome.unwrap_err());
        assert!(
            error.starts_with("nothing was saved; your text stays in "),
            "{error}"
        );
        assert!(error.contains("changed meanwhile"), "{error}");
        assert_eq!((host.read(MAIN), session.drafts), (theirs, vec![mine]));
    }

    #[test]
    fn failing_editors_lose_nothing() {
        let host = host();
        let mut fail = |_: &Path| anyhow::bail!("no editor");
        let failed = session(&host, &[], &mut fail, NEVER);
        let error = format!("{:#}", failed.outcome.unwrap_err());
        assert_eq!(
            (&*error, failed.drafts.len()),
            ("nothing was saved: no editor", 0)
        );
        let mut die = |file: &Path| {
            fs::write(file, "half")?;
            anyhow::bail!("killed")
        };
        let died = session(&host, &[], &mut die, NEVER);
        let error = format!("{:#}", died.outcome.unwrap_err());
        assert!(
            error.contains("stays in") && error.ends_with(": killed"),
            "{error}"
        );
        assert_eq!(
            (host.read(MAIN), died.drafts),
            (OLD.to_owned(), vec!["half".to_owned()])
        );
    }
}
