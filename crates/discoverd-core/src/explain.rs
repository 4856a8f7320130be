//! Why something is as it is: sentences about one connection, device or subsystem.

mod collect;
mod sentence;

use std::fmt;
use std::str::FromStr;

use nvmf_types::{ControllerClass, DeviceName, Nqn, NqnError, TidError, TransportId};
pub use sentence::{Next, Remedy, Sentence, Whose};

use crate::State;

/// What an explanation is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A connection: what the id leaves open may be anything.
    Connection(TransportId),
    /// A controller of this host.
    Device(DeviceName),
    /// A subsystem, by whichever way.
    Subsystem(Nqn),
}

/// Why a text is no [`Subject`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectError {
    /// It begins as a transport id does.
    Connection(TidError),
    /// It is neither that nor a device's name.
    Subsystem(NqnError),
}

/// An answer. `Display`: for each connection a line that names it, and below it the sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What was asked about.
    pub subject: Subject,
    /// The connections that it is; empty: the daemon knows nothing of it.
    pub connections: Vec<Explained>,
}

/// One connection, explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The connection.
    pub tid: TransportId,
    /// I/O or discovery.
    pub class: ControllerClass,
    /// Its state; `None`: nothing desires it.
    pub state: Option<State>,
    /// Who desires it, what forbids it, whose it is, what was tried, what comes next, and what the
    /// reader can do, in this order.
    pub sentences: Vec<Sentence>,
}

impl FromStr for Subject {
    type Err = SubjectError;

    /// `nvme3` or `/dev/nvme3`, `transport=…;traddr=…`, or a subsystem's name.
    fn from_str(text: &str) -> Result<Self, SubjectError> {
        if let Ok(device) = text.parse() {
            return Ok(Self::Device(device));
        }
        if text.contains("transport=") {
            let tid = text.parse().map_err(SubjectError::Connection)?;
            return Ok(Self::Connection(tid));
        }
        let nqn = Nqn::reported(text).map_err(SubjectError::Subsystem)?;
        Ok(Self::Subsystem(nqn))
    }
}

impl Subject {
    /// Whether the connection `tid` is meant, by its name or by what it says; a device never is.
    #[must_use]
    pub fn is_connection(&self, tid: &TransportId) -> bool {
        match self {
            Self::Connection(wanted) => leaves_room(wanted, tid),
            Self::Subsystem(nqn) => tid.nqn == *nqn,
            Self::Device(_) => false,
        }
    }
}

/// Whether `tid` has all that `wanted` says.
fn leaves_room(wanted: &TransportId, tid: &TransportId) -> bool {
    let same = |class: ControllerClass| {
        let port = wanted.trsvcid.is_none() || wanted.port(class) == tid.port(class);
        let traddr = match (&wanted.traddr, &tid.traddr) {
            (None, _) => true,
            (Some(wanted), Some(have)) => wanted.same_address(have),
            (Some(_), None) => false,
        };
        port && traddr
    };
    wanted.transport == tid.transport
        && wanted.nqn == tid.nqn
        && same(tid.class_by_nqn())
        && (wanted.host_traddr.is_none() || wanted.host_traddr == tid.host_traddr)
        && (wanted.host_iface.is_none() || wanted.host_iface == tid.host_iface)
        && (wanted.hostnqn.is_none() || wanted.hostnqn == tid.hostnqn)
        && (wanted.hostid.is_none() || wanted.hostid == tid.hostid)
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(tid) => tid.log_form().fmt(f),
            Self::Device(device) => device.fmt(f),
            Self::Subsystem(nqn) => nqn.fmt(f),
        }
    }
}

impl std::error::Error for SubjectError {}

impl fmt::Display for SubjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(error) => error.fmt(f),
            Self::Subsystem(error) => write!(
                f,
                "neither a device (nvme3) nor a transport id (transport=…;traddr=…;nqn=…) nor the name \
                 of a subsystem: {error}"
            ),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.connections.is_empty() {
            return writeln!(
                f,
                "{}: there is no such controller, and nothing asks for one.",
                self.subject
            );
        }
        self.connections.iter().try_for_each(|one| one.fmt(f))
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.map_or("not desired", State::as_str);
        writeln!(f, "{}: {state}", self.tid.log_form())?;
        let mut sentences = self.sentences.iter();
        sentences.try_for_each(|sentence| writeln!(f, "  {sentence}"))
    }
}
