//! Whether a target is worth a connect.

use std::time::Duration;

use nvmf::connect::ConnectError;
use nvmf_types::{ConnectOptions, ControllerClass, TransportId};

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum Unconnected {
    /// The target does not answer.
    Probe(String),
    /// The kernel says no.
    Kernel(ConnectError),
}

impl std::fmt::Display for Unconnected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Probe(text) => f.write_str(text),
            Self::Kernel(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Unconnected {}

/// Whether the target answers: the kernel would block every other connect of the host while it
/// waits for a silent one.
pub(super) fn ask(
    tid: &TransportId,
    class: ControllerClass,
    options: &ConnectOptions,
    timeout: Duration,
) -> Result<(), Unconnected> {
    nvmf::probe::probe(tid, class, options.tls == Some(true), timeout)
        .map_err(|e| Unconnected::Probe(format!("cannot connect {}: {e}", tid.log_form())))
}
