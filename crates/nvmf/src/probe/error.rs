//! Why a target is not worth a connect.

use std::fmt;
use std::io;
use std::time::Duration;

use thiserror::Error;

/// Why a target is not worth a connect now.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// Nothing listens on the port.
    #[error("the target refuses: nothing listens on this port")]
    Refused,
    /// No way to the target.
    #[error("the target cannot be reached: {0}")]
    Unreachable(io::Error),
    /// No answer in time.
    #[error("the target is silent: no {stage} within {} ms", .after.as_millis())]
    Silent {
        /// How long it was waited for.
        after: Duration,
        /// What was waited for.
        stage: Stage,
    },
    /// An answer, but not that of an NVMe/TCP controller.
    #[error("the target speaks no NVMe/TCP: {0}")]
    NotNvme(String),
    /// This host has no such address or interface, or may not use it.
    #[error("host-traddr or host-iface cannot be used: {0}")]
    Local(io::Error),
}

/// How far a probe got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The TCP connection.
    Tcp,
    /// The answer to the first PDU.
    Icresp,
    /// The answer to the Fabrics Connect.
    Connect,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tcp => "TCP connection",
            Self::Icresp => "ICResp",
            Self::Connect => "answer to Connect",
        })
    }
}
