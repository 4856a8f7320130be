//! `nvmf registry delete`

use clap::Args;
use nvmf::Root;
use nvmf::registry::{Registry, RegistryErrorKind};
use nvmf_types::{AttrName, DeviceName};
use serde::Serialize;

use super::{Confirm, is_owner, refuse_local, unchanged};
use crate::args::{DeviceArg, OutputArgs};
use crate::cli::Outcome;
use crate::output::Output;

/// Delete one attribute, or a whole entry
#[derive(Debug, Args)]
#[command(after_help = "Deleting an owner asks on a terminal. The controller stays connected.")]
pub(crate) struct Delete {
    /// The controller: nvme3, /dev/nvme3 or its namespace nvme3n1
    device: DeviceArg,
    /// The attribute; without it the whole entry goes
    #[arg(short, long)]
    attribute: Option<AttrName>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// What `-o json` shows.
#[derive(Debug, Serialize)]
struct Report<'a> {
    device: &'a DeviceName,
    attribute: Option<&'a AttrName>,
}

impl Delete {
    pub(super) fn run(
        &self,
        root: &Root,
        out: &mut Output,
        confirm: Confirm,
    ) -> anyhow::Result<Outcome> {
        let registry = Registry::open(root);
        let (device, attribute) = (&self.device.resolve(root)?, self.attribute.as_ref());
        if attribute.is_some() {
            refuse_local(root, device)?;
        }
        if attribute.is_none_or(is_owner)
            && let Some(owner) = registry.owner(device)?
            && !confirm(&format!("{device} is owned by {owner}. Delete its owner?"))?
        {
            return unchanged(out, "delete");
        }
        match attribute {
            Some(attribute) => registry.remove(device, attribute)?,
            None => delete(root, &registry, device)?,
        }
        out.result(&Report { device, attribute }, |_| String::new())?;
        Ok(Outcome::Done)
    }
}

/// What another tool may have left under the name of a local controller goes, too.
fn delete(root: &Root, registry: &Registry, device: &DeviceName) -> anyhow::Result<()> {
    match registry.delete(device) {
        Err(error) if matches!(error.kind, RegistryErrorKind::NoSuchEntry(_)) => {
            refuse_local(root, device)?;
            Err(error.into())
        }
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NO, NOBODY_ASKED, YES};
    use super::*;
    use crate::args::Format;
    use crate::testing::{FakeHost, parse};

    fn delete(host: &FakeHost, words: &[&str], confirm: Confirm) -> Result<Outcome, String> {
        let mut out = Output::captured(Format::Normal, false);
        let outcome = parse::<Delete>(words).run(&host.root(), &mut out, confirm);
        outcome.map_err(|e| e.to_string())
    }

    #[test]
    fn owners_are_deleted_after_a_question() {
        let host = FakeHost::new();
        host.tcp("nvme3", "nqn.2014-08.org.example:a");
        host.own("nvme3", "discoverd");
        let (whole, owner) = (["nvme3"].as_slice(), ["nvme3", "-a", "owner"].as_slice());
        assert_eq!(delete(&host, whole, NO), Ok(Outcome::Incomplete));
        assert_eq!(delete(&host, owner, NO), Ok(Outcome::Incomplete));
        assert_eq!(host.owner("nvme3").unwrap(), "discoverd");
        let nothing = delete(&host, &["nvme3", "-a", "nothing"], NOBODY_ASKED);
        assert!(nothing.unwrap_err().contains("no attribute `nothing`"));
        assert_eq!(delete(&host, owner, YES), Ok(Outcome::Done));
        assert_eq!(host.owner("nvme3"), None);
        host.own("nvme3", "discoverd");
        assert_eq!(delete(&host, whole, YES), Ok(Outcome::Done));
        let again = delete(&host, whole, NOBODY_ASKED);
        assert!(again.unwrap_err().contains("has no entry"));
    }

    #[test]
    fn local_controllers() {
        let host = FakeHost::new();
        host.pcie("nvme0");
        for words in [["nvme0"].as_slice(), &["nvme0", "-a", "owner"]] {
            let error = delete(&host, words, NOBODY_ASKED).unwrap_err();
            assert!(error.contains("managed by the kernel"), "{error}");
        }
        host.file("run/nvme/registry/nvme0/owner", "junk\n");
        assert_eq!(delete(&host, &["nvme0"], YES), Ok(Outcome::Done));
        assert_eq!(host.owner("nvme0"), None);
    }
}
