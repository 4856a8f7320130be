//! Configuration files.
use crate::Root;
use nvmf_types::{
    HostIdentity,
    config::{Config, DaemonConfig, Problem, Problems},
};
use std::{
    io,
    path::{Path, PathBuf},
};
/// Why a configuration could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// what is in them is wrong
    #[error(transparent)]
    Problems(#[from] Problems),
    /// a file cannot be read
    #[error("cannot read `{}`: {source}", .path.display())]
    Io {
        /// path
        path: PathBuf,
        /// why
        source: io::Error,
    },
    /// .json
    #[error("json")]
    Json(PathBuf),
    /// /etc/nvme/hostnqn or hostid
    #[error("`{}`: {message}", .path.display())]
    Identity {
        /// path
        path: PathBuf,
        /// what
        message: String,
    },
}
#[allow(missing_docs)]
pub fn load(_root: &Root, _file: Option<&Path>) -> Result<Config, LoadError> {
    todo!()
}
#[allow(missing_docs)]
pub fn load_daemon(_root: &Root) -> Result<(DaemonConfig, Vec<Problem>), LoadError> {
    todo!()
}
#[allow(missing_docs)]
pub fn host_identity(_root: &Root) -> Result<HostIdentity, LoadError> {
    todo!()
}
