//! `nvmf disconnect-all`

use clap::Args;
use nvmf::Root;
use nvmf::disconnect::{
    Disconnect, DisconnectError, PATIENCE, disconnect, disconnect_all, disconnect_if,
};
use nvmf::registry::Registry;
use nvmf::sysfs::{self, Deleted, Held};
use nvmf_types::{DeviceName, Owner, Transport};
use serde::Serialize;

use super::{Failure, clean_up, controllers, join};
use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::output::Output;
use crate::prompt;

/// Disconnect all controllers that nobody owns
///
/// Local (PCIe) controllers are never touched. --owner and --force ask for a typed yes on a
/// terminal and go on without one elsewhere.
#[derive(Debug, Args)]
pub(crate) struct DisconnectAll {
    /// Only controllers of this fabric: tcp, rdma, fc or loop
    #[arg(short, long)]
    transport: Option<Transport>,
    /// Those that OWNER owns, instead
    #[arg(long, conflicts_with = "force")]
    owner: Option<Owner>,
    /// Those of every owner, too
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// The kernel deletes in parallel, and more threads do not gain.
pub(super) const THREADS: usize = 4;

/// What `-o json` shows.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report {
    disconnected: Vec<DeviceName>,
    already_gone: Vec<DeviceName>,
    kept: Vec<Kept>,
    /// Left alone because its maker, and so its owner, is not known before its connect is over.
    connecting: Vec<DeviceName>,
    failed: Vec<Failure>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Kept {
    owner: Option<Owner>,
    devices: Vec<DeviceName>,
}

/// A controller that may have to go.
enum Candidate {
    /// Whatever has this name when its turn comes.
    Named(DeviceName),
    /// The very one that the user was asked about.
    Held(Held),
}

impl DisconnectAll {
    pub(crate) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let registry = Registry::open(root);
        let mut report = Report::default();
        let named = sysfs::devices(root)?.into_iter().map(Candidate::Named);
        let mut candidates: Vec<Candidate> = named.collect();
        if self.owner.is_some() || self.force {
            candidates = self.asked_about(root, &registry, candidates)?;
            let going = |it: &&Candidate| matches!(it, Candidate::Held(_));
            let going = candidates.iter().filter(going).count();
            let question = format!(
                "This disconnects {} ({}), and what uses them loses its storage.",
                controllers(going),
                self.whose()
            );
            if going > 0 && !prompt::typed_yes(&question)? {
                out.diagnostic("nvmf: disconnect-all: nothing was disconnected");
                return Ok(Outcome::Incomplete);
            }
        }
        let each = |candidate: &Candidate| self.disconnect(root, &registry, candidate);
        disconnect_all(candidates, THREADS, each, |candidate, result| {
            let device = candidate.device().clone();
            match result {
                Ok(None) => {}
                Ok(Some(Disconnect::Kept(owner))) => report.leave(device, owner),
                Ok(Some(Disconnect::UnderWay)) => report.connecting.push(device),
                Ok(Some(Disconnect::Deleted(deleted))) => {
                    clean_up(root, &device, out);
                    match deleted {
                        Deleted::Yes => report.disconnected.push(device),
                        Deleted::AlreadyGone => report.already_gone.push(device),
                    }
                }
                Err(error) => report.fail(device, error),
            }
        });
        report.sort();
        out.result(&report, render)?;
        for Failure { device, error } in &report.failed {
            out.diagnostic(&format!("nvmf: disconnect-all: {device}: {error}"));
        }
        match report.failed.is_empty() {
            true => Ok(Outcome::Done),
            false => Ok(Outcome::Incomplete),
        }
    }

    /// Holds what would go, so that the user's answer is about that and nothing that comes later.
    fn asked_about(
        &self,
        root: &Root,
        registry: &Registry,
        candidates: Vec<Candidate>,
    ) -> anyhow::Result<Vec<Candidate>> {
        let hold = |candidate: Candidate| {
            let held = Held::open(root, candidate.device())?;
            let goes = |held: &Held| {
                let owner = held.owner(registry);
                self.concerns(held) && owner.is_ok_and(|owner| self.wants(owner.as_ref()))
            };
            Ok(match held {
                Some(held) if goes(&held) => Candidate::Held(held),
                _ => candidate,
            })
        };
        candidates.into_iter().map(hold).collect()
    }

    /// Disconnects it if that is asked for: holds it, and only then reads its owner, so that what is
    /// disconnected is what was looked at. Where the owner cannot be read the controller stays.
    /// `None`: it is none of this command's business.
    fn disconnect(
        &self,
        root: &Root,
        registry: &Registry,
        candidate: &Candidate,
    ) -> Result<Option<Disconnect>, DisconnectError> {
        let mut found = None;
        let (held, agreed) = match candidate {
            Candidate::Held(held) => (held, true),
            Candidate::Named(device) => {
                let held = Held::open(root, device).map_err(DisconnectError::Kernel)?;
                match held {
                    Some(held) => (&*found.insert(held), false),
                    None => return Ok(None),
                }
            }
        };
        if !self.concerns(held) {
            return Ok(None);
        }
        if self.force && agreed {
            let deleted = disconnect(held, PATIENCE).map_err(DisconnectError::Kernel)?;
            return Ok(Some(Disconnect::Deleted(deleted)));
        }
        // Somebody is connecting it just now, and its owner comes with the end of that. What the
        // user was not asked about stays.
        let unfinished = held.class().is_none();
        if unfinished || (self.force || self.owner.is_some()) && !agreed {
            let owner = held.owner(registry).map_err(DisconnectError::Owner)?;
            return Ok(Some(match owner {
                None if unfinished => Disconnect::UnderWay,
                owner => Disconnect::Kept(owner),
            }));
        }
        // Somebody may have claimed it while it waited for its turn.
        disconnect_if(root, held, |owner| self.wants(owner), PATIENCE).map(Some)
    }

    /// Whether the controller is on the fabric that is meant.
    fn concerns(&self, held: &Held) -> bool {
        self.transport.is_none_or(|only| only == held.transport())
    }

    /// Whether a controller of this owner is asked to go.
    fn wants(&self, owner: Option<&Owner>) -> bool {
        match (&self.owner, owner) {
            _ if self.force => true,
            (None, None) => true,
            (Some(asked), Some(owner)) => asked == owner,
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    fn whose(&self) -> String {
        match &self.owner {
            Some(owner) => format!("those of {owner}"),
            None => "of every owner".to_owned(),
        }
    }
}

impl Candidate {
    const fn device(&self) -> &DeviceName {
        match self {
            Self::Named(device) => device,
            Self::Held(held) => held.device(),
        }
    }
}

impl Report {
    /// Puts everything in the order of the numbers.
    fn sort(&mut self) {
        for kept in &mut self.kept {
            kept.devices.sort();
        }
        self.kept.sort_by(|a, b| a.owner.cmp(&b.owner));
        self.connecting.sort();
        self.disconnected.sort();
        self.already_gone.sort();
        self.failed.sort_by(|a, b| a.device.cmp(&b.device));
    }

    /// Notes a controller that stays, for its owner's sake.
    fn leave(&mut self, device: DeviceName, owner: Option<Owner>) {
        match self.kept.iter_mut().find(|kept| kept.owner == owner) {
            Some(kept) => kept.devices.push(device),
            None => self.kept.push(Kept {
                owner,
                devices: vec![device],
            }),
        }
    }

    fn fail(&mut self, device: DeviceName, error: DisconnectError) {
        self.failed.push(Failure {
            device: device.into(),
            error: error.to_string(),
        });
    }
}

fn render(report: &Report) -> String {
    let mut lines = Vec::new();
    let mut line = |done: &str, devices: &[DeviceName], of: &str| {
        if !devices.is_empty() {
            let count = controllers(devices.len());
            lines.push(format!("{done} {count}{of}: {}", join(devices)));
        }
    };
    line("disconnected", &report.disconnected, "");
    line("already gone", &report.already_gone, "");
    for Kept { owner, devices } in &report.kept {
        let of = match owner {
            Some(owner) => format!(" of {owner}"),
            None => " of nobody".to_owned(),
        };
        line("kept", devices, &of);
    }
    line("kept", &report.connecting, ", still being connected");
    if !report.failed.is_empty() {
        let names = report.failed.iter().map(|f| f.device.to_string());
        let names: Vec<String> = names.collect();
        let count = controllers(names.len());
        lines.push(format!("failed {count}: {}", names.join(", ")));
    } else if report.disconnected.is_empty() {
        lines.insert(0, "nothing to disconnect".to_owned());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::testing::FakeHost;

    fn host() -> FakeHost {
        let host = FakeHost::new();
        host.pcie("nvme0");
        for (device, owner) in [
            ("nvme1", None),
            ("nvme2", Some("discoverd")),
            ("nvme3", None),
            ("nvme4", Some("discoverd")),
            ("nvme10", Some("stas")),
        ] {
            host.tcp(device, "nqn.2014-08.org.example:a");
            if let Some(owner) = owner {
                host.own(device, owner);
            }
        }
        host
    }

    fn run(host: &FakeHost, owner: Option<&str>, force: bool, json: bool) -> (Outcome, Output) {
        let format = if json { Format::Json } else { Format::Normal };
        let mut out = Output::captured(format, false);
        let command = DisconnectAll {
            transport: None,
            owner: owner.map(|o| o.parse().unwrap()),
            force,
            output: FakeHost::output_args(),
        };
        (command.run(&host.root(), &mut out).unwrap(), out)
    }

    #[test]
    fn only_what_nobody_owns() {
        let host = host();
        let (outcome, out) = run(&host, None, false, false);
        assert_eq!(outcome, Outcome::Done);
        assert_eq!(
            out.stdout(),
            "disconnected 2 controllers: nvme1, nvme3\n\
             kept 2 controllers of discoverd: nvme2, nvme4\n\
             kept 1 controller of stas: nvme10\n"
        );
        for (device, deletes) in [("nvme1", "1"), ("nvme2", ""), ("nvme3", "1"), ("nvme4", "")] {
            assert_eq!(host.deletes(device), deletes, "{device}");
        }
    }

    #[test]
    fn of_one_owner() {
        let host = host();
        let (_, out) = run(&host, Some("discoverd"), false, true);
        let json: serde_json::Value = serde_json::from_str(out.stdout()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "disconnected": ["nvme2", "nvme4"],
                "already-gone": [],
                "kept": [
                    {"owner": null, "devices": ["nvme1", "nvme3"]},
                    {"owner": "stas", "devices": ["nvme10"]}
                ],
                "connecting": [],
                "failed": []
            })
        );
    }

    #[test]
    fn by_force_everything_on_a_fabric() {
        let host = host();
        let (_, out) = run(&host, None, true, false);
        assert_eq!(
            out.stdout(),
            "disconnected 5 controllers: nvme1, nvme2, nvme3, nvme4, nvme10\n"
        );
        assert_eq!(host.deletes("nvme0"), "", "never PCIe");
    }

    #[test]
    fn what_failed_and_what_is_not_known_yet_is_counted_too() {
        let host = host();
        host.remove_attribute("nvme3", "delete_controller");
        host.file("sys/class/nvme/nvme3/delete_controller/x", "");
        host.tcp("nvme5", "(efault)");
        host.attribute("nvme5", "cntrltype", "reserved\n");
        let (outcome, out) = run(&host, None, false, false);
        assert_eq!(outcome, Outcome::Incomplete);
        assert_eq!(
            out.stdout(),
            "disconnected 1 controller: nvme1\n\
             kept 2 controllers of discoverd: nvme2, nvme4\n\
             kept 1 controller of stas: nvme10\n\
             kept 1 controller, still being connected: nvme5\n\
             failed 1 controller: nvme3\n"
        );
        let why = "nvmf: disconnect-all: nvme3: cannot disconnect `";
        assert!(out.stderr().starts_with(why), "{}", out.stderr());
        assert_eq!(out.stderr().lines().count(), 1);
    }

    #[test]
    fn entries_go_with_their_controllers() {
        let host = host();
        let kernel = ["nvme2", "nvme4"].map(|device| host.goes_when_deleted(device));
        let (outcome, out) = run(&host, Some("discoverd"), false, false);
        kernel.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(outcome, Outcome::Done);
        assert!(
            out.stdout()
                .starts_with("disconnected 2 controllers: nvme2, nvme4\n")
        );
        assert!(!host.has_entry("nvme2") && !host.has_entry("nvme4"));
        assert!(host.has_entry("nvme10"));
    }

    #[test]
    fn another_transport_is_no_business() {
        let host = host();
        let mut out = Output::captured(Format::Normal, false);
        let command = DisconnectAll {
            transport: Some(Transport::Rdma),
            owner: None,
            force: true,
            output: FakeHost::output_args(),
        };
        let outcome = command.run(&host.root(), &mut out).unwrap();
        assert_eq!(outcome, Outcome::Done);
        assert_eq!(out.stdout(), "nothing to disconnect\n");
        assert_eq!(host.deletes("nvme1"), "");
    }
}
