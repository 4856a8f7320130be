//! `nvmf registry reap`

use clap::Args;
use nvmf::Root;
use nvmf::registry::Registry;
use nvmf_types::DeviceName;
use serde::Serialize;

use crate::args::{DeviceArg, OutputArgs};
use crate::cli::Outcome;
use crate::output::Output;

/// Remove the entry of a controller that the kernel removed
///
/// For udev. An entry that is about a newer controller of the same name stays, so running it late,
/// twice or by hand does no harm.
#[derive(Debug, Args)]
pub(crate) struct Reap {
    /// The controller: nvme3 or /dev/nvme3
    device: DeviceArg,
    /// SEQNUM of the remove event
    #[arg(long, value_name = "N")]
    seqnum: Option<u64>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// What `-o json` shows.
#[derive(Debug, Serialize)]
struct Report {
    device: DeviceName,
    outcome: String,
}

impl Reap {
    /// Also for a name that a local controller has now: the entry that goes is older.
    pub(super) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let device = self.device.resolve(root)?;
        let reaped = Registry::open(root).reap(&device, self.seqnum)?;
        let outcome = reaped.to_string();
        out.result(&Report { device, outcome }, |report| {
            format!("{}: {}", report.device, report.outcome)
        })?;
        Ok(Outcome::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::testing::{FakeHost, parse};

    #[test]
    fn only_what_is_gone() {
        let host = FakeHost::new();
        host.tcp("nvme3", "nqn.2014-08.org.example:a");
        host.own("nvme3", "me");
        let reap = || {
            let mut out = Output::captured(Format::Normal, false);
            let command: Reap = parse(&["/dev/nvme3", "--seqnum", "99999"]);
            command.run(&host.root(), &mut out).unwrap().expect_done();
            out.stdout().to_owned()
        };
        assert!(reap().starts_with("nvme3: entry kept"));
        host.remove("nvme3");
        host.pcie("nvme3");
        assert_eq!(reap(), "nvme3: entry removed\n");
        assert_eq!(reap(), "nvme3: no entry\n");
    }
}
