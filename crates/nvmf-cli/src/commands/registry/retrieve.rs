//! `nvmf registry retrieve`

use std::io::IsTerminal;

use clap::Args;
use nvmf::Root;
use nvmf::registry::Registry;
use nvmf::sysfs;
use nvmf_types::{AttrName, DeviceName};

use super::{Attribute, controller};
use crate::args::{DeviceArg, OutputArgs};
use crate::cli::Outcome;
use crate::output::{Output, clean};

/// Print one attribute
#[derive(Debug, Args)]
pub(crate) struct Retrieve {
    /// The controller: nvme3, /dev/nvme3 or its namespace nvme3n1
    device: DeviceArg,
    /// The attribute, such as owner
    #[arg(short, long)]
    attribute: AttrName,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl Retrieve {
    pub(super) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let registry = Registry::open(root);
        let (device, attribute) = (&controller(root, &self.device)?, &self.attribute);
        let Some(value) = registry.attribute(device, attribute)? else {
            return Err(self.why_not(root, &registry, device)?);
        };
        let report = Attribute {
            device,
            attribute,
            value,
        };
        out.result(&report, |report| match std::io::stdout().is_terminal() {
            true => clean(&report.value).into_owned(),
            false => report.value.clone(),
        })?;
        Ok(Outcome::Done)
    }

    /// What is missing: the controller, its entry or the attribute.
    fn why_not(
        &self,
        root: &Root,
        registry: &Registry,
        device: &DeviceName,
    ) -> anyhow::Result<anyhow::Error> {
        let exists = sysfs::kind(root, device)?.is_some();
        let mut entries = registry.all_entries()?.into_iter();
        let entry = entries.find(|entry| entry.device == *device);
        let stale = entry.as_ref().map(|entry| entry.stale);
        Ok(match (exists, stale) {
            (false, None) => super::no_such_controller(device),
            (_, Some(true)) => anyhow::anyhow!(
                "the entry of {device} is stale, it is about a controller that is gone: nvmf registry gc removes it"
            ),
            (true, None) => anyhow::anyhow!(
                "{device} has no entry, nobody owns it: nvmf registry claim gives it an owner"
            ),
            (_, Some(false)) => anyhow::anyhow!(
                "{device} has no attribute `{}`: nvmf registry list shows those that it has",
                self.attribute
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::testing::{FakeHost, parse};

    fn retrieve(host: &FakeHost, device: &str, attribute: &str) -> Result<String, String> {
        let mut out = Output::captured(Format::Normal, false);
        let command: Retrieve = parse(&[device, "-a", attribute]);
        let outcome = command.run(&host.root(), &mut out);
        outcome.map_err(|e| e.to_string())?.expect_done();
        Ok(out.stdout().to_owned())
    }

    #[test]
    fn values_come_back_as_they_were() {
        let host = FakeHost::new();
        host.tcp("nvme3", "nqn.2014-08.org.example:a");
        host.namespace("nvme1n1", &["nvme3"]);
        host.own("nvme3", "discoverd");
        host.set("nvme3", "note", " \"a\" ");
        assert_eq!(retrieve(&host, "nvme3", "owner").unwrap(), "discoverd\n");
        let by_namespace = retrieve(&host, "/dev/nvme1n1", "owner");
        assert_eq!(by_namespace.unwrap(), "discoverd\n");
        assert_eq!(retrieve(&host, "nvme3", "note").unwrap(), " \"a\" \n");
    }

    #[test]
    fn what_is_missing_is_said() {
        let host = FakeHost::new();
        host.pcie("nvme0");
        host.tcp("nvme1", "nqn.2014-08.org.example:a");
        for device in ["nvme2", "nvme3", "nvme4"] {
            host.tcp(device, "nqn.2014-08.org.example:a");
            host.own(device, "discoverd");
        }
        host.remove("nvme3");
        host.remove("nvme4");
        host.tcp("nvme4", "nqn.2014-08.org.example:b");
        for (device, error) in [
            (
                "nvme0",
                "nvme0 is no fabrics controller, it is managed by the kernel",
            ),
            ("nvme1", "nvme1 has no entry, nobody owns it"),
            ("nvme2", "nvme2 has no attribute `note`"),
            ("nvme3", "the entry of nvme3 is stale"),
            ("nvme4", "the entry of nvme4 is stale"),
            ("nvme5", "there is no controller nvme5: see nvmf list"),
        ] {
            let said = retrieve(&host, device, "note").unwrap_err();
            assert!(said.starts_with(error), "{said}");
        }
    }
}
