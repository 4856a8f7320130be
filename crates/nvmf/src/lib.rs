//! Primitives of an NVMe over Fabrics host.
//!
//! What tools and the daemon do to a host, each as a blocking function that takes the [`Root`] it
//! works in: the ownership registry, exclusion and configuration files, controllers in sysfs,
//! connect and disconnect, discovery log pages, kernel uevents, host names, boot tables, network
//! interfaces and their changes, Fibre Channel's announcements, file systems on controllers. Nothing here decides anything.
//!
//! What is connected, and whose it is:
//!
//! ```
//! use nvmf::{Root, sysfs};
//!
//! for controller in sysfs::controllers(&Root::system())? {
//!     let owner = controller.owner.as_ref().map_or("nobody", |owner| owner.as_str());
//!     println!("{} ({}): {owner}", controller.device, controller.tid);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Paths are those below the root that is given, so a test gives a folder:
//! [`Root::new`]. `examples/orchestrator.rs` is a whole program that lives beside others.

pub mod config;
pub mod connect;
pub mod disconnect;
pub mod exclusions;
pub mod fc;
mod file;
mod fs;
mod kernel_log;
mod keys;
mod lock;
pub mod log_page;
pub mod mounts;
pub mod nbft;
pub mod net;
pub mod probe;
pub mod references;
pub mod registry;
mod replace;
pub mod resolve;
mod root;
pub mod sysfs;
#[cfg(test)]
mod testing;
pub mod uevent;

pub use root::Root;
