//! Why a connection was not made.

use std::fmt;
use std::io;

use nvmf_types::NotExpressible;
use rustix::io::Errno;
use thiserror::Error;

/// A connection that was not made; nothing of it is left.
#[derive(Debug)]
pub struct ConnectError {
    /// The connection, in the form for logs.
    pub tid: String,
    /// Why it was not made.
    pub kind: ConnectErrorKind,
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
    /// The target refused the connection or broke it off.
    #[error("the target refuses ({0}): is the address right, does it listen on this port?")]
    Refused(io::Error),
    /// No way to the target, or no such address or interface on this host.
    #[error(
        "the target cannot be reached from here ({0}): check route, host-traddr and host-iface"
    )]
    Unreachable(io::Error),
    /// The target does not answer.
    #[error("the target does not answer ({0})")]
    Timeout(io::Error),
    /// The target rejected the Connect command.
    #[error(
        "the target rejects it ({0}): unknown subsystem, host not allowed or wrong key; the kernel log has the status"
    )]
    Rejected(io::Error),
    /// The kernel does not accept an option or a combination of them.
    #[error(
        "the kernel does not accept the options (EINVAL): one that this kernel does not know, or another host id with the same hostnqn; see the kernel log"
    )]
    Invalid,
    /// The kernel reported success, but the controller is gone or was never connected.
    #[error("the kernel connected it and lost it at once; see the kernel log")]
    Vanished,
    /// An answer that is none.
    #[error("the kernel answered `{}` instead of instance=N,cntlid=M", .0.escape_debug())]
    Answer(String),
    /// Anything else.
    #[error("{0}")]
    Io(io::Error),
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
            // NODEV: no such host-iface; ADDRNOTAVAIL: host-traddr; NOENT: unknown FC port pair
            Errno::NETUNREACH
            | Errno::HOSTUNREACH
            | Errno::NETDOWN
            | Errno::HOSTDOWN
            | Errno::ADDRNOTAVAIL
            | Errno::NODEV
            | Errno::NOENT => Self::Unreachable(io),
            Errno::TIMEDOUT | Errno::AGAIN => Self::Timeout(io),
            Errno::IO | Errno::KEYREJECTED => Self::Rejected(io),
            Errno::INVAL => Self::Invalid,
            _ => Self::Io(io),
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot connect {}: {}", self.tid, self.kind)
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
