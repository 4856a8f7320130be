//! Fabric transports.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ControllerClass;

/// A fabric transport, named as the kernel's `transport=` option names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// NVMe/TCP.
    Tcp,
    /// RDMA: RoCE, iWARP, InfiniBand.
    Rdma,
    /// Fibre Channel.
    Fc,
    /// The kernel's loopback target on the same host.
    Loop,
}

/// The text names no [`Transport`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown transport `{0}`: expected tcp, rdma, fc or loop")]
pub struct UnknownTransport(pub String);

impl Transport {
    /// Every transport.
    pub const ALL: [Self; 4] = [Self::Tcp, Self::Rdma, Self::Fc, Self::Loop];

    /// The kernel's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Rdma => "rdma",
            Self::Fc => "fc",
            Self::Loop => "loop",
        }
    }

    /// Whether addresses are IP addresses and a service id is a port.
    #[must_use]
    pub const fn is_ip(self) -> bool {
        matches!(self, Self::Tcp | Self::Rdma)
    }

    /// The port that is meant when none is given (NVMe/TCP Transport Specification §1.5: 8009 for
    /// discovery, 4420 otherwise).
    #[must_use]
    pub const fn default_port(self, class: ControllerClass) -> Option<u16> {
        match (self, class) {
            (Self::Tcp, ControllerClass::Discovery) => Some(8009),
            (Self::Tcp | Self::Rdma, _) => Some(4420),
            (Self::Fc | Self::Loop, _) => None,
        }
    }

    /// The kernel module that provides the transport on the host side.
    #[must_use]
    pub const fn module(self) -> &'static str {
        match self {
            Self::Tcp => "nvme-tcp",
            Self::Rdma => "nvme-rdma",
            Self::Fc => "nvme-fc",
            Self::Loop => "nvme-loop",
        }
    }
}

impl FromStr for Transport {
    type Err = UnknownTransport;

    fn from_str(text: &str) -> Result<Self, UnknownTransport> {
        Self::ALL
            .into_iter()
            .find(|t| t.as_str() == text)
            .ok_or_else(|| UnknownTransport(text.to_owned()))
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
