//! `nvmf registry update`

use clap::Args;
use nvmf::Root;
use nvmf::registry::Registry;
use nvmf_types::AttrName;

use super::{Attribute, Confirm, controller, is_owner, unchanged};
use crate::args::{DeviceArg, OutputArgs};
use crate::cli::Outcome;
use crate::output::Output;

/// Set one attribute
///
/// Replaces an owner too, whoever it is: programs that want to own a controller use claim.
#[derive(Debug, Args)]
#[command(after_help = "Changing an owner asks on a terminal.")]
pub(crate) struct Update {
    /// The controller: nvme3, /dev/nvme3 or its namespace nvme3n1
    device: DeviceArg,
    /// The attribute, such as owner
    #[arg(short, long)]
    attribute: AttrName,
    /// Its new value: one line of text
    #[arg(short = 'V', long, allow_hyphen_values = true)]
    value: String,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl Update {
    pub(super) fn run(
        &self,
        root: &Root,
        out: &mut Output,
        confirm: Confirm,
    ) -> anyhow::Result<Outcome> {
        let registry = Registry::open(root);
        let (device, attribute) = (&controller(root, &self.device)?, &self.attribute);
        if is_owner(attribute)
            && let Some(owner) = registry.owner(device)?
            && owner.as_str() != self.value
            && !confirm(&format!("{device} is owned by {owner}. Change its owner?"))?
        {
            return unchanged(out, "update");
        }
        registry.set(device, attribute, &self.value)?;
        let report = Attribute {
            device,
            attribute,
            value: self.value.clone(),
        };
        out.result(&report, |_| String::new())?;
        Ok(Outcome::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NO, NOBODY_ASKED, YES};
    use super::*;
    use crate::args::Format;
    use crate::testing::{FakeHost, parse};

    fn update(host: &FakeHost, words: &[&str], confirm: Confirm) -> anyhow::Result<Outcome> {
        let mut out = Output::captured(Format::Normal, false);
        parse::<Update>(words).run(&host.root(), &mut out, confirm)
    }

    #[test]
    fn owners_are_changed_after_a_question() {
        let host = FakeHost::new();
        host.tcp("nvme3", "nqn.2014-08.org.example:a");
        host.own("nvme3", "discoverd");
        let change = |confirm| update(&host, &["nvme3", "-a", "owner", "-V", "me"], confirm);
        assert_eq!(change(NO).unwrap(), Outcome::Incomplete);
        assert_eq!(host.owner("nvme3").unwrap(), "discoverd");
        assert_eq!(change(YES).unwrap(), Outcome::Done);
        assert_eq!(change(NOBODY_ASKED).unwrap(), Outcome::Done);
        assert_eq!(host.owner("nvme3").unwrap(), "me");
        let note = ["/dev/nvme3", "--attribute=note", "--value", "-x y"];
        assert_eq!(update(&host, &note, NOBODY_ASKED).unwrap(), Outcome::Done);
    }

    #[test]
    fn what_cannot_be_owned_is_refused() {
        let host = FakeHost::new();
        host.pcie("nvme0");
        for (device, expected) in [
            ("nvme0", "managed by the kernel"),
            ("nvme9", "no controller"),
        ] {
            let words = [device, "-a", "owner", "-V", "me"];
            let error = update(&host, &words, NOBODY_ASKED).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
