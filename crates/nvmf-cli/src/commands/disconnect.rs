//! `nvmf disconnect`

mod exclude;

use std::collections::BTreeSet;

use anyhow::bail;
use clap::Args;
use nvmf::Root;
use nvmf::disconnect::{PATIENCE, disconnect, disconnect_all};
use nvmf::sysfs::{self, ControllerKind, Deleted, Pinned};
use nvmf_types::{DeviceName, Nqn};
use serde::Serialize;

use exclude::Excluded;

use super::disconnect_all::THREADS;
use super::{Failure, clean_up, controllers, join};
use crate::args::{DeviceArg, OutputArgs};
use crate::cli::Outcome;
use crate::output::Output;

/// Disconnect named controllers, whoever owns them
///
/// A namespace names its controller, if that is the only one. Local (PCIe) controllers are
/// refused.
#[derive(Debug, Args)]
#[group(id = "what", required = true, multiple = true, args = ["device", "nqn"])]
pub(crate) struct Disconnect {
    /// Controllers to disconnect: nvme1,nvme2
    #[arg(short, long, value_name = "DEVICES", value_delimiter = ',')]
    device: Vec<DeviceArg>,
    /// Disconnect all controllers of the subsystem NQN
    #[arg(short, long, value_parser = Nqn::reported)]
    nqn: Option<Nqn>,
    /// Exclude them first, so that nothing connects them again by itself: those of -n by the NQN,
    /// the others by their addresses; see nvmf exclusion
    #[arg(short = 'x', long)]
    exclude: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What `-o json` shows.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report {
    #[serde(skip)]
    nqn: Option<Nqn>,
    /// How many controllers were asked for one by one, the same one once.
    #[serde(skip)]
    asked: usize,
    /// Those of them that there are.
    #[serde(skip)]
    named: BTreeSet<DeviceName>,
    /// How many of the disconnected ones were of `nqn`.
    #[serde(skip)]
    of_nqn: usize,
    /// The entries of `-x`.
    excluded: Vec<Excluded>,
    disconnected: Vec<DeviceName>,
    failed: Vec<Failure>,
}

impl Disconnect {
    pub(crate) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let mut report = Report {
            nqn: self.nqn.clone(),
            ..Report::default()
        };
        let pinned = self.targets(root, &mut report)?;
        let nothing = pinned.is_empty() && report.failed.is_empty();
        if self.exclude && !pinned.is_empty() {
            report.excluded = exclude::exclude(root, &pinned, self.nqn.as_ref(), out)?;
        }
        // a targeted human act: whose they are is not asked
        let each = |pinned: &Pinned| disconnect(pinned, PATIENCE);
        disconnect_all(pinned, THREADS, each, |pinned, result| {
            let device = pinned.device().clone();
            match result {
                Ok(Deleted::Yes | Deleted::AlreadyGone) => {
                    clean_up(root, &device, out);
                    report.disconnected.push(device);
                    let same = self.nqn.as_ref() == Some(&pinned.controller().tid.nqn);
                    report.of_nqn += usize::from(same);
                }
                Err(error) => report.failed.push(Failure {
                    device: device.into(),
                    error: error.to_string(),
                }),
            }
        });
        report.disconnected.sort();
        report.failed.sort_by(|a, b| a.device.cmp(&b.device));
        out.result(&report, render)?;
        for failure in &report.failed {
            let Failure { device, error } = failure;
            out.diagnostic(&format!("nvmf: disconnect: {device}: {error}"));
        }
        if let (true, Some(nqn)) = (nothing, &self.nqn) {
            out.diagnostic(&format!(
                "nvmf: disconnect: no controller of `{nqn}` is connected: see nvmf list"
            ));
        }
        if !report.excluded.is_empty() && !report.failed.is_empty() {
            out.diagnostic(
                "nvmf: disconnect: what was excluded stays so: nvmf exclusion remove takes it back",
            );
        }
        if self.exclude && report.excluded.is_empty() {
            out.diagnostic("nvmf: disconnect: nothing was excluded either: see nvmf exclusion add");
        }
        if nothing || !report.failed.is_empty() {
            return Ok(Outcome::Incomplete);
        }
        Ok(Outcome::Done)
    }

    /// Pins what is to go; what cannot be is noted as failed.
    fn targets(&self, root: &Root, report: &mut Report) -> anyhow::Result<Vec<Pinned>> {
        let mut pinned = Vec::new();
        let devices: BTreeSet<&DeviceArg> = self.device.iter().collect();
        for device in devices {
            match pin(root, device) {
                Ok(controller) => {
                    if report.named.insert(controller.device().clone()) {
                        pinned.push(controller);
                    }
                }
                Err(error) => report.failed.push(Failure {
                    device: device.clone(),
                    error: format!("{error:#}"),
                }),
            }
        }
        report.asked = report.named.len() + report.failed.len();
        let Some(nqn) = &self.nqn else {
            return Ok(pinned);
        };
        for info in sysfs::all(root)? {
            let device = DeviceArg::from(info.device.clone());
            let named = report.named.contains(&info.device) || self.device.contains(&device);
            if info.subsysnqn != nqn.as_str() || named {
                continue;
            }
            if info.fabrics.is_none() {
                let error = LOCAL.to_owned();
                report.failed.push(Failure { device, error });
                continue;
            }
            // Pinned again by name: it must still be of that subsystem.
            let again = Pinned::open(root, &info.device)?;
            pinned.extend(again.filter(|p| p.controller().tid.nqn == *nqn));
        }
        Ok(pinned)
    }
}

const LOCAL: &str = "not a fabrics controller: it is managed by the kernel and left alone";

/// Pins the controller that is meant. A namespace is looked up once more then: the number of its
/// controller may have become another's in between.
fn pin(root: &Root, arg: &DeviceArg) -> anyhow::Result<Pinned> {
    let device = arg.resolve(root)?;
    let Some(pinned) = Pinned::open(root, &device)? else {
        match sysfs::kind(root, &device)? {
            Some(ControllerKind::Local) => bail!(LOCAL),
            Some(ControllerKind::Fabrics) | None => {
                bail!("there is no such controller: see nvmf list")
            }
        }
    };
    if arg.resolve(root)? != device {
        bail!("its controller has just changed: try again");
    }
    Ok(pinned)
}

fn render(report: &Report) -> String {
    let named = |device: &&DeviceName| report.named.contains(*device);
    let named: Vec<DeviceName> = report.disconnected.iter().filter(named).cloned().collect();
    let mut lines = Vec::new();
    let asked = report.asked;
    if !named.is_empty() {
        let count = match asked {
            1 => String::new(),
            _ if asked == named.len() => format!("{}: ", controllers(asked)),
            _ => format!("{} of {}: ", named.len(), controllers(asked)),
        };
        lines.push(format!("disconnected {count}{}", join(&named)));
    }
    if let Some(nqn) = &report.nqn {
        lines.push(format!(
            "NQN:{nqn} disconnected {} controller(s)",
            report.of_nqn
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::testing::FakeHost;

    const A: &str = "nqn.2014-08.org.example:a";

    fn disconnect(
        host: &FakeHost,
        devices: &[&str],
        nqn: Option<&str>,
        format: Format,
    ) -> (Outcome, Output) {
        let mut out = Output::captured(format, false);
        let command = Disconnect {
            device: devices.iter().map(|d| d.parse().unwrap()).collect(),
            nqn: nqn.map(|n| Nqn::reported(n).unwrap()),
            exclude: false,
            output: FakeHost::output_args(),
        };
        (command.run(&host.root(), &mut out).unwrap(), out)
    }

    #[test]
    fn by_device_and_by_name() {
        let host = FakeHost::new();
        host.tcp("nvme1", A);
        host.tcp("nvme2", "testnqn");
        host.tcp("nvme3", A);
        let (outcome, out) = disconnect(&host, &["nvme2"], Some(A), Format::Normal);
        assert_eq!(outcome, Outcome::Done);
        assert_eq!(
            out.stdout(),
            format!("disconnected nvme2\nNQN:{A} disconnected 2 controller(s)\n")
        );
        for device in ["nvme1", "nvme2", "nvme3"] {
            assert_eq!(host.deletes(device), "1", "{device}");
        }
    }

    #[test]
    fn nothing_matched_is_a_failure() {
        let host = FakeHost::new();
        let (outcome, out) = disconnect(&host, &[], Some("testnqn"), Format::Normal);
        assert_eq!(outcome, Outcome::Incomplete);
        assert_eq!(out.stdout(), "NQN:testnqn disconnected 0 controller(s)\n");
        assert!(out.stderr().contains("no controller of `testnqn`"));
    }

    #[test]
    fn a_local_subsystem_is_refused_by_name() {
        let host = FakeHost::new();
        host.pcie("nvme0");
        let nqn = "nqn.2014.08.org.nvmexpress:80868086";
        let (outcome, out) = disconnect(&host, &[], Some(nqn), Format::Normal);
        assert_eq!(outcome, Outcome::Incomplete);
        assert_eq!(out.stderr(), format!("nvmf: disconnect: nvme0: {LOCAL}\n"));
        assert_eq!(host.deletes("nvme0"), "");
    }

    #[test]
    fn by_namespace() {
        let host = FakeHost::new();
        for device in ["nvme1", "nvme2", "nvme3"] {
            host.tcp(device, A);
        }
        host.pcie("nvme0");
        host.namespace("nvme0n1", &["nvme0"]);
        host.namespace("nvme1n1", &["nvme3"]);
        host.namespace("nvme1n2", &["nvme1", "nvme3"]);
        let devices = ["nvme3", "/dev/nvme1n1", "nvme1n2", "nvme0n1"];
        let (outcome, out) = disconnect(&host, &devices, None, Format::Normal);
        assert_eq!(outcome, Outcome::Incomplete);
        assert_eq!(out.stdout(), "disconnected 1 of 3 controllers: nvme3\n");
        assert_eq!(
            out.stderr(),
            format!(
                "nvmf: disconnect: nvme0n1: {LOCAL}\n\
                 nvmf: disconnect: nvme1n2: `nvme1n2` is reached through 2 controllers: \
                 choose one of nvme1, nvme3\n"
            )
        );
        for (device, deletes) in [("nvme0", ""), ("nvme1", ""), ("nvme2", ""), ("nvme3", "1")] {
            assert_eq!(host.deletes(device), deletes, "{device}");
        }
    }

    #[test]
    fn the_entry_goes_with_the_controller() {
        let host = FakeHost::new();
        for device in ["nvme1", "nvme2"] {
            host.tcp(device, A);
            host.own(device, "stas");
        }
        let kernel = host.goes_when_deleted("nvme1");
        let (outcome, _) = disconnect(&host, &["nvme1"], None, Format::Normal);
        kernel.join().unwrap();
        assert_eq!(outcome, Outcome::Done);
        assert!(!host.has_entry("nvme1") && host.has_entry("nvme2"));
    }

    #[test]
    fn one_failure_does_not_keep_the_others() {
        let host = FakeHost::new();
        host.pcie("nvme0");
        host.tcp("nvme1", A);
        let (outcome, out) = disconnect(&host, &["nvme0", "nvme1", "nvme9"], None, Format::Json);
        assert_eq!(outcome, Outcome::Incomplete);
        let json: serde_json::Value = serde_json::from_str(out.stdout()).unwrap();
        assert_eq!(json["disconnected"], serde_json::json!(["nvme1"]));
        assert_eq!(json["failed"][0]["device"], "nvme0");
        assert_eq!(json["failed"][0]["error"], LOCAL);
        assert!(
            json["failed"][1]["error"]
                .as_str()
                .unwrap()
                .contains("no such controller")
        );
    }
}
