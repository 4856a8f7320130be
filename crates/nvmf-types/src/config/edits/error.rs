//! Why something is not added.

use thiserror::Error;

use crate::config::{Problems, WishError};
use crate::{HostId, Nqn};

/// Something that was not added to a configuration. Nothing is to be written then.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EditError {
    /// What there is has errors.
    #[error("the configuration has errors, correct them first:\n{0}")]
    Existing(Problems),
    /// What would be written has errors.
    #[error("with what is to be added the configuration would have errors:\n{0}")]
    Wrong(Problems),
    /// What is asked for makes no sense.
    #[error(transparent)]
    Wish(#[from] WishError),
    /// A host id without a name.
    #[error("hostid `{0}` is not that of the default host: give its hostnqn too")]
    HostidAlone(HostId),
    /// A host without an id.
    #[error("host `{0}` has no hostid: give one, for example from `uuidgen`")]
    NoHostid(Nqn),
    /// A host that is there under another id.
    #[error("host `{hostnqn}` has another hostid in `{path}`: give that, or none")]
    OtherHostid {
        /// The host.
        hostnqn: Nqn,
        /// Its drop-in.
        path: String,
    },
    /// A host that needs no drop-in.
    #[error("this is the default host, which needs no section")]
    DefaultHost,
    /// A host that is configured elsewhere.
    #[error("host `{hostnqn}` has its place in `{path}`: add it there")]
    Elsewhere {
        /// The host.
        hostnqn: Nqn,
        /// Its drop-in.
        path: String,
    },
    /// A drop-in that is another host's.
    #[error("`{0}` is another host's: name another drop-in")]
    OtherHost(String),
    /// A secret that everybody could read.
    #[error("`{0}` is readable by others and would hold a secret: `chmod 600` it first")]
    Readable(String),
}
