//! Controllers as the kernel shows them.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{DeviceName, Owner, TransportId};

/// What a controller is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ControllerClass {
    /// An I/O controller: gives namespaces.
    Io,
    /// A discovery controller: gives a discovery log page.
    Discovery,
}

/// sysfs `state` (Linux `drivers/nvme/host/core.c`, `nvme_sysfs_show_state`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ControllerState {
    /// Being set up for the first time.
    New,
    /// Usable.
    Live,
    /// Being reset.
    Resetting,
    /// Connecting, or lost and being reconnected by the kernel.
    Connecting,
    /// Being removed.
    Deleting,
    /// Given up.
    Dead,
    /// A word this version does not know.
    Unknown,
}

/// One fabrics controller of this host, read from sysfs and the registry at one moment.
///
/// A device name alone does not identify a controller: the kernel hands out the lowest free
/// number again at once. `device` and `sysfs_ino` together do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveController {
    /// The kernel's name for it.
    pub device: DeviceName,
    /// Inode number of the controller's sysfs directory: differs for every incarnation.
    pub sysfs_ino: u64,
    /// What it is connected to, and as whom.
    pub tid: TransportId,
    /// I/O or discovery; `None` while the first connect is under way.
    pub class: Option<ControllerClass>,
    /// sysfs `state`.
    pub state: ControllerState,
    /// Source address that TCP uses, where the kernel tells.
    pub src_addr: Option<IpAddr>,
    /// Controller id; `None` while unknown (65535).
    pub cntlid: Option<u16>,
    /// Who owns it by the registry (stale entries do not count).
    pub owner: Option<Owner>,
}

impl ControllerState {
    /// Reads sysfs's word; unknown words are [`Self::Unknown`].
    #[must_use]
    pub fn from_sysfs(word: &str) -> Self {
        match word {
            "new" => Self::New,
            "live" => Self::Live,
            "resetting" => Self::Resetting,
            "connecting" => Self::Connecting,
            "deleting" | "deleting (no IO)" => Self::Deleting,
            "dead" => Self::Dead,
            _ => Self::Unknown,
        }
    }

    /// The kernel's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Live => "live",
            Self::Resetting => "resetting",
            Self::Connecting => "connecting",
            Self::Deleting => "deleting",
            Self::Dead => "dead",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for ControllerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl ControllerClass {
    /// sysfs `cntrltype`: `io` or `discovery`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Io => "io",
            Self::Discovery => "discovery",
        }
    }
}

impl fmt::Display for ControllerClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
