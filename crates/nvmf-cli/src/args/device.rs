//! Controllers as a user names them.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, bail};
use nvmf::Root;
use nvmf::sysfs::{self, BlockName};
use nvmf_types::DeviceName;
use serde::{Serialize, Serializer};

/// A controller by its name, or by that of a namespace that it gives access to; with `/dev/` or
/// without. Orders by number, namespaces last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DeviceArg {
    /// `nvme3`
    Controller(DeviceName),
    /// `nvme3n1`, `nvme3c4n1`, `nvme3n1p2`
    Block(BlockName),
}

/// Neither a controller nor a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceArgError(String);

impl DeviceArg {
    /// The controller that is meant: by its name whether or not it exists; by its namespace if
    /// there is exactly one.
    pub(crate) fn resolve(&self, root: &Root) -> anyhow::Result<DeviceName> {
        let block = match self {
            Self::Controller(device) => return Ok(device.clone()),
            Self::Block(block) => block,
        };
        let controllers = sysfs::controllers_of(root, block)?
            .with_context(|| format!("there is no namespace `{block}`: see nvmf list"))?;
        match controllers.as_slice() {
            [controller] => Ok(controller.clone()),
            [] => bail!("no controller gives access to `{block}`: see nvmf list"),
            several => {
                let (count, names) = (several.len(), crate::commands::join(several));
                bail!("`{block}` is reached through {count} controllers: choose one of {names}")
            }
        }
    }
}

impl FromStr for DeviceArg {
    type Err = DeviceArgError;

    fn from_str(text: &str) -> Result<Self, DeviceArgError> {
        let controller = text.parse().map(Self::Controller);
        controller
            .or_else(|_| text.parse().map(Self::Block))
            .map_err(|_| DeviceArgError(text.to_owned()))
    }
}

impl fmt::Display for DeviceArgError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.escape_debug();
        let expected = "expected nvmeN or its namespace nvmeNnM, with or without /dev/";
        write!(f, "`{text}` is not a controller: {expected}")
    }
}

impl std::error::Error for DeviceArgError {}

impl From<DeviceName> for DeviceArg {
    fn from(device: DeviceName) -> Self {
        Self::Controller(device)
    }
}

impl fmt::Display for DeviceArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Controller(device) => device.fmt(f),
            Self::Block(block) => block.fmt(f),
        }
    }
}

impl Serialize for DeviceArg {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    #[test]
    fn a_controller_or_the_only_one_of_a_namespace() {
        let host = FakeHost::new();
        for controller in ["nvme2", "nvme4", "nvme10"] {
            host.tcp(controller, "nqn.2014-08.org.example:a");
        }
        host.namespace("nvme3n1", &["nvme10", "nvme4"]);
        host.namespace("nvme3n2", &["nvme4"]);
        host.namespace("nvme3n3", &[]);
        let several = "`nvme3n1` is reached through 2 controllers: choose one of nvme4, nvme10";
        for (text, expected) in [
            ("nvme9", Ok("nvme9")),
            ("/dev/nvme9", Ok("nvme9")),
            ("/dev/nvme3n2", Ok("nvme4")),
            ("nvme3c10n1", Ok("nvme10")),
            ("/dev/nvme3n1", Err(several)),
            (
                "nvme3n3",
                Err("no controller gives access to `nvme3n3`: see nvmf list"),
            ),
            (
                "nvme2n1",
                Err("there is no namespace `nvme2n1`: see nvmf list"),
            ),
        ] {
            let found = text.parse::<DeviceArg>().unwrap().resolve(&host.root());
            let found = found.map(|d| d.to_string()).map_err(|e| e.to_string());
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_said_to_be() {
        for bad in ["", "sda", "nvme", "nvme3n", "/dev/../nvme3", "nvme3n1x"] {
            let error = bad.parse::<DeviceArg>().unwrap_err().to_string();
            assert!(error.contains("expected nvmeN or its namespace"), "{error}");
        }
    }
}
