//! What the core wants done.

use std::fmt;

use nvmf_types::{ConnectOptions, ControllerClass, DeviceName, Owner, Transport, TransportId};

/// Names one [`Action`], so that its result finds back. Never used twice by one core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionId(pub u64);

/// One thing to do, and the id under which its result is to be reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// The id for the result.
    pub id: ActionId,
    /// What to do.
    pub kind: ActionKind,
}

/// What is to be done. None of it may be done on the task that owns the core if it can block.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActionKind {
    /// Have the connector connect; result: [`crate::Event::ConnectFinished`].
    Connect(Box<ConnectRequest>),
    /// Read the discovery log page; result: [`crate::Event::LogFetched`].
    FetchLog {
        /// The discovery controller.
        device: DeviceName,
        /// Its incarnation.
        sysfs_ino: u64,
    },
    /// Claim the controller in the registry, if it is still that one; result:
    /// [`crate::Event::Claimed`].
    Claim {
        /// The controller.
        device: DeviceName,
        /// Its incarnation.
        sysfs_ino: u64,
        /// For whom.
        owner: Owner,
    },
    /// Start the transient unit that carries the shutdown order of one controller; result:
    /// [`crate::Event::UnitStarted`].
    StartUnit(UnitSpec),
    /// Stop the unit of a controller that is gone. No result is expected; a unit that is not
    /// there is no error.
    StopUnit {
        /// The controller that is gone.
        device: DeviceName,
        /// Its incarnation.
        sysfs_ino: u64,
    },
    /// Disconnect this very controller now: systemd refused its unit because the machine is
    /// shutting down, or it is a discovery controller that was connected only to be read. No result
    /// is expected but the controller's end.
    Disconnect {
        /// The controller.
        device: DeviceName,
        /// Its incarnation.
        sysfs_ino: u64,
        /// The owner it must still have.
        owner: Owner,
    },
    /// Read the exclusion files; result: [`crate::Event::ExclusionsLoaded`].
    LoadExclusions,
    /// List all controllers; result: [`crate::Event::Listed`].
    Rescan,
    /// Read what sysfs and the registry say of one device; result: [`crate::Event::Controller`].
    Look {
        /// The device.
        device: DeviceName,
    },
    /// Have the Fibre Channel ports announce the discovery controllers that they see; what comes of
    /// it are [`crate::Event::FcAnnounced`]s and, if they could be asked, [`crate::Event::FcKicked`].
    KickFc,
    /// [`crate::Core::status`] has changed: see [`crate::Core::status_changes`].
    PublishStatus,
}

/// One connection to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectRequest {
    /// To what, and as whom. The port is always spelled out; an unset host identity is the host's
    /// default one.
    pub tid: TransportId,
    /// Further ways to the same controller, spelled out as `tid` is. To be tried in this order
    /// where `tid` cannot be connected; a controller that is there by any of them is this
    /// connection.
    pub alternatives: Vec<TransportId>,
    /// What kind of controller it is.
    pub class: ControllerClass,
    /// How. May hold secrets.
    pub options: ConnectOptions,
    /// The owner to register.
    pub owner: Owner,
    /// How long the target may take to answer the probe, in milliseconds.
    pub probe_timeout_ms: u64,
    /// The target passed the probe before and then hung the kernel ([`crate::FailureKind::Hung`]):
    /// the probe is to go on to a Fabrics Connect of its own, which it takes back at once, and the
    /// kernel is asked only if that was answered.
    pub deep_probe: bool,
}

/// The transient unit of one controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitSpec {
    /// The controller.
    pub device: DeviceName,
    /// Its incarnation.
    pub sysfs_ino: u64,
    /// The owner that ExecStop checks.
    pub owner: Owner,
    /// The fabric: IP fabrics need the network until the unit is stopped.
    pub transport: Transport,
    /// For people: what the controller is connected to.
    pub description: String,
}

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
