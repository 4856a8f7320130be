//! What a configuration says.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    ConnectOptions, ControllerClass, HostId, HostIdentity, Nqn, Origin, SecretSource, Traddr,
    TransportId,
};

use super::{Place, Problem, Severity, Unresolved};

/// One file: its name, for messages and origins, and its text, which may hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// The path.
    pub path: String,
    /// The content.
    pub text: String,
    /// Its permission bits, where it has any: a file with a secret should not be for everybody.
    pub mode: Option<u32>,
}

/// Everything that is to be connected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The connections in the order of the files.
    pub connections: Vec<Connection>,
    /// Those among them whose address is a host name that was not looked up or has no address.
    pub unresolved: Vec<Unresolved>,
    /// Who the host is where a connection says nothing else: `[Host]` of the main file over the
    /// default identity.
    pub host: HostIdentity,
    /// What is odd but does no harm.
    pub warnings: Vec<Problem>,
    /// The secrets that are elsewhere.
    pub references: Vec<SecretReference>,
}

/// A secret that a file refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretReference {
    /// Where the secret is.
    pub source: SecretSource,
    /// Where the reference stands.
    pub place: Place,
}

/// Where values stand, by their keys as the files spell them.
pub type Origins = BTreeMap<String, Origin>;

/// One `controller =` line with all that holds for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Connection {
    /// What to connect to. `hostnqn` and `hostid` are set where a `[Host]` section sets them.
    pub tid: TransportId,
    /// Further addresses of the host name whose first one is in `tid`, to be tried in this order.
    pub alternatives: Vec<Traddr>,
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
    /// Where the options, the NQN and the host's identity stand, an option that was reset to the
    /// kernel's default included. What is not named here stands on the `controller =` line, or is
    /// the host's default identity.
    pub origins: Origins,
}

/// What holds for everything that a file brings: its defaults and its `[Host]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Scope {
    /// Options of I/O controllers.
    pub io: ConnectOptions,
    /// Options of discovery controllers.
    pub dc: ConnectOptions,
    /// Whether discovery controllers stay connected.
    pub persistent: Persistence,
    /// Who the host is, where a `[Host]` says so.
    pub hostnqn: Option<Nqn>,
    /// The host's id, where a `[Host]` says so.
    pub hostid: Option<HostId>,
    /// What people call the host, where a `[Host]` says so. The kernel has no use for it.
    pub hostsymname: Option<String>,
}

impl Connection {
    /// A connection of which nothing is said but this.
    #[must_use]
    pub fn new(tid: TransportId, class: ControllerClass, origin: Origin) -> Self {
        Self {
            tid,
            alternatives: Vec::new(),
            class,
            options: ConnectOptions::default(),
            inherits: Scope::default(),
            persistent: Persistence::default(),
            origin,
            origins: Origins::new(),
        }
    }

    /// What to connect to: alternatives, to be tried in this order; at least one.
    #[must_use]
    pub fn tids(&self) -> Vec<TransportId> {
        let others = self.alternatives.iter().cloned();
        let others = others.filter_map(|address| self.tid.at(address));
        [self.tid.clone()].into_iter().chain(others).collect()
    }
}

impl ConfigFile {
    /// A text that is, or is to be, in the file `path`.
    #[must_use]
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
            mode: None,
        }
    }
}

impl fmt::Debug for ConfigFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConfigFile({:?})", self.path)
    }
}

impl SecretReference {
    /// A warning about the secret, at the reference.
    #[must_use]
    pub fn warning(&self, message: String, remedy: String) -> Problem {
        Problem {
            place: self.place.clone(),
            severity: Severity::Warning,
            message,
            remedy,
        }
    }
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
