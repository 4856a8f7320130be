//! The sentences.

use std::fmt;

use nvmf_types::{ControllerState, DeviceName, Nqn, Origin, Owner};

use crate::span::Span;
use crate::states::doing;
use crate::{FailureKind, Source};

/// One statement about a connection. `Display`: an English sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sentence {
    /// Something desires it.
    Desired(Source),
    /// Nothing does.
    Undesired,
    /// An entry of the exclusion files forbids it.
    Excluded(Origin),
    /// There is a controller.
    Controller {
        /// Its name.
        device: DeviceName,
        /// The kernel's word.
        state: ControllerState,
        /// For how many milliseconds the daemon has known it.
        for_ms: u64,
    },
    /// Whose that is.
    Owner(Whose),
    /// Its unit is there, or not and why.
    Unit(Result<(), String>),
    /// How many connections its discovery log page names, or why it cannot be read.
    Page(Result<usize, String>),
    /// What was tried.
    Tried {
        /// Attempts since it was last connected for a while.
        attempts: u32,
        /// Milliseconds since the last one began.
        ago_ms: u64,
    },
    /// What went wrong last.
    Failed {
        /// The message.
        message: String,
        /// Milliseconds since then.
        ago_ms: u64,
    },
    /// It hung the kernel.
    Suspect,
    /// What comes next.
    Next(Next),
    /// What the reader can do.
    Remedy(Remedy),
}

/// Whose a controller is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Whose {
    /// The daemon's.
    Ours(Owner),
    /// The boot tables', and so the daemon's to look after.
    BootTables,
    /// Somebody else's.
    Theirs(Owner),
    /// Nobody's: somebody connected it by hand.
    Nobody,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// The configuration, the boot tables, the exclusions and all controllers are being read.
    FirstLook,
    /// An attempt waits for its turn.
    Attempt,
    /// An attempt is under way.
    Result,
    /// A claim is under way or about to be.
    Claim,
    /// Another attempt in that many milliseconds.
    Retry(u64),
    /// It is connected; should it go, it is connected again.
    Reconnect,
    /// The kernel reconnects it; should it give up, it is connected again.
    Kernel,
    /// It is connected, and not again when it goes.
    Nothing,
    /// It is excluded, and connected as soon as it is not.
    WhenAllowed,
    /// Somebody else has it; it is connected when that one is gone.
    WhenFree,
    /// It is disconnected when its log page was read.
    Leave,
    /// It is not to stay connected, and its log page is read again in that many milliseconds; `None`:
    /// when somebody asks.
    ReadAgain(Option<u64>),
    /// It was given up.
    WhenNamed,
    /// The machine is shutting down.
    Shutdown,
    /// Nobody asks for it.
    Never,
}

/// What the reader can do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remedy {
    /// Remove an exclusion.
    Allow(Origin),
    /// Have a controller released or disconnected.
    Release(DeviceName),
    /// See to what made the last attempt fail, at that target.
    Failure {
        /// What kind of failure it was.
        kind: FailureKind,
        /// The target's address and port, as far as it has such.
        target: String,
        /// The subsystem.
        nqn: Nqn,
    },
    /// Ask for it.
    Ask,
    /// Ask for it, or have the attempts made now.
    AskOrRetry,
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Desired(source) => write!(f, "{}.", Clause(source).capital()),
            Self::Undesired => f.write_str(
                "Nothing asks for it: no boot table, no line of the configuration, no announcement, no \
                 discovery log page.",
            ),
            Self::Excluded(origin) => write!(f, "It is excluded by {origin}."),
            Self::Controller {
                device,
                state,
                for_ms,
            } => match doing(*state) {
                "" => write!(f, "It is connected as {device}, for {}.", Span(*for_ms)),
                doing => write!(f, "It is {device}, which {doing}."),
            },
            Self::Owner(whose) => whose.fmt(f),
            Self::Unit(Ok(())) => f.write_str("Its unit orders its disconnect at shutdown."),
            Self::Unit(Err(why)) => write!(
                f,
                "It has no unit, so nothing orders its disconnect at shutdown: {why}."
            ),
            Self::Page(Ok(1)) => f.write_str("Its discovery log page names 1 connection."),
            Self::Page(Ok(n)) => write!(f, "Its discovery log page names {n} connections."),
            Self::Page(Err(why)) => {
                write!(f, "Its discovery log page cannot be read: {}.", trimmed(why))
            }
            Self::Tried {
                attempts: 1,
                ago_ms,
            } => write!(f, "It was tried once, {} ago.", Span(*ago_ms)),
            Self::Tried { attempts, ago_ms } => write!(
                f,
                "It was tried {attempts} times since it was last connected for a while, the last time \
                 {} ago.",
                Span(*ago_ms)
            ),
            Self::Failed { message, ago_ms } => {
                let message = trimmed(message);
                write!(f, "What went wrong last, {} ago: {message}.", Span(*ago_ms))
            }
            Self::Suspect => f.write_str(
                "The target answered the probe and then hung the kernel, so it is tried after all \
                 others, and probed deeper before.",
            ),
            Self::Next(next) => next.fmt(f),
            Self::Remedy(remedy) => remedy.fmt(f),
        }
    }
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ours(owner) => write!(f, "Its owner is {owner}: this daemon."),
            Self::BootTables => f.write_str(
                "Its owner is nbft, and a boot table names it: the daemon reconnects it, and leaves it \
                 connected at shutdown.",
            ),
            Self::Theirs(owner) => write!(f, "Its owner is {owner}: the daemon leaves it alone."),
            Self::Nobody => f.write_str(
                "It has no owner, and was not there when the daemon started, or not desired: somebody \
                 connected it by hand, and the daemon leaves it alone.",
            ),
        }
    }
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FirstLook => {
                "Nothing is done before configuration, boot tables, exclusions and controllers were \
                 read for the first time."
            }
            Self::Attempt => "An attempt waits for its turn.",
            Self::Result => "An attempt is under way.",
            Self::Claim => "It is about to be claimed.",
            Self::Retry(ms) => return write!(f, "The next attempt is in {}.", Span(*ms)),
            Self::Reconnect => "Should it go, the daemon connects it again.",
            Self::Kernel => "Should the kernel give up, the daemon connects it again.",
            Self::Nothing => "It stays connected, and is not connected again when it goes.",
            Self::WhenAllowed => "It is connected as soon as nothing excludes it.",
            Self::ReadAgain(Some(ms)) => {
                return write!(
                    f,
                    "`persistent = no` lets it be connected only to read that; the next time is in {}.",
                    Span(*ms)
                );
            }
            Self::ReadAgain(None) => {
                "`persistent = no` lets it be connected only to read that, when somebody asks."
            }
            Self::Leave => "`persistent = no`: it is disconnected as soon as that is read.",
            Self::WhenFree => "The daemon connects it when that controller is gone.",
            Self::WhenNamed => {
                "It is not tried any more before it is announced or named anew, or somebody asks."
            }
            Self::Shutdown => "The machine is shutting down: nothing is connected any more.",
            Self::Never => "The daemon does nothing about it.",
        })
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow(origin) => write!(
                f,
                "To have it connected, remove that entry: line {} of {}, or `nvmf exclusion remove`.",
                origin.line, origin.file
            ),
            Self::Release(device) => write!(
                f,
                "To hand it over, disconnect it: `nvmf disconnect -d {device}`; the daemon connects it \
                 anew."
            ),
            Self::Failure { kind, target, nqn } => failure(f, *kind, target, nqn),
            Self::Ask => f.write_str(
                "To have it connected, name it in /etc/nvme/nvme-fabrics.conf, then `systemctl reload \
                 nvme-discoverd`.",
            ),
            Self::AskOrRetry => f.write_str(
                "To have it tried for ever, name it in /etc/nvme/nvme-fabrics.conf, then `systemctl \
                 reload nvme-discoverd`.",
            ),
        }
    }
}

fn failure(f: &mut fmt::Formatter<'_>, kind: FailureKind, target: &str, nqn: &Nqn) -> fmt::Result {
    match kind {
        FailureKind::Unreachable => write!(
            f,
            "See to the way to {target}: address and route of this host, firewalls, the target's \
             power."
        ),
        FailureKind::Refused => write!(f, "See that the target listens at {target}."),
        FailureKind::Silent | FailureKind::Hung => write!(
            f,
            "See to the target at {target}: it takes connections and does not answer them."
        ),
        FailureKind::Rejected => write!(
            f,
            "See that the target at {target} has the subsystem {nqn}, and lets this host's NQN in, with \
             its keys if it wants any."
        ),
        FailureKind::ConnectorLost => {
            f.write_str("See why the connector went away: `journalctl -u nvmf-connector`.")
        }
        FailureKind::Unregistered => {
            f.write_str("See that the registry below /run/nvme/registry can be written.")
        }
        FailureKind::Other => f.write_str("The kernel may have said more: `journalctl -k`."),
    }
}

/// What desires something, as a clause: `the configuration asks for it (f:1)`.
struct Clause<'a>(&'a Source);

impl Clause<'_> {
    /// At the beginning of a sentence.
    fn capital(&self) -> String {
        let text = self.to_string();
        if text.starts_with("mDNS") {
            return text;
        }
        let mut chars = text.chars();
        let first = chars.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(chars).collect()
    }
}

impl fmt::Display for Clause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Source::BootTable(origin) => write!(f, "the boot table asks for it ({origin})"),
            Source::Configuration(origin) => {
                write!(f, "the configuration asks for it ({origin})")
            }
            Source::LogPage { dc, from } => {
                let dc = dc.log_form();
                write!(f, "the discovery log page of {dc} names it")?;
                let mut from = from.iter();
                from.try_for_each(|from| write!(f, "; as for that one, {}", Clause(from)))
            }
            Source::FcAnnouncement {
                host_traddr,
                traddr,
            } => write!(
                f,
                "the Fibre Channel port {host_traddr} of this host announced it at {traddr}"
            ),
            Source::Service(name) => {
                write!(f, "mDNS announces it as `{}`", name.escape_debug())
            }
        }
    }
}

/// Without the full stop that some messages end in.
fn trimmed(text: &str) -> &str {
    text.trim_end().trim_end_matches('.')
}
