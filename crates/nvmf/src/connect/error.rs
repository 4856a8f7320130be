//! Why a connection was not made.

use std::fmt;
use std::io;
use std::time::Duration;

use nvmf_types::{DeviceName, NotExpressible};
use rustix::io::Errno;
use thiserror::Error;

use super::Reason;
use crate::references::ReferenceError;

/// A connection that was not made; nothing of it is left.
#[derive(Debug)]
pub struct ConnectError {
    /// The connection, in the form for logs.
    pub tid: String,
    /// Why it was not made.
    pub kind: ConnectErrorKind,
    /// The same in the words of the kernel's log, if it has any.
    pub reason: Option<Reason>,
}

/// Why a connection was not made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// A kernel module is missing.
    #[error("the kernel module is missing: load it with `modprobe {0}`; kernel config {config}", config = config(.0))]
    NoModule(&'static str),
    /// There is no `/dev/nvme-fabrics`; the transport's module is needed besides.
    #[error(
        "the kernel modules are missing: load them with `modprobe -a nvme-fabrics {0}`; kernel config NVME_FABRICS, {config}",
        config = config(.0)
    )]
    NoFabrics(&'static str),
    /// The caller is not root.
    #[error("only root may connect controllers")]
    NotRoot,
    /// The kernel has this very connection.
    #[error("it is already connected (EALREADY)")]
    AlreadyConnected,
    /// A value that the kernel's line cannot carry.
    #[error(transparent)]
    NotExpressible(#[from] NotExpressible),
    /// A secret or key that an option refers to cannot be had.
    #[error(transparent)]
    Reference(Box<ReferenceError>),
    /// The target refused the connection or broke it off.
    #[error("the target refuses ({0}): is the address right, does it listen on this port?")]
    Refused(io::Error),
    /// No way to the target.
    #[error("the target cannot be reached from here ({0}): check the route to it")]
    Unreachable(io::Error),
    /// No such address, interface or Fibre Channel port on this host.
    #[error("this host cannot connect from there ({0}): check host-traddr and host-iface")]
    Local(io::Error),
    /// The target does not answer.
    #[error("the target does not answer ({0})")]
    Timeout(io::Error),
    /// The target rejected the Connect command.
    #[error(
        "the target rejects it ({0}): unknown subsystem, or host not allowed; the kernel log has the status"
    )]
    Rejected(io::Error),
    /// A secret or key is wrong or missing.
    #[error("authentication or TLS fails ({0}): check secrets and keys; see the kernel log")]
    Key(io::Error),
    /// The kernel does not accept an option or a combination of them.
    #[error(
        "the kernel does not accept the options ({0}): one that this kernel or the transport does not know, or another host id with the same hostnqn; see the kernel log"
    )]
    Invalid(io::Error),
    /// The kernel reported success, but the controller is gone or was never connected.
    #[error("the kernel connected it and lost it at once; see the kernel log")]
    Vanished,
    /// fc: the kernel keeps trying to connect it, and cannot be stopped before it is done.
    #[error(
        "the target does not answer; the kernel keeps trying as {device} and takes no disconnect meanwhile: nvmf list shows what becomes of it"
    )]
    Unfinished {
        /// The controller that is being connected.
        device: DeviceName,
    },
    /// Another process of ours is connecting the same.
    #[error("another process has been connecting the same for {} s", .0.as_secs())]
    UnderWay(Duration),
    /// An answer that is none.
    #[error("the kernel answered `{}` instead of instance=N,cntlid=M", .0.escape_debug())]
    Answer(String),
    /// Anything else.
    #[error("{0}")]
    Io(io::Error),
}

impl From<ReferenceError> for ConnectErrorKind {
    fn from(error: ReferenceError) -> Self {
        Self::Reference(Box::new(error))
    }
}

impl ConnectErrorKind {
    /// What the error of a write to `/dev/nvme-fabrics` means (Linux
    /// `drivers/nvme/host/fabrics.c` and the transports, measured).
    pub(super) fn of_write(error: Errno) -> Self {
        let io = io::Error::from(error);
        match error {
            Errno::ALREADY => Self::AlreadyConnected,
            Errno::CONNREFUSED | Errno::CONNRESET | Errno::PIPE | Errno::CONNABORTED => {
                Self::Refused(io)
            }
            Errno::NETUNREACH | Errno::HOSTUNREACH | Errno::NETDOWN | Errno::HOSTDOWN => {
                Self::Unreachable(io)
            }
            // ADDRNOTAVAIL: host-traddr; NODEV: host-iface; NOENT: a pair of FC ports
            Errno::ADDRNOTAVAIL | Errno::NODEV | Errno::NOENT => Self::Local(io),
            Errno::TIMEDOUT | Errno::AGAIN => Self::Timeout(io),
            Errno::IO => Self::Rejected(io),
            Errno::KEYREJECTED | Errno::NOKEY => Self::Key(io),
            Errno::INVAL => Self::Invalid(io),
            _ => Self::Io(io),
        }
    }

    /// The kernel's error, if it gave one.
    pub(super) const fn io(&self) -> Option<&io::Error> {
        match self {
            Self::Refused(io)
            | Self::Unreachable(io)
            | Self::Local(io)
            | Self::Timeout(io)
            | Self::Rejected(io)
            | Self::Key(io)
            | Self::Invalid(io)
            | Self::Io(io) => Some(io),
            _ => None,
        }
    }

    /// Whether the kernel's log may say more.
    pub(super) const fn is_in_the_log(&self) -> bool {
        self.io().is_some() || matches!(self, Self::Vanished | Self::Unfinished { .. })
    }
}

impl ConnectError {
    /// Why it was not made, in words.
    #[must_use]
    pub fn why(&self) -> String {
        let Some(reason) = &self.reason else {
            return self.kind.to_string();
        };
        match (self.kind.io(), reason.status) {
            (Some(io), Some(status)) => format!("{reason} ({io}; {status})"),
            (Some(io), None) => format!("{reason} ({io})"),
            (None, Some(status)) => format!("{reason} ({status})"),
            (None, None) => reason.to_string(),
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot connect {}: {}", self.tid, self.why())
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The message has the cause in it already.
        None
    }
}

/// The kernel's configuration option of a module.
fn config(module: &str) -> &'static str {
    match module {
        "nvme-tcp" => "NVME_TCP",
        "nvme-rdma" => "NVME_RDMA",
        "nvme-fc" => "NVME_FC",
        "nvme-loop" => "NVME_TARGET_LOOP",
        _ => "NVME_FABRICS",
    }
}
