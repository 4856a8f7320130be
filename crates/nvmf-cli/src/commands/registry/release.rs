//! `nvmf registry release`

use clap::Args;
use nvmf::Root;
use nvmf::registry::{self, Registry};
use nvmf::sysfs;
use nvmf_types::{DeviceName, Owner};
use serde::Serialize;

use super::controller;
use crate::args::{DeviceArg, OutputArgs};
use crate::cli::Outcome;
use crate::output::Output;

/// Stop being the owner of a controller
///
/// The controller stays connected, and its other attributes stay. Succeeds if OWNER does not own
/// the controller afterwards; what another owns stays the other's and is an error.
#[derive(Debug, Args)]
pub(crate) struct Release {
    /// The controller: nvme3, /dev/nvme3 or its namespace nvme3n1
    device: DeviceArg,
    /// Who owned it
    #[arg(long)]
    owner: Owner,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// What `-o json` shows.
#[derive(Debug, Serialize)]
struct Report<'a> {
    device: DeviceName,
    /// Who owns it now.
    owner: Option<Owner>,
    outcome: Word,
    #[serde(skip)]
    former: &'a Owner,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Released,
    NotOwned,
    OwnedByOther,
}

impl Release {
    pub(super) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let device = controller(root, &self.device)?;
        let (owner, outcome) = match Registry::open(root).release(&device, &self.owner)? {
            registry::Release::Released => (None, Word::Released),
            registry::Release::NotOwned if sysfs::kind(root, &device)?.is_none() => {
                return Err(super::no_such_controller(&device));
            }
            registry::Release::NotOwned => (None, Word::NotOwned),
            registry::Release::OwnedBy(other) => (Some(other), Word::OwnedByOther),
        };
        let report = Report {
            device,
            owner,
            outcome,
            former: &self.owner,
        };
        out.result(&report, render)?;
        if let Report {
            device,
            owner: Some(owner),
            ..
        } = &report
        {
            out.diagnostic(&format!(
                "nvmf: registry release: {device} is owned by {owner}, not by {}: left alone",
                self.owner
            ));
            return Ok(Outcome::Incomplete);
        }
        Ok(Outcome::Done)
    }
}

fn render(report: &Report<'_>) -> String {
    let device = &report.device;
    match report.outcome {
        Word::Released => format!("{device}: released by {}", report.former),
        Word::NotOwned => format!("{device}: not owned by anybody"),
        Word::OwnedByOther => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::testing::{FakeHost, parse};

    fn release(
        host: &FakeHost,
        device: &str,
        owner: &str,
        format: Format,
    ) -> (anyhow::Result<Outcome>, Output) {
        let mut out = Output::captured(format, false);
        let command: Release = parse(&[device, "--owner", owner]);
        (command.run(&host.root(), &mut out), out)
    }

    #[test]
    fn only_what_is_owned_by_the_one_who_asks() {
        let host = FakeHost::new();
        host.tcp("nvme3", "nqn.2014-08.org.example:a");
        host.namespace("nvme1n1", &["nvme3"]);
        host.own("nvme3", "me");
        host.set("nvme3", "note", "x");
        for (device, owner, outcome, stdout, stderr) in [
            (
                "nvme3",
                "you",
                Outcome::Incomplete,
                "",
                "nvmf: registry release: nvme3 is owned by me, not by you: left alone\n",
            ),
            (
                "nvme1n1",
                "me",
                Outcome::Done,
                "nvme3: released by me\n",
                "",
            ),
            (
                "nvme3",
                "me",
                Outcome::Done,
                "nvme3: not owned by anybody\n",
                "",
            ),
        ] {
            let (result, out) = release(&host, device, owner, Format::Normal);
            assert_eq!(result.unwrap(), outcome, "{device} {owner}");
            assert_eq!((out.stdout(), out.stderr()), (stdout, stderr));
        }
        assert_eq!(host.owner("nvme3"), None);
        let (_, out) = release(&host, "nvme3", "me", Format::Json);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(out.stdout()).unwrap(),
            serde_json::json!({"device": "nvme3", "owner": null, "outcome": "not-owned"})
        );
    }

    #[test]
    fn what_cannot_be_owned() {
        let host = FakeHost::new();
        host.pcie("nvme0");
        for (device, expected) in [
            ("nvme0", "managed by the kernel"),
            ("nvme9", "there is no controller nvme9"),
        ] {
            let (result, _) = release(&host, device, "me", Format::Json);
            let error = result.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
