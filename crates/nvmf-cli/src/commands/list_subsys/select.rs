//! Which subsystem is meant.

use std::fmt;
use std::str::FromStr;

use nvmf::Root;
use nvmf::sysfs::{self, Subsystem, SubsystemName};
use nvmf_types::{Nqn, NqnError};

use crate::args::DeviceArg;

/// A subsystem by its NQN or its name, or by a controller or namespace of it.
#[derive(Clone, Debug)]
pub(super) enum Selection {
    Nqn(Nqn),
    Name(SubsystemName),
    Device(DeviceArg),
}

impl Selection {
    /// Leaves what is meant; of a namespace, its paths alone.
    pub(super) fn retain(
        &self,
        root: &Root,
        subsystems: &mut Vec<Subsystem>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Nqn(nqn) => subsystems.retain(|subsystem| subsystem.nqn == nqn.as_str()),
            Self::Name(name) => subsystems.retain(|subsystem| subsystem.name == *name),
            Self::Device(DeviceArg::Controller(device)) => subsystems.retain(|subsystem| {
                let mut paths = subsystem.paths.iter();
                paths.any(|path| path.controller.device == *device)
            }),
            Self::Device(DeviceArg::Block(block)) => {
                let controllers = sysfs::controllers_of(root, block)?.unwrap_or_default();
                for subsystem in subsystems.iter_mut() {
                    let paths = &mut subsystem.paths;
                    paths.retain(|path| controllers.contains(&path.controller.device));
                    for path in paths {
                        path.namespaces.retain(|namespace| {
                            let disks = [Some(&namespace.name), namespace.path.as_ref()];
                            disks
                                .into_iter()
                                .flatten()
                                .any(|disk| disk == block.as_str())
                        });
                    }
                }
                subsystems.retain(|subsystem| !subsystem.paths.is_empty());
            }
        }
        Ok(())
    }
}

impl FromStr for Selection {
    type Err = NqnError;

    fn from_str(text: &str) -> Result<Self, NqnError> {
        if let Ok(device) = text.parse() {
            return Ok(Self::Device(device));
        }
        match text.parse() {
            Ok(name) => Ok(Self::Name(name)),
            Err(_) => Nqn::reported(text).map(Self::Nqn),
        }
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nqn(nqn) => nqn.fmt(f),
            Self::Name(name) => name.fmt(f),
            Self::Device(device) => device.fmt(f),
        }
    }
}
