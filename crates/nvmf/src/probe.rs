//! Asking a target whether it answers.
use nvmf_types::*;
use std::io;
use std::time::Duration;
/// Why a target is not worth a connect.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// refused
    #[error("refused")]
    Refused,
    /// unreachable
    #[error("{0}")]
    Unreachable(io::Error),
    /// silent
    #[error("silent")]
    Silent {
        /// how long
        after: Duration,
        /// what was waited for
        stage: Stage,
    },
    /// junk
    #[error("not nvme")]
    NotNvme(String),
    /// no such interface or local address
    #[error("{0}")]
    Local(io::Error),
}
/// How far it got
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// TCP
    Tcp,
    /// ICResp
    Icresp,
}
#[allow(missing_docs)]
pub fn probe(
    _tid: &TransportId,
    _class: ControllerClass,
    _timeout: Duration,
) -> Result<(), ProbeError> {
    todo!()
}
