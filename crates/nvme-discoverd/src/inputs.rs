//! What reaches the daemon's task.

use discoverd_core::{Event, Timestamp};
use nvmf::uevent::Uevent;
use nvmf_types::config::Config;
use nvmf_types::{DeviceName, LiveController};
use tokio::sync::mpsc;

use crate::daemon::{Answer, Question};
use crate::reading::{Boot, Reading};

/// One thing for the task that owns the core.
#[derive(Debug)]
pub(crate) enum Input {
    /// For the core as it is.
    Event(Event),
    /// The kernel says that something happened to a device.
    Uevent(Uevent),
    /// The kernel had more to say than could be kept.
    UeventsLost,
    /// The registry says something else of this device.
    Touched(DeviceName),
    /// The boot tables were read.
    Boot(Box<Boot>),
    /// What is wrong with something now, if anything.
    Trouble(Trouble, Option<String>),
    /// A listing failed a while ago.
    ListAgain,
    /// sysfs was read for one device, from a moment on.
    Read(
        DeviceName,
        Timestamp,
        Result<Option<LiveController>, String>,
    ),
    /// sysfs was read for all devices, from a moment on.
    Listed(Timestamp, Result<Vec<LiveController>, String>),
    /// All files and boot tables were read.
    Everything(Box<Reading>),
    /// The host names of a configuration, that of this number, were looked up; which have no
    /// address, one line each.
    Named(u64, Box<Config>, Vec<String>),
    /// Where changes of the exclusion files go unnoticed now, one line each.
    Unwatched(Vec<String>),
    /// Somebody wants everything read again, and may want to know how that went.
    Reload(Option<Answer>),
    /// Somebody wants to know something.
    Ask(Question),
    /// The kernel says another state of these than was known.
    States(Vec<DeviceName>),
    /// Told to stop.
    Stop(&'static str),
    /// Without this there is no going on: why.
    Fatal(String),
}

/// What can be in trouble while the rest works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// The ownership registry.
    Registry,
    /// Fibre Channel's announcements.
    Fc,
    /// File systems without `_netdev`, a line each.
    Mounts,
    /// mDNS.
    Mdns,
    /// The address at which metrics are served.
    Metrics,
}

/// Where sources put their inputs. Unbounded: the sources are bounded themselves (one listing,
/// one read a device, a bounded uevent socket), and none may block the others.
pub(crate) type Inputs = mpsc::UnboundedSender<Input>;

impl From<Event> for Input {
    fn from(event: Event) -> Self {
        Self::Event(event)
    }
}

/// Puts an input, if the daemon still runs.
pub(crate) fn put(inputs: &Inputs, input: impl Into<Input>) {
    // a daemon that is gone wants nothing
    let _ = inputs.send(input.into());
}
