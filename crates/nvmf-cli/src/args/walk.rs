//! The options of the commands that ask discovery controllers.

use std::path::PathBuf;

use clap::Args;
use nvmf_types::Owner;
use nvmf_types::config::Persistence;

use super::{DeviceArg, DeviceArgError, TargetArgs, TunableArgs};

/// Which discovery controllers are asked, and how.
#[derive(Debug, Args)]
pub(crate) struct WalkArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) tunables: TunableArgs,
    /// Ask this discovery controller, which is connected already
    #[arg(short, long, value_parser = device_or_none)]
    device: Option<Named>,
    /// Write the discovery log page to FILE as it is: several, one after the other
    #[arg(short, long, value_name = "FILE")]
    pub(crate) raw: Option<PathBuf>,
    /// Leave discovery controllers connected; auto: as each wishes [default: no, for what the
    /// configuration names what it says there]
    #[arg(short, long, value_name = "no|auto|force", num_args = 0..=1, require_equals = true,
          default_missing_value = "force")]
    persistent: Option<Persistence>,
    /// Print only what went wrong, and nothing of a discovery controller that is another owner's
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Connect discovery controllers even if they are connected already
    #[arg(long)]
    pub(crate) no_reuse: bool,
    /// Look only at what the firmware's boot tables name
    #[arg(long, conflicts_with_all = ["no_nbft", "transport", "device"])]
    pub(crate) nbft: bool,
    /// Do not look at the firmware's boot tables
    #[arg(long)]
    pub(crate) no_nbft: bool,
    /// Folder with the boot tables [default: /sys/firmware/acpi/tables]
    #[arg(long, value_name = "DIR")]
    pub(crate) nbft_path: Option<PathBuf>,
    /// Register what is connected as owned by OWNER, and ask through discovery controllers of OWNER
    #[arg(long)]
    pub(crate) owner: Option<Owner>,
    /// Take connections, options and the host's identity from FILE
    #[arg(short = 'J', long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Accepted for scripts written for nvme, without effect
    #[arg(long, value_name = "NAME", hide = true)]
    context: Option<String>,
    /// As --persistent=force --no-reuse
    #[arg(long, hide = true)]
    force: bool,
}

/// `nvme3`, or `none` as scripts started by udev rules write it.
#[derive(Clone, Debug)]
struct Named(Option<DeviceArg>);

fn device_or_none(text: &str) -> Result<Named, DeviceArgError> {
    match text {
        "none" => Ok(Named(None)),
        name => name.parse().map(|device| Named(Some(device))),
    }
}

impl WalkArgs {
    /// The discovery controller that is connected already.
    pub(crate) fn device(&self) -> Option<&DeviceArg> {
        self.device.as_ref().and_then(|named| named.0.as_ref())
    }

    /// What was given, if anything was.
    pub(crate) fn persistent(&self) -> Option<Persistence> {
        let forced = self.force.then_some(Persistence::Force);
        forced.or(self.persistent)
    }

    /// Whether a discovery controller that is connected already may be asked.
    pub(crate) const fn reuse(&self) -> bool {
        !self.no_reuse && !self.force
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::parse;

    fn args(line: &str) -> WalkArgs {
        parse(&line.split_whitespace().collect::<Vec<_>>())
    }

    #[test]
    fn persistence() {
        for (line, expected) in [
            ("-t tcp", None),
            ("-t tcp -p", Some(Persistence::Force)),
            ("-t tcp --persistent=no", Some(Persistence::No)),
            ("-t tcp -p=auto", Some(Persistence::Auto)),
            ("-p -t tcp", Some(Persistence::Force)),
            ("-t tcp --force", Some(Persistence::Force)),
        ] {
            assert_eq!(args(line).persistent(), expected, "{line}");
        }
    }

    #[test]
    fn no_device_is_none() {
        assert!(args("-d none").device().is_none());
        assert!(args("--device=nvme3").device().is_some());
        assert!(args("").reuse());
        assert!(!args("--no-reuse").reuse() && !args("--force").reuse());
    }
}
