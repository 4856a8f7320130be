//! What the walker asks for, and what it is told.

use nvmf::registry::Claim;
use nvmf_types::log_page::DiscoveryLog;
use nvmf_types::{
    ConnectOptions, ControllerClass, DeviceName, LiveController, Origin, Owner, TransportId,
};

use super::places::PlaceId;
use super::walker::TargetId;

/// One incarnation of a controller.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Device {
    pub(crate) name: DeviceName,
    pub(crate) sysfs_ino: u64,
}

/// Something to do. Each is answered by one [`Event`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Ask whether anybody answers there: [`Event::Probed`].
    Probe {
        place: PlaceId,
        tid: Box<TransportId>,
        class: ControllerClass,
        tls: bool,
    },
    /// [`Event::Connected`].
    Connect(TargetId, Box<Request>),
    /// Make the unowned controller its: [`Event::Claimed`].
    Claim(TargetId, Device, Owner),
    /// Read its discovery log page: [`Event::Read`].
    Read(TargetId, Device),
    /// [`Event::Disconnected`].
    Disconnect(TargetId, Device),
}

/// A connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) tid: TransportId,
    pub(crate) class: ControllerClass,
    pub(crate) options: ConnectOptions,
    pub(crate) owner: Option<Owner>,
    /// One that appeared meanwhile and is this connection will do.
    pub(crate) reuse: bool,
    /// The user typed it: no exclusion holds.
    pub(crate) typed: bool,
}

/// What came of an action, or from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// `Err`: why it is not worth a connect.
    Probed(PlaceId, Result<(), String>),
    Connected(TargetId, Made),
    Claimed(TargetId, Result<Claim, String>),
    Read(TargetId, Result<Page, String>),
    Disconnected(TargetId, Result<(), String>),
    /// The user wants to stop.
    Interrupted,
}

/// What came of a connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    New {
        device: Device,
        owner: Option<Owner>,
        /// Why the registry does not show the owner that was asked for.
        warning: Option<String>,
    },
    /// Somebody else was faster.
    Existing(Box<LiveController>),
    /// By an exclusion that came since the walk began.
    Excluded(Origin),
    Failed {
        reason: String,
        fault: Fault,
    },
}

/// What a failed connect says about others to the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing: it was about this connection.
    Own,
    /// Something may be wrong with the place: it is to be asked again.
    Place,
    /// The place took connections and hung the kernel: nobody should try again.
    Hung,
}

/// A discovery log page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) log: DiscoveryLog,
    /// As the controller sent it.
    pub(crate) bytes: Vec<u8>,
}

impl From<&LiveController> for Device {
    fn from(live: &LiveController) -> Self {
        Self {
            name: live.device.clone(),
            sysfs_ino: live.sysfs_ino,
        }
    }
}
