//! `nvmf registry claim`

use clap::Args;
use nvmf::Root;
use nvmf::registry::{self, Registry};
use nvmf_types::{DeviceName, Owner};
use serde::Serialize;

use super::controller;
use crate::args::{DeviceArg, OutputArgs};
use crate::cli::Outcome;
use crate::output::Output;

/// Become the owner of a controller that nobody owns
///
/// Succeeds if OWNER owns the controller afterwards. Of several claimants exactly one is granted;
/// what another owns stays the other's.
#[derive(Debug, Args)]
pub(crate) struct Claim {
    /// The controller: nvme3, /dev/nvme3 or its namespace nvme3n1
    device: DeviceArg,
    /// Who wants it
    #[arg(long)]
    owner: Owner,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// What `-o json` shows.
#[derive(Debug, Serialize)]
struct Report {
    device: DeviceName,
    /// Who owns it now.
    owner: Owner,
    outcome: Word,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Granted,
    AlreadyOwned,
    OwnedByOther,
}

impl Claim {
    pub(super) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let device = controller(root, &self.device)?;
        let mine = self.owner.clone();
        let (owner, outcome) = match Registry::open(root).claim(&device, &self.owner)? {
            registry::Claim::Granted => (mine, Word::Granted),
            registry::Claim::AlreadyMine => (mine, Word::AlreadyOwned),
            registry::Claim::OwnedBy(other) => (other, Word::OwnedByOther),
            registry::Claim::NoSuchController => return Err(super::no_such_controller(&device)),
        };
        let report = Report {
            device,
            owner,
            outcome,
        };
        out.result(&report, render)?;
        if report.outcome == Word::OwnedByOther {
            let Report { device, owner, .. } = &report;
            out.diagnostic(&format!(
                "nvmf: registry claim: {device} is owned by {owner}: left alone"
            ));
            return Ok(Outcome::Incomplete);
        }
        Ok(Outcome::Done)
    }
}

fn render(report: &Report) -> String {
    let Report { device, owner, .. } = report;
    match report.outcome {
        Word::Granted => format!("{device}: claimed by {owner}"),
        Word::AlreadyOwned => format!("{device}: already owned by {owner}"),
        Word::OwnedByOther => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::testing::{FakeHost, parse};

    fn claim(
        host: &FakeHost,
        device: &str,
        owner: &str,
        format: Format,
    ) -> (anyhow::Result<Outcome>, Output) {
        let mut out = Output::captured(format, false);
        let command: Claim = parse(&[device, "--owner", owner]);
        (command.run(&host.root(), &mut out), out)
    }

    #[test]
    fn of_two_claimants_one_gets_it() {
        let host = FakeHost::new();
        host.tcp("nvme3", "nqn.2014-08.org.example:a");
        host.namespace("nvme1n1", &["nvme3"]);
        for (device, owner, outcome, stdout, stderr) in [
            ("nvme1n1", "me", Outcome::Done, "nvme3: claimed by me\n", ""),
            (
                "nvme3",
                "me",
                Outcome::Done,
                "nvme3: already owned by me\n",
                "",
            ),
            (
                "nvme3",
                "you",
                Outcome::Incomplete,
                "",
                "nvmf: registry claim: nvme3 is owned by me: left alone\n",
            ),
        ] {
            let (result, out) = claim(&host, device, owner, Format::Normal);
            assert_eq!(result.unwrap(), outcome, "{device} {owner}");
            assert_eq!((out.stdout(), out.stderr()), (stdout, stderr));
        }
        assert_eq!(host.owner("nvme3").unwrap(), "me");
        let (_, out) = claim(&host, "nvme3", "you", Format::Json);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(out.stdout()).unwrap(),
            serde_json::json!({"device": "nvme3", "owner": "me", "outcome": "owned-by-other"})
        );
    }

    #[test]
    fn what_cannot_be_owned() {
        let host = FakeHost::new();
        host.pcie("nvme0");
        for (device, expected) in [
            (
                "nvme0",
                "nvme0 is no fabrics controller, it is managed by the kernel",
            ),
            ("nvme9", "there is no controller nvme9: see nvmf list"),
        ] {
            let (result, out) = claim(&host, device, "me", Format::Json);
            assert_eq!(result.unwrap_err().to_string(), expected);
            assert_eq!(out.stdout(), "");
        }
    }
}
