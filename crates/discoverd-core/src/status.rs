//! What the daemon shows.

use std::fmt;

use nvmf_types::{ControllerClass, DeviceName, Owner, TransportId};
use serde::{Deserialize, Serialize};

use crate::StatusId;

/// Everything the core knows that people ask for. Keys are spelled in kebab-case; unset is `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Status {
    /// Every desired connection, and every controller of ours that is not desired any more.
    /// Discovery controllers first, then by transport id.
    pub connections: Vec<ConnectionStatus>,
    /// What needs a person: one line each.
    pub problems: Vec<String>,
    /// How many connections are in which state.
    pub counts: Counts,
}

/// What is new in the [`Status`], for who keeps a picture of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusChanges {
    /// Connections that may be other than they were; `None`: shown no more, if it ever was.
    pub connections: Vec<(StatusId, Option<ConnectionStatus>)>,
    /// All of [`Status::problems`].
    pub problems: Vec<String>,
    /// [`Status::counts`].
    pub counts: Counts,
}

/// One connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ConnectionStatus {
    /// The fabric: `tcp`, `rdma`, `fc`, `loop`.
    pub transport: String,
    /// The target's address.
    pub traddr: Option<String>,
    /// The target's port.
    pub trsvcid: Option<String>,
    /// The subsystem.
    pub nqn: String,
    /// The host's address, if one is asked for.
    pub host_traddr: Option<String>,
    /// The host's interface, if one is asked for.
    pub host_iface: Option<String>,
    /// The host's name, if it is not the default one.
    pub hostnqn: Option<String>,
    /// The host's identifier, if it is not the default one.
    pub hostid: Option<String>,
    /// I/O or discovery.
    pub class: ControllerClass,
    /// Where it is in its life.
    pub state: State,
    /// Why it is there.
    pub reason: String,
    /// Since when it has been there, in milliseconds on the shell's scale.
    #[serde(default)]
    pub since_ms: u64,
    /// For how many milliseconds it has been there.
    pub for_ms: u64,
    /// Who owns the controller, where there is one with an owner.
    pub owner: Option<String>,
    /// The controller, where there is one.
    pub device: Option<String>,
    /// The controller's incarnation.
    pub sysfs_ino: Option<u64>,
    /// Who asks for it, one chain of [`crate::Source`]s each. Empty: nobody any more.
    pub sources: Vec<String>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// In how many milliseconds it is tried again, or connected to read its log page.
    pub next_retry_ms: Option<u64>,
    /// When that is, in milliseconds on the shell's scale.
    #[serde(default)]
    pub retry_at_ms: Option<u64>,
    /// The unit that orders its disconnect at shutdown; `None`: it needs none.
    #[serde(default)]
    pub unit: Option<UnitState>,
    /// Attempts to connect since it was last connected for a while.
    pub attempts: u32,
}

/// Where a connection is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Desired, and nothing could be done yet.
    Waiting,
    /// Being connected or claimed.
    Starting,
    /// Connected and ours.
    Connected,
    /// Ours, and the kernel is reconnecting it.
    Lost,
    /// Not connected; another attempt is due.
    Retrying,
    /// Not connected, because an exclusion says so.
    Excluded,
    /// Connected by somebody else.
    Foreign,
    /// A discovery controller that is not to stay connected: its log page was read, and will be again.
    Idle,
    /// Not connected for so long that it is not tried any more: a discovery controller that only
    /// announcements or referrals name.
    GaveUp,
}

/// The transient unit of a controller of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitState {
    /// Being started.
    Starting,
    /// There.
    Active,
    /// It could not be started; that is tried again.
    Failed,
    /// systemd took it no more: the machine is shutting down.
    Refused,
}

/// Connections by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Counts {
    /// Connections that something asks for.
    pub desired: usize,
    /// See [`State::Waiting`].
    pub waiting: usize,
    /// See [`State::Starting`].
    pub starting: usize,
    /// See [`State::Connected`].
    pub connected: usize,
    /// See [`State::Lost`].
    pub lost: usize,
    /// See [`State::Retrying`].
    pub retrying: usize,
    /// See [`State::Excluded`].
    pub excluded: usize,
    /// See [`State::Foreign`].
    pub foreign: usize,
    /// See [`State::Idle`].
    #[serde(default)]
    pub idle: usize,
    /// See [`State::GaveUp`].
    #[serde(default)]
    pub gave_up: usize,
}

/// A connection went from one state to another. `Display` is the line for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The connection.
    pub tid: TransportId,
    /// Where it is now.
    pub state: State,
    /// Why.
    pub reason: String,
    /// The controller that it is, or was until now.
    pub device: Option<DeviceName>,
    /// That controller's incarnation.
    pub sysfs_ino: Option<u64>,
    /// Whose the controller is.
    pub owner: Option<Owner>,
}

impl State {
    /// The word that the status shows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Connected => "connected",
            Self::Lost => "lost",
            Self::Retrying => "retrying",
            Self::Excluded => "excluded",
            Self::Foreign => "foreign",
            Self::Idle => "idle",
            Self::GaveUp => "gave-up",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.tid.log_form())?;
        // many a reason begins with the state: once is enough
        if !self.reason.starts_with(&self.state.to_string()) {
            write!(f, "{}: ", self.state)?;
        }
        f.write_str(&self.reason)
    }
}

impl Counts {
    /// Adds one connection.
    pub(crate) const fn add(&mut self, state: State) {
        let count = match state {
            State::Waiting => &mut self.waiting,
            State::Starting => &mut self.starting,
            State::Connected => &mut self.connected,
            State::Lost => &mut self.lost,
            State::Retrying => &mut self.retrying,
            State::Excluded => &mut self.excluded,
            State::Foreign => &mut self.foreign,
            State::Idle => &mut self.idle,
            State::GaveUp => &mut self.gave_up,
        };
        *count += 1;
    }
}

impl fmt::Display for Counts {
    /// `12 of 14 connected, 1 excluded, 1 retrying`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} connected", self.connected, self.desired)?;
        for (count, state) in [
            (self.lost, State::Lost),
            (self.starting, State::Starting),
            (self.waiting, State::Waiting),
            (self.excluded, State::Excluded),
            (self.retrying, State::Retrying),
            (self.foreign, State::Foreign),
            (self.idle, State::Idle),
            (self.gave_up, State::GaveUp),
        ] {
            if count > 0 {
                write!(f, ", {count} {state}")?;
            }
        }
        Ok(())
    }
}
