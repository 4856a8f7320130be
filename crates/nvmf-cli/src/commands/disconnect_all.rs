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
mod tests;
