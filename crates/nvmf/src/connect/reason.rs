//! Why the kernel did not connect, from what it says in its log.

use std::fmt;

use nvmf_types::TransportId;
use rustix::io::Errno;

use super::NvmeStatus;

/// Why a connection was not made, as far as the kernel's log tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What is wrong.
    pub cause: Cause,
    /// What the target answered to the Connect command.
    pub status: Option<NvmeStatus>,
}

/// What is wrong; `Display` says what can be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The target does not know the subsystem, on this port at least.
    UnknownSubsystem,
    /// The subsystem is not for this host.
    HostNotAllowed {
        /// The name that the host gave.
        hostnqn: String,
    },
    /// Another parameter of the Connect command is not to the target's liking.
    InvalidParameter,
    /// The target has no controller free.
    Busy,
    /// The target asks for authentication, and the kernel knows nothing of it.
    AuthenticationRequired,
    /// The target asks for authentication, and the host has no secret.
    NoSecret,
    /// Authentication failed.
    SecretRejected,
    /// The checksum in a secret does not fit.
    SecretDamaged,
    /// The target did not prove that it is the right one.
    ControllerSecretRejected,
    /// TLS, but there is no key for this host and subsystem.
    NoTlsKey,
    /// No key or keyring has the serial number that was given.
    NoSuchKey,
    /// An option that this kernel does not have.
    UnknownOption(String),
    /// An option that the transport does not have.
    OtherTransportsOption(String),
    /// An option that the transport cannot do without.
    MissingOption(String),
    /// The host has another connection with the same hostnqn and another hostid.
    OtherHostId,
    /// The host has another connection with the same hostid and another hostnqn.
    OtherHostNqn,
    /// No such network interface.
    NoInterface,
    /// No such pair of Fibre Channel ports.
    NoFcPorts,
    /// RDMA: nothing listens on the port.
    NothingListens,
    /// No more than the status is known.
    Rejected,
}

impl Reason {
    /// What the kernel's `messages` during the attempt to connect `tid` say, which came out as
    /// `error` (`None`: the kernel called it a success). There may be messages of other
    /// controllers between them: `is_there` tells those that are in sysfs still, and what does not
    /// go with the error is another connection's.
    pub(super) fn find(
        messages: &[String],
        tid: &TransportId,
        error: Option<Errno>,
        is_there: impl Fn(&str) -> bool,
    ) -> Option<Self> {
        let mut found: Option<Self> = None;
        for message in messages {
            if device(message).is_some_and(&is_there) {
                continue;
            }
            if let Some(number) = status_number(message) {
                found = match (found, NvmeStatus::from_linux(number)) {
                    (Some(reason), status) => Some(Self { status, ..reason }),
                    (None, Some(status)) => Some(Self {
                        cause: Cause::Rejected,
                        status: Some(status),
                    }),
                    (None, None) => None,
                };
                continue;
            }
            let Some(cause) = Cause::of(message, tid) else {
                continue;
            };
            // The kernel goes on to say that authentication has failed.
            let said = found
                .as_ref()
                .is_some_and(|it| it.cause == Cause::ControllerSecretRejected);
            if !(said && cause == Cause::SecretRejected) {
                let status = None;
                found = Some(Self { cause, status });
            }
        }
        found.filter(|reason| reason.cause.goes_with(error))
    }
}

impl Cause {
    /// What a message is about (Linux `drivers/nvme/host`: `fabrics.c`, `auth.c`, `tcp.c`,
    /// `rdma.c`, `fc.c`). What the kernel repeats of the options is not passed on but for names:
    /// it may be a secret.
    fn of(message: &str, tid: &TransportId) -> Option<Self> {
        let has = |text: &str| message.contains(text);
        let quoted = || quoted(message).map(option_name);
        Some(match () {
            () if has("Connect Invalid Data Parameter, subsysnqn") => {
                has(&format!("\"{}\"", tid.nqn)).then_some(Self::UnknownSubsystem)?
            }
            () if has("is not allowed, hostnqn: ") => {
                let (_, hostnqn) = message.rsplit_once("hostnqn: ")?;
                let hostnqn = hostnqn.trim().to_owned();
                has(tid.nqn.as_str()).then_some(Self::HostNotAllowed { hostnqn })?
            }
            () if has("Connect Invalid ") || has("Connect incompatible format") => {
                Self::InvalidParameter
            }
            () if has("controller is busy or not available") => Self::Busy,
            () if has("authentication required") => Self::AuthenticationRequired,
            () if has(": no key") => Self::NoSecret,
            () if has("controller authentication failed") => Self::ControllerSecretRejected,
            () if has("authentication failed") => Self::SecretRejected,
            () if has("key crc mismatch") => Self::SecretDamaged,
            () if has("no valid PSK found") => Self::NoTlsKey,
            () if has("key id ") && has(" not found") => Self::NoSuchKey,
            () if has("unknown parameter") => Self::UnknownOption(quoted()?),
            () if has("invalid parameter '") => Self::OtherTransportsOption(quoted()?),
            () if has("missing parameter '") => Self::MissingOption(quoted()?),
            () if has("found same hostnqn") => Self::OtherHostId,
            () if has("found same hostid") => Self::OtherHostNqn,
            () if has("invalid interface passed") => Self::NoInterface,
            () if has("combination not found") => Self::NoFcPorts,
            () if has("Connect rejected: status 8 ") => Self::NothingListens,
            () => return None,
        })
    }

    /// Whether the kernel's write fails with this number for this cause (`None`: fc's does not).
    const fn goes_with(&self, error: Option<Errno>) -> bool {
        let Some(error) = error else {
            return true;
        };
        match self {
            Self::UnknownSubsystem
            | Self::HostNotAllowed { .. }
            | Self::InvalidParameter
            | Self::Busy
            | Self::AuthenticationRequired
            | Self::Rejected => matches!(error, Errno::IO),
            Self::SecretRejected | Self::SecretDamaged | Self::ControllerSecretRejected => {
                matches!(error, Errno::KEYREJECTED)
            }
            Self::NoSecret | Self::NoTlsKey | Self::NoSuchKey => matches!(error, Errno::NOKEY),
            Self::UnknownOption(_)
            | Self::OtherTransportsOption(_)
            | Self::MissingOption(_)
            | Self::OtherHostId
            | Self::OtherHostNqn => matches!(error, Errno::INVAL),
            Self::NoInterface => matches!(error, Errno::NODEV),
            Self::NoFcPorts => matches!(error, Errno::NOENT),
            Self::NothingListens => matches!(error, Errno::CONNRESET),
        }
    }
}

/// The controller that a message is about: `nvme nvme3: …`
fn device(message: &str) -> Option<&str> {
    let (device, _) = message.strip_prefix("nvme ")?.split_once(':')?;
    Some(device)
}

/// The status that a queue was not connected with: `… queue: 0 ret=16770`, `create_assoc failed,
/// assoc_id … ret 16770`, `… error wo/DNR bit: 386`.
fn status_number(message: &str) -> Option<i64> {
    let marks = [
        ("failed to connect queue", "ret="),
        ("create_assoc failed", " ret "),
        ("Connect command failed", "wo/DNR bit: "),
    ];
    let (_, before) = marks.iter().find(|(what, _)| message.contains(what))?;
    let (_, number) = message.rsplit_once(before)?;
    number.trim().parse().ok()
}

/// What stands between apostrophes.
fn quoted(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once('\'')?;
    Some(rest.split_once('\'').map_or(rest, |(quoted, _)| quoted))
}

/// The name of an option without its value, as people spell it.
fn option_name(option: &str) -> String {
    let name = option.split('=').next().unwrap_or_default();
    name.replace('_', "-")
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::UnknownSubsystem => {
                "the target has no subsystem of this name on this port: nvmf discover lists those it has"
            }
            Self::HostNotAllowed { hostnqn } => {
                let hostnqn = hostnqn.escape_debug();
                return write!(
                    f,
                    "the subsystem is not for this host: have the target allow `{hostnqn}`, or give the name that it allows as --hostnqn"
                );
            }
            Self::InvalidParameter => {
                "the target calls a parameter of the Connect command invalid: check --nqn, --hostnqn and --hostid"
            }
            Self::Busy => {
                "the target has no controller free: it may serve as many hosts as it can; try again later"
            }
            Self::AuthenticationRequired => {
                "the target asks for authentication, which this kernel does not offer: its config needs NVME_HOST_AUTH"
            }
            Self::NoSecret => {
                "the target asks this host to authenticate, and it has no secret: give --dhchap-secret"
            }
            Self::SecretRejected => {
                "authentication failed: the target has another secret for this host than --dhchap-secret, or none to answer --dhchap-ctrl-secret with"
            }
            Self::SecretDamaged => {
                "a secret is damaged: the checksum in it does not fit; copy it once more"
            }
            Self::ControllerSecretRejected => {
                "the target failed to authenticate: it has another secret than --dhchap-ctrl-secret; is it the right target?"
            }
            Self::NoTlsKey => {
                "no TLS key for this host and subsystem is in the keyring: insert it there, or name one with --tls-key"
            }
            Self::NoSuchKey => {
                "there is no key or keyring with the serial number of --tls-key or --keyring: see /proc/keys"
            }
            Self::UnknownOption(name) => {
                return write!(
                    f,
                    "this kernel does not know the option {name}: leave it out, or use a kernel that has it"
                );
            }
            Self::OtherTransportsOption(name) => {
                return write!(
                    f,
                    "the transport does not take the option {name}: leave it out"
                );
            }
            Self::MissingOption(name) => {
                return write!(f, "the transport needs the option {name}: give --{name}");
            }
            Self::OtherHostId => {
                "another connection of this host has the same hostnqn and another hostid: the two go together; check --hostid"
            }
            Self::OtherHostNqn => {
                "another connection of this host has the same hostid and another hostnqn: the two go together; check --hostnqn"
            }
            Self::NoInterface => "this host has no such network interface: check --host-iface",
            Self::NoFcPorts => {
                "no FC port of this host with that address sees such a target port: check --host-traddr and --traddr"
            }
            Self::NothingListens => "the target refuses: nothing listens on this port",
            Self::Rejected => "the target rejects the Connect command",
        };
        f.write_str(text)
    }
}

#[cfg(test)]
mod tests;
