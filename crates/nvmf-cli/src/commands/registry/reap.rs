//! `nvmf registry reap`

use clap::Args;
use nvmf::registry::Registry;
use nvmf_types::DeviceName;
use serde::Serialize;

use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::output::Output;

/// Remove the entry of a controller that the kernel removed
///
/// For udev. An entry that is about a newer controller of the same name stays, so running it late,
/// twice or by hand does no harm.
#[derive(Debug, Args)]
pub(crate) struct Reap {
    /// The controller: nvme3 or /dev/nvme3
    device: DeviceName,
    /// SEQNUM of the remove event
    #[arg(long, value_name = "N")]
    seqnum: Option<u64>,
    #[command(flatten)]
    output: OutputArgs,
}

/// What `-o json` shows.
#[derive(Debug, Serialize)]
struct Report {
    device: DeviceName,
    outcome: String,
}

impl Reap {
    pub(super) fn run(&self, registry: &Registry, out: &mut Output) -> anyhow::Result<Outcome> {
        let outcome = registry.reap(&self.device, self.seqnum)?.to_string();
        let report = Report {
            device: self.device.clone(),
            outcome,
        };
        out.result(&report, |report| {
            format!("{}: {}", report.device, report.outcome)
        })?;
        Ok(Outcome::Done)
    }

    pub(super) const fn output(&self) -> &OutputArgs {
        &self.output
    }
}
