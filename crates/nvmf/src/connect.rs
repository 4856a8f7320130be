//! Connecting.
use crate::{Root, sysfs::SysfsError};
use nvmf_types::*;
use std::io;
/// A new controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// device
    pub device: DeviceName,
    /// ino
    pub sysfs_ino: u64,
    /// cntlid
    pub cntlid: u16,
    /// Owner that the registry names now: another's if it was faster.
    pub owner: Option<Owner>,
}
/// Why a connection was not made.
#[derive(Debug, thiserror::Error)]
#[error("cannot connect {tid}: {kind}")]
pub struct ConnectError {
    /// log form
    pub tid: String,
    /// why
    pub kind: ConnectErrorKind,
}
/// Why
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// kernel module missing
    #[error("no module {0}")]
    NoModule(&'static str),
    /// not root
    #[error("root")]
    NotRoot,
    /// exists
    #[error("already connected")]
    AlreadyConnected,
    /// comma
    #[error(transparent)]
    NotExpressible(#[from] NotExpressible),
    /// refused
    #[error("refused")]
    Refused,
    /// no route, no such port, no such interface or local address
    #[error("unreachable: {0}")]
    Unreachable(io::Error),
    /// timeout
    #[error("timeout")]
    Timeout,
    /// EIO
    #[error("rejected")]
    Rejected,
    /// EINVAL
    #[error("invalid")]
    Invalid,
    /// vanished right after the connect
    #[error("vanished")]
    Vanished,
    /// answer not understood
    #[error("unexpected answer `{0}`")]
    Answer(String),
    /// anything else
    #[error("{0}")]
    Io(io::Error),
}
#[allow(missing_docs)]
pub fn connect(
    _root: &Root,
    _tid: &TransportId,
    _class: ControllerClass,
    _options: &ConnectOptions,
    _owner: Option<&Owner>,
) -> Result<Connected, ConnectError> {
    todo!()
}
#[allow(missing_docs)]
pub fn find_existing(
    _root: &Root,
    _tid: &TransportId,
    _class: ControllerClass,
    _default: &HostIdentity,
) -> Result<Option<LiveController>, SysfsError> {
    todo!()
}
