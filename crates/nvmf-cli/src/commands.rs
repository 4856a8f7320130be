//! One module for each command.

pub(crate) mod connect;
pub(crate) mod disconnect;
pub(crate) mod disconnect_all;
pub(crate) mod discover;
pub(crate) mod list;
pub(crate) mod registry;
pub(crate) mod status;

use nvmf_types::{DeviceName, Owner};
use serde::Serialize;

/// Something that could not be done to one controller.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Failure {
    pub(crate) device: DeviceName,
    pub(crate) error: String,
}

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

/// Devices as people list them.
fn join(devices: &[DeviceName]) -> String {
    let names: Vec<&str> = devices.iter().map(DeviceName::as_str).collect();
    names.join(", ")
}
