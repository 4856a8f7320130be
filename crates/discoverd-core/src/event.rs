//! What the core is told.

use std::fmt;

use nvmf_types::config::Config;
use nvmf_types::exclusion::ExclusionSet;
use nvmf_types::log_page::DiscoveryLog;
use nvmf_types::nbft::BootConnection;
use nvmf_types::{DeviceName, FcName, LiveController, Origin, Owner, TransportId};

use crate::{ActionId, Settings, Timestamp};

/// Something that happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The configuration was read and is good.
    ConfigLoaded(Config),
    /// The configuration was read and is not good: the problems as text. The last good one stays.
    ConfigRejected(String),
    /// An exclusion file or folder changed in some way.
    ExclusionsTouched,
    /// The exclusion files were read.
    ExclusionsLoaded {
        /// All entries.
        set: ExclusionSet,
        /// What could not be read, one line each.
        problems: Vec<String>,
    },
    /// All fabrics controllers of the host: at the start, after a uevent overflow, and in answer
    /// to [`crate::ActionKind::Rescan`].
    Listed {
        /// What was there.
        controllers: Vec<LiveController>,
        /// When the reading began: what was heard since by another way is newer.
        began: Timestamp,
    },
    /// What sysfs says of one device now, read after a uevent or in answer to
    /// [`crate::ActionKind::Look`]. For one device these must come in
    /// the order in which they were read.
    Controller {
        /// The device.
        device: DeviceName,
        /// What is there; `None`: nothing.
        now: Option<LiveController>,
        /// When the reading began: what was heard since by another way is newer.
        began: Timestamp,
    },
    /// A discovery controller says that its log page changed (`NVME_AEN=0x70f002`), or is back
    /// (`NVME_EVENT=rediscover`).
    DiscoveryChanged {
        /// The discovery controller.
        device: DeviceName,
    },
    /// The registry entry of a device changed: the core asks for a look at it.
    OwnershipChanged {
        /// The device.
        device: DeviceName,
    },
    /// A [`crate::ActionKind::Connect`] is done.
    ConnectFinished {
        /// The action.
        id: ActionId,
        /// How it went.
        outcome: ConnectOutcome,
    },
    /// A [`crate::ActionKind::FetchLog`] is done.
    LogFetched {
        /// The action.
        id: ActionId,
        /// The log page, or why there is none.
        result: Result<DiscoveryLog, String>,
    },
    /// A [`crate::ActionKind::Claim`] is done.
    Claimed {
        /// The action.
        id: ActionId,
        /// How it went.
        outcome: ClaimOutcome,
    },
    /// A [`crate::ActionKind::StartUnit`] is done.
    UnitStarted {
        /// The action.
        id: ActionId,
        /// How it went.
        result: UnitOutcome,
    },
    /// The boot tables were read: what they ask for, in place of what they asked for before.
    BootTablesLoaded {
        /// The connections, each through its interface where the host has that.
        connections: Vec<BootConnection>,
        /// What is wrong with the tables, one line each.
        problems: Vec<String>,
    },
    /// A Fibre Channel port of this host sees one that has a discovery controller. Comes as often as
    /// the fabric likes, for one pair, too.
    FcAnnounced {
        /// The port of this host.
        host_traddr: FcName,
        /// The port of the discovery controller.
        traddr: FcName,
    },
    /// All Fibre Channel ports have announced what they see since `began`
    /// ([`crate::ActionKind::KickFc`]); [`Event::FcAnnounced`]s of it may still be on their way.
    FcKicked {
        /// A moment before they were asked.
        began: Timestamp,
    },
    /// The discovery controllers that mDNS names now, in place of those that it named before.
    ServicesFound(Vec<Service>),
    /// An address, a route or a link came up: what failed may work now.
    NetworkChanged,
    /// How to behave from now on; owner and seed stay.
    SettingsLoaded(Settings),
    /// Somebody asks that waiting attempts are made now: this connection's, or all.
    RetryNow(Option<TransportId>),
    /// The daemon stops: no more actions. Nothing is disconnected.
    Stop,
}

/// A discovery controller that announces itself by mDNS (TP8009).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Service {
    /// Its name, for people.
    pub name: String,
    /// What to connect to.
    pub tid: TransportId,
}

/// How a connect went.
#[expect(
    clippy::large_enum_variant,
    reason = "moved twice in its life, and rarely the large one"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectOutcome {
    /// There is a new controller, and the registry says that it is ours.
    Connected {
        /// Its name.
        device: DeviceName,
        /// Its incarnation.
        sysfs_ino: u64,
        /// Its controller id.
        cntlid: u16,
    },
    /// There was a controller already that is this connection.
    AlreadyConnected(LiveController),
    /// The exclusion files, read right before the write, exclude it.
    Excluded {
        /// The entry's place.
        origin: Origin,
    },
    /// Not connected.
    Failed {
        /// Why, for people.
        message: String,
        /// Why, for decisions.
        kind: FailureKind,
    },
}

/// The kinds of failure that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    /// The connector went away before it answered: whether the controller exists is unknown.
    ConnectorLost,
    /// There is a controller, but the registry does not say that it is ours: it could not be
    /// written, or another was faster.
    Unregistered,
    /// Anything else.
    Other,
}

/// How a claim went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// It was unowned and is ours now.
    Granted,
    /// It was ours.
    AlreadyMine,
    /// Another was faster.
    OwnedBy(Owner),
    /// The controller is gone, or another one has its name.
    NoSuchController,
    /// The registry could not be written: why.
    Failed(String),
}

/// How the start of a unit went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnitOutcome {
    /// It is active.
    Started,
    /// It was active.
    AlreadyThere,
    /// systemd takes no new units, because the machine is shutting down: what it said.
    Refused(String),
    /// Anything else: what went wrong.
    Failed(String),
}

impl FailureKind {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Silent => "silent",
            Self::Hung => "hung",
            Self::Rejected => "rejected",
            Self::ConnectorLost => "connector lost",
            Self::Unregistered => "not registered",
            Self::Other => "failed",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
