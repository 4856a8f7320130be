//! What a shell offers at the tab key: options, and the values that this host has for them.
//!
//! A shell asks by running the program with [`COMPLETE`] set to its own name; with nothing behind
//! `--` the answer is the function that the shell is to load, which packages install.

use std::collections::BTreeMap;

use clap::{Arg, Command, CommandFactory};
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::{Bash, Fish, Shells, Zsh};
use nvmf::Root;
use nvmf::{exclusions, sysfs};
use nvmf_types::DeviceName;

use crate::cli::Cli;

/// Environment variable by which a shell asks: `bash`, `fish` or `zsh`.
pub const COMPLETE: &str = "NVMF_COMPLETE";

/// The whole command line: every command and option, and where their values come from.
#[must_use]
pub fn command() -> Command {
    with_values(Cli::command())
}

/// Answers a shell that asks, and ends the process then.
pub(crate) fn answer() {
    CompleteEnv::with_factory(command)
        .var(COMPLETE)
        .completer("nvmf")
        .shells(Shells(&[&Bash, &Fish, &Zsh]))
        .complete();
}

/// Where the values of an option come from.
type Source = fn(&Root) -> Vec<CompletionCandidate>;

/// Options and arguments by the names that clap has for them, the same in all commands.
const SOURCES: &[(&str, Source)] = &[
    ("device", devices),
    ("name", lists),
    ("nqn", nqns),
    ("nqns", nqns),
    ("owner", owners),
    ("transport", transports),
    ("what", devices),
];

fn with_values(command: Command) -> Command {
    command
        .mut_args(|arg| match source(&arg) {
            Some(source) => arg.add(ArgValueCandidates::new(move || source(&Root::system()))),
            None => arg,
        })
        .mut_subcommands(with_values)
}

fn source(arg: &Arg) -> Option<Source> {
    let takes_value = arg.get_action().takes_values();
    let known = SOURCES.iter().find(|(name, _)| *name == arg.get_id());
    known.filter(|_| takes_value).map(|(_, source)| *source)
}

/// The controllers, each with its subsystem.
fn devices(root: &Root) -> Vec<CompletionCandidate> {
    let found = sysfs::controllers(root).unwrap_or_default();
    found
        .iter()
        .map(|it| candidate(it.device.as_str(), it.tid.nqn.as_str()))
        .collect()
}

/// The owners that own something now, each with what it owns.
fn owners(root: &Root) -> Vec<CompletionCandidate> {
    let mut owned = BTreeMap::<String, Vec<DeviceName>>::new();
    for it in sysfs::controllers(root).unwrap_or_default() {
        if let Some(owner) = it.owner {
            owned.entry(owner.to_string()).or_default().push(it.device);
        }
    }
    owned
        .iter()
        .map(|(owner, devices)| candidate(owner, &crate::commands::join(devices)))
        .collect()
}

/// The exclusion lists that have a name.
fn lists(root: &Root) -> Vec<CompletionCandidate> {
    let (lists, _) = exclusions::lists(root);
    lists
        .iter()
        .filter_map(|list| Some(candidate(list.name.as_ref()?.as_str(), list.label())))
        .collect()
}

/// The subsystems that are connected.
fn nqns(root: &Root) -> Vec<CompletionCandidate> {
    let found = sysfs::controllers(root).unwrap_or_default();
    let mut nqns: Vec<_> = found.iter().map(|it| it.tid.nqn.to_string()).collect();
    nqns.sort();
    nqns.dedup();
    nqns.iter().map(|nqn| candidate(nqn, "")).collect()
}

fn transports(_: &Root) -> Vec<CompletionCandidate> {
    ["tcp", "rdma", "fc", "loop"]
        .map(|name| candidate(name, ""))
        .into()
}

fn candidate(value: &str, help: &str) -> CompletionCandidate {
    let help = (!help.is_empty()).then(|| help.to_owned().into());
    CompletionCandidate::new(value).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    fn values(source: Source, host: &FakeHost) -> Vec<String> {
        let found = source(&host.root());
        let text = |it: &CompletionCandidate| it.get_value().to_str().unwrap().to_owned();
        found.iter().map(text).collect()
    }

    #[test]
    fn what_a_host_has_is_offered() {
        let host = FakeHost::new();
        assert_eq!(values(devices, &host), Vec::<String>::new());
        let a = host.tcp("nvme0", "nqn.2014-08.org.example:a");
        host.tcp("nvme1", "nqn.2014-08.org.example:a");
        host.own(a.as_str(), "me");
        host.file("etc/nvme/exclusions.conf", "[exclusions]\n");
        host.file("etc/nvme/exclusions.conf.d/lab.conf", "[exclusions]\n");
        assert_eq!(values(devices, &host), ["nvme0", "nvme1"]);
        assert_eq!(values(owners, &host), ["me"]);
        assert_eq!(values(nqns, &host), ["nqn.2014-08.org.example:a"]);
        assert_eq!(values(lists, &host), ["lab"]);
    }

    /// A renamed argument would silently lose its values.
    #[test]
    fn every_source_is_some_arguments() {
        fn ids(command: &Command, found: &mut Vec<String>) {
            let known = command.get_arguments().filter(|arg| source(arg).is_some());
            found.extend(known.map(|arg| arg.get_id().to_string()));
            command.get_subcommands().for_each(|it| ids(it, found));
        }
        let mut found = Vec::new();
        ids(&Cli::command(), &mut found);
        for (name, _) in SOURCES {
            assert!(found.iter().any(|id| id == name), "no argument `{name}`");
        }
        for line in [
            &["connect", "owner"][..],
            &["disconnect", "device"],
            &["disconnect-all", "owner"],
            &["discover", "device"],
            &["exclusion", "add", "device"],
            &["exclusion", "add", "name"],
            &["exclusion", "check", "what"],
            &["explain", "what"],
            &["list-subsys", "what"],
            &["registry", "claim", "owner"],
            &["registry", "retrieve", "device"],
            &["wait", "nqns"],
        ] {
            let (id, path) = line.split_last().unwrap();
            let mut command = Cli::command();
            for name in path {
                command = command.find_subcommand(name).unwrap().clone();
            }
            let arg = command.get_arguments().find(|arg| arg.get_id() == id);
            assert!(arg.is_some_and(|arg| source(arg).is_some()), "{line:?}");
        }
    }
}
