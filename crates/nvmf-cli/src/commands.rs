//! One module for each command.

pub(crate) mod config;
pub(crate) mod connect;
pub(crate) mod connect_all;
mod daemon;
pub(crate) mod disconnect;
pub(crate) mod disconnect_all;
pub(crate) mod discover;
pub(crate) mod exclusion;
pub(crate) mod explain;
mod feed;
pub(crate) mod list;
pub(crate) mod list_subsys;
pub(crate) mod nbft;
mod offline;
pub(crate) mod plan;
mod raw;
pub(crate) mod registry;
pub(crate) mod reload;
pub(crate) mod retry;
pub(crate) mod status;
#[cfg(feature = "tui")]
pub(crate) mod top;
pub(crate) mod wait;
mod wishes;

use nvmf::Root;
use nvmf::registry::Registry;
use nvmf_types::{DeviceName, Owner};
use serde::Serialize;

use crate::args::DeviceArg;
use crate::output::Output;

/// Something that could not be done to one controller.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Failure {
    pub(crate) device: DeviceArg,
    pub(crate) error: String,
}

/// Asks the person, if there is one.
type Confirm = fn(&str) -> anyhow::Result<bool>;

/// `owned by x` or `unowned`.
fn ownership(owner: Option<&Owner>) -> String {
    match owner {
        Some(owner) => format!("owned by {owner}"),
        None => "unowned".to_owned(),
    }
}

/// `1 controller`, `2 controllers`.
fn controllers(count: usize) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} controller{plural}")
}

/// Removes the entry of a controller that has just been disconnected, because there may be no udev
/// to do it. One that stays is known to be stale all the same.
fn clean_up(root: &Root, device: &DeviceName, out: &mut Output) {
    if let Err(error) = Registry::open(root).reap(device, None) {
        out.detail(&format!("nvmf: {device} is disconnected, but {error}"));
    }
}

/// Devices as people list them.
pub(crate) fn join(devices: &[DeviceName]) -> String {
    let names: Vec<&str> = devices.iter().map(DeviceName::as_str).collect();
    names.join(", ")
}
