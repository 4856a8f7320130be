//! The lines that a client and the connector exchange.
//!
//! Each line is one JSON document. A client may have any number of requests under way; responses
//! come in any order and carry the request's `id`. A connection that is closed takes its requests
//! with it as far as they were not begun.

use std::fmt;

use nvmf_types::{
    ConnectOptions, ControllerClass, DeviceName, HostIdentity, LiveController, Origin, Owner,
    TransportId,
};
use serde::{Deserialize, Serialize};

/// The socket's place below `/run`.
pub const SOCKET: &str = "nvme-discoverd/connector.sock";

/// Longest line in bytes that either side accepts, the newline included.
pub const MAX_LINE: usize = 64 * 1024;

/// What a client wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Request {
    /// Chosen by the client; comes back in the [`Response`].
    pub id: u64,
    /// What is to be done.
    pub call: Call,
}

/// What can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Call {
    /// Connect a controller.
    Connect(Box<Connect>),
    /// Disconnect one incarnation of a controller.
    Disconnect(Disconnect),
}

/// One connection to make. May hold secrets, which `Debug` does not show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Connect {
    /// To what, and as whom.
    pub tid: TransportId,
    /// What kind of controller it is.
    pub class: ControllerClass,
    /// How.
    #[serde(default)]
    pub options: ConnectOptions,
    /// The owner to register.
    pub owner: Owner,
    /// How long the target may take to answer the probe, in milliseconds.
    pub probe_timeout_ms: u64,
    /// Who the host is where `tid` leaves it open.
    #[serde(default)]
    pub host: HostIdentity,
    /// Further ways to the same controller, to be tried in this order where `tid` fails.
    #[serde(default)]
    pub alternatives: Vec<TransportId>,
    /// The target answered a probe before and then hung the kernel: the probe is to go on to a
    /// Fabrics Connect of its own, taken back at once.
    #[serde(default)]
    pub deep_probe: bool,
}

/// One controller to disconnect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Disconnect {
    /// The controller.
    pub device: DeviceName,
    /// Its incarnation: another controller of the same name is left alone.
    pub sysfs_ino: u64,
    /// The owner it must still have.
    pub owner: Owner,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Response {
    /// The request's id; 0 for a line that was no request.
    pub id: u64,
    /// How it went.
    pub outcome: Outcome,
}

/// How a request went. `Display` is the line for the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// There is a new controller and the registry names the owner.
    #[serde(rename_all = "kebab-case")]
    Connected {
        /// Its name.
        device: DeviceName,
        /// Its incarnation.
        sysfs_ino: u64,
        /// Its controller id.
        cntlid: u16,
    },
    /// There was a controller already that is this connection; it was left alone.
    AlreadyConnected(Box<LiveController>),
    /// An exclusion forbids it.
    Excluded(Origin),
    /// The controller is no longer connected, and we did it.
    Disconnected,
    /// It was gone before.
    Gone,
    /// The name belongs to another controller now; it was left alone.
    OtherController,
    /// The controller is not (any more) of that owner; it was left alone.
    OtherOwner(Option<Owner>),
    /// The root file system, or `/usr`, is on the controller; it was left alone.
    HoldsRoot,
    /// Not done.
    #[serde(rename_all = "kebab-case")]
    Failed {
        /// What kind of failure it is, for decisions.
        kind: FailureKind,
        /// Why, for people.
        message: String,
    },
}

/// The kinds of failure that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The target, or its network, cannot be reached.
    Unreachable,
    /// The target refused the transport connection.
    Refused,
    /// The target accepted the connection and says nothing.
    Silent,
    /// The target passed the probe, and then the kernel waited for it in vain.
    Hung,
    /// The target answered and does not let this host in, or does not know the subsystem.
    Rejected,
    /// There is a controller now, but the registry does not name the owner that was asked for.
    Unregistered,
    /// Anything else.
    Other,
}

impl Outcome {
    pub(crate) fn other(message: impl fmt::Display) -> Self {
        Self::Failed {
            kind: FailureKind::Other,
            message: message.to_string(),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected { device, cntlid, .. } => {
                write!(f, "connected as {device}, controller id {cntlid}")
            }
            Self::AlreadyConnected(live) => write!(f, "is connected already as {}", live.device),
            Self::Excluded(origin) => write!(f, "excluded by {origin}"),
            Self::Disconnected => f.write_str("disconnected"),
            Self::Gone => f.write_str("was gone already"),
            Self::OtherController => {
                f.write_str("left alone: the name belongs to another controller now")
            }
            Self::OtherOwner(Some(owner)) => write!(f, "left alone: its owner is `{owner}` now"),
            Self::HoldsRoot => f.write_str("left alone: the root file system is on it"),
            Self::OtherOwner(None) => f.write_str("left alone: nobody owns it any more"),
            Self::Failed { message, .. } => f.write_str(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"id":7,"call":{"connect":{"tid":"#;

    fn connect() -> Request {
        let mut options = ConnectOptions::default();
        options.set("dhchap-secret", "DHHC-1:00:hush:").unwrap();
        let tid = "transport=tcp;traddr=192.0.2.1;nqn=nqn.2014-08.org.example:a";
        Request {
            id: 7,
            call: Call::Connect(Box::new(Connect {
                tid: tid.parse().unwrap(),
                class: ControllerClass::Io,
                options,
                owner: Owner::discoverd(),
                probe_timeout_ms: 2000,
                host: HostIdentity::default(),
                alternatives: Vec::new(),
                deep_probe: false,
            })),
        }
    }

    #[test]
    fn requests_round_trip_secrets_included() {
        let line = serde_json::to_string(&connect()).unwrap();
        assert!(line.starts_with(LINE), "{line}");
        assert!(line.contains("hush"), "the secret must arrive");
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Request>(&line).unwrap(), connect());
    }

    #[test]
    fn debug_shows_no_secret() {
        assert!(!format!("{:?}", connect()).contains("hush"));
    }

    #[test]
    fn outcomes_round_trip() {
        let origin = Origin {
            file: "/etc/nvme/exclusions.conf".into(),
            line: 3,
        };
        let connected = Outcome::Connected {
            device: "nvme3".parse().unwrap(),
            sysfs_ino: 4711,
            cntlid: 1,
        };
        for (outcome, text) in [
            (connected, "connected as nvme3, controller id 1"),
            (
                Outcome::Excluded(origin),
                "excluded by /etc/nvme/exclusions.conf:3",
            ),
            (
                Outcome::OtherOwner("stas".parse().ok()),
                "left alone: its owner is `stas` now",
            ),
            (
                Outcome::HoldsRoot,
                "left alone: the root file system is on it",
            ),
            (Outcome::other("no"), "no"),
        ] {
            let response = Response { id: 1, outcome };
            let line = serde_json::to_string(&response).unwrap();
            assert_eq!(serde_json::from_str::<Response>(&line).unwrap(), response);
            assert_eq!(response.outcome.to_string(), text);
        }
    }

    #[test]
    fn names_are_checked_on_arrival() {
        let line = r#"{"id":1,"call":{"disconnect":{"device":"../nvme3","sysfs-ino":1,"owner":"discoverd"}}}"#;
        assert!(serde_json::from_str::<Request>(line).is_err());
    }
}
