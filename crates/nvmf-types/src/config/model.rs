//! What a configuration says.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{ConnectOptions, ControllerClass, HostId, HostIdentity, Nqn, Origin, TransportId};

use super::Problem;

/// One file: its name, for messages and origins, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    /// The path.
    pub path: String,
    /// The content.
    pub text: String,
}

/// Everything that is to be connected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The connections in the order of the files.
    pub connections: Vec<Connection>,
    /// Who the host is where a connection says nothing else: `[Host]` of the main file over the
    /// default identity.
    pub host: HostIdentity,
    /// What is odd but does no harm.
    pub warnings: Vec<Problem>,
}

/// One `controller =` line with all that holds for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Connection {
    /// What to connect to. `hostnqn` and `hostid` are set where a `[Host]` section sets them.
    pub tid: TransportId,
    /// I/O or discovery, by the kind of its section.
    pub class: ControllerClass,
    /// The options after the cascade.
    pub options: ConnectOptions,
    /// What the connections get that its log page names.
    pub inherits: Scope,
    /// Whether the discovery controller stays connected; means nothing for I/O controllers.
    pub persistent: Persistence,
    /// The `controller =` line.
    pub origin: Origin,
}

/// What holds for everything that a file brings: its defaults and its `[Host]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Scope {
    /// Options of I/O controllers.
    pub io: ConnectOptions,
    /// Options of discovery controllers.
    pub dc: ConnectOptions,
    /// Who the host is, where a `[Host]` says so.
    pub hostnqn: Option<Nqn>,
    /// The host's id, where a `[Host]` says so.
    pub hostid: Option<HostId>,
}

/// Whether a discovery controller stays connected after its log page was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Persistence {
    /// Read once, then disconnected.
    No,
    /// As the controller wishes.
    #[default]
    Auto,
    /// Always kept.
    Force,
}

impl Persistence {
    /// The configuration's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Auto => "auto",
            Self::Force => "force",
        }
    }
}

impl fmt::Display for Persistence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is no [`Persistence`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not possible for persistent: expected no, auto or force", .0.escape_debug())]
pub struct UnknownPersistence(pub String);

impl FromStr for Persistence {
    type Err = UnknownPersistence;

    fn from_str(text: &str) -> Result<Self, UnknownPersistence> {
        [Self::No, Self::Auto, Self::Force]
            .into_iter()
            .find(|p| p.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownPersistence(text.to_owned()))
    }
}
