//! `nvmf disconnect -x`: what is disconnected must not come back by itself.

use anyhow::Context;
use nvmf::Root;
use nvmf::exclusions;
use nvmf::sysfs::Pinned;
use nvmf_types::Nqn;
use nvmf_types::exclusion::{AddError, Added, Rule};
use serde::Serialize;

use crate::commands::exclusion::{Connections, Standing, failed, hits, warn};
use crate::output::{Output, clean};

/// An entry that stands in the default list now.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Excluded {
    #[serde(flatten)]
    pub(super) standing: Standing,
    outcome: &'static str,
}

/// Excludes all of `targets`, with one write: those of the subsystem `nqn` by its name, the others
/// by what each is connected to. Says what was written, and what else it hits.
///
/// # Errors
/// Nothing was written.
pub(super) fn exclude(
    root: &Root,
    targets: &[Pinned],
    nqn: Option<&Nqn>,
    out: &mut Output,
) -> anyhow::Result<Vec<Excluded>> {
    let connections = Connections::of(root);
    let written = rules(&connections, targets, nqn)
        .and_then(|rules| Ok((write(root, &rules)?, rules)))
        .context("nothing was disconnected, because it cannot be excluded");
    let (excluded, rules) = written?;
    if !out.json() {
        for Excluded { standing, outcome } in &excluded {
            let Standing { file, line, entry } = standing;
            let already = if *outcome == "added" { "" } else { "already " };
            out.line(&format!(
                "{already}excluded by {file}:{line}: {}",
                clean(entry)
            ))?;
        }
    }
    let mut others = hits(root, &connections, &rules);
    others.retain(|hit| targets.iter().all(|pinned| *pinned.device() != hit.device));
    warn(out, "disconnect", &others);
    Ok(excluded)
}

fn rules(
    connections: &Connections,
    targets: &[Pinned],
    nqn: Option<&Nqn>,
) -> anyhow::Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for pinned in targets {
        let live = pinned.controller();
        let rule = match nqn {
            Some(nqn) if live.tid.nqn == *nqn => {
                Rule::from_fields(|key| (key == "nqn").then_some(nqn.as_str()))
            }
            _ => connections.entry_for(live),
        };
        let rule = rule.with_context(|| pinned.device().to_string())?;
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    Ok(rules)
}

fn write(root: &Root, rules: &[Rule]) -> anyhow::Result<Vec<Excluded>> {
    let list = exclusions::find(root, None);
    let added = exclusions::edit(root, &list, |document| {
        let added = rules.iter().map(|rule| document.add(rule, None));
        added.collect::<Result<Vec<Added>, AddError>>()
    });
    let file = list.path.display().to_string();
    let excluded = added.map_err(failed)?.value.into_iter().zip(rules);
    let excluded = excluded.map(|(added, rule)| {
        let (line, outcome) = match added {
            Added::Appended(line) => (line, "added"),
            Added::AlreadyThere(line) => (line, "already-there"),
        };
        let standing = Standing {
            file: file.clone(),
            line,
            entry: rule.to_string(),
        };
        Excluded { standing, outcome }
    });
    Ok(excluded.collect())
}

#[cfg(test)]
mod tests {
    use super::super::Disconnect;
    use crate::args::Format;
    use crate::cli::Outcome;
    use crate::output::Output;
    use crate::testing::{FakeHost, parse};

    const A: &str = "nqn.2014-08.org.example:a";
    const B: &str = "nqn.2014-08.org.example:b";
    const CONF: &str = "etc/nvme/exclusions.conf";

    struct Said {
        outcome: Outcome,
        stdout: String,
        stderr: String,
    }

    fn disconnect(host: &FakeHost, words: &[&str], format: Format) -> Result<Said, String> {
        let mut out = Output::captured(format, false);
        let outcome = parse::<Disconnect>(words).run(&host.root(), &mut out);
        Ok(Said {
            outcome: outcome.map_err(|e| host.relative(&format!("{e:#}")))?,
            stdout: host.relative(out.stdout()),
            stderr: host.relative(out.stderr()),
        })
    }

    fn host() -> FakeHost {
        let host = FakeHost::new();
        host.tcp("nvme1", A);
        host.tcp("nvme2", B);
        host.tcp("nvme3", A);
        host.attribute("nvme3", "address", "traddr=192.0.2.20,trsvcid=4420\n");
        host
    }

    #[test]
    fn all_entries_and_then_the_disconnects() {
        let host = host();
        let said = disconnect(&host, &["-x", "-d", "nvme2,nvme1"], Format::Normal).unwrap();
        assert_eq!(said.outcome, Outcome::Done);
        let at = "transport=tcp;traddr=192.0.2.10;trsvcid=4420;nqn=";
        let line = |line: usize, nqn: &str| format!("excluded by /{CONF}:{line}: {at}{nqn}\n");
        let expected = format!(
            "{}{}disconnected 2 controllers: nvme1, nvme2\n",
            line(4, A),
            line(5, B)
        );
        assert_eq!((said.stdout, said.stderr), (expected, String::new()));
        assert_eq!(
            (host.deletes("nvme1"), host.deletes("nvme2")),
            ("1".into(), "1".into())
        );
        let text = host.read(CONF);
        assert!(
            text.ends_with(&format!("exclusion = {at}{A}\nexclusion = {at}{B}\n")),
            "{text}"
        );

        let again = disconnect(&host, &["--exclude", "-d", "nvme2"], Format::Normal).unwrap();
        assert!(
            again.stdout.starts_with(&format!("already {}", line(5, B))),
            "{}",
            again.stdout
        );
        assert_eq!(host.read(CONF), text);
    }

    #[test]
    fn a_subsystem_by_its_name() {
        let host = host();
        let said = disconnect(&host, &["-x", "-n", A, "-d", "nvme2"], Format::Json).unwrap();
        assert_eq!(said.outcome, Outcome::Done);
        let json: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(
            json["disconnected"],
            serde_json::json!(["nvme1", "nvme2", "nvme3"])
        );
        let file = format!("/{CONF}");
        let b = format!("transport=tcp;traddr=192.0.2.10;trsvcid=4420;nqn={B}");
        let excluded = serde_json::json!([
            {"file": file, "line": 4, "entry": b, "outcome": "added"},
            {"file": file, "line": 5, "entry": format!("nqn={A}"), "outcome": "added"},
        ]);
        assert_eq!(json["excluded"], excluded);
    }

    #[test]
    fn what_cannot_be_excluded_is_not_disconnected() {
        let host = host();
        let dead = "[exclusions]\nexclusion = tcp\n";
        host.file(CONF, dead);
        let error = disconnect(&host, &["-x", "-d", "nvme1"], Format::Normal)
            .err()
            .unwrap();
        assert!(
            error.starts_with(
                "nothing was disconnected, because it cannot be excluded: cannot change"
            ),
            "{error}"
        );
        assert!(error.contains("line 2 `tcp` excludes nothing"), "{error}");
        // one of several: none is written, none goes
        host.file(CONF, "[exclusions]\n");
        host.attribute("nvme2", "subsysnqn", "a;transport=tcp\n");
        let error = disconnect(&host, &["-x", "-d", "nvme1,nvme2"], Format::Normal)
            .err()
            .unwrap();
        assert!(
            error.contains("nvme2: nqn `a;transport=tcp` contains `;`"),
            "{error}"
        );
        assert_eq!(host.read(CONF), "[exclusions]\n");
        for device in ["nvme1", "nvme2"] {
            assert_eq!(host.deletes(device), "", "{device}");
        }
    }

    #[test]
    fn a_failed_disconnect_takes_nothing_back() {
        let host = host();
        host.remove_attribute("nvme1", "delete_controller");
        std::fs::create_dir(host.root().sys().join("class/nvme/nvme1/delete_controller")).unwrap();
        let said = disconnect(&host, &["-x", "-d", "nvme1"], Format::Normal).unwrap();
        assert_eq!(said.outcome, Outcome::Incomplete);
        assert!(
            said.stderr.contains("stays so: nvmf exclusion remove"),
            "{}",
            said.stderr
        );
        assert!(host.read(CONF).contains(A));
    }

    #[test]
    fn nothing_to_disconnect_is_nothing_to_exclude() {
        let host = host();
        host.pcie("nvme0");
        for words in [["-x", "-d", "nvme0"], ["-x", "-n", "testnqn"]] {
            let said = disconnect(&host, &words, Format::Normal).unwrap();
            assert_eq!(said.outcome, Outcome::Incomplete);
            assert!(
                said.stderr.contains("nothing was excluded either"),
                "{}",
                said.stderr
            );
            assert!(!host.root().etc().join("nvme/exclusions.conf").exists());
        }
    }

    #[test]
    fn others_that_an_entry_hits_are_named() {
        let host = host();
        host.tcp("nvme4", A);
        let pinned = "traddr=192.0.2.10,trsvcid=4420,host_iface=eth1\n";
        host.attribute("nvme4", "address", pinned);
        host.own("nvme4", "nbft");
        let said = disconnect(&host, &["-x", "-d", "nvme1"], Format::Normal).unwrap();
        assert!(
            said.stderr
                .starts_with("nvmf: disconnect: warning: nvme4 is owned by nbft"),
            "{}",
            said.stderr
        );
        let said = disconnect(&host, &["-x", "-d", "nvme4"], Format::Normal).unwrap();
        assert!(
            said.stdout.contains(";host-iface=eth1\n"),
            "{}",
            said.stdout
        );
        assert_eq!(said.stderr, "");
    }
}
