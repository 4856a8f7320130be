//! Controllers as the kernel shows them in `/sys/class/nvme`.
//!
//! A device name does not identify a controller: the kernel hands the lowest free number out again
//! at once. What does is the inode of its sysfs directory, and a directory that is held open
//! ([`Pinned`]) stays that of the removed controller: every access through it then fails instead of
//! hitting the successor.
//!
//! ```no_run
//! use nvmf::registry::Registry;
//! use nvmf::sysfs::{Deleted, Pinned};
//! use nvmf::Root;
//!
//! let root = Root::system();
//! let device = "nvme3".parse()?;
//! // from here on it is this controller, or an error: never one that got its number since
//! let pinned = Pinned::open(&root, &device)?.ok_or("no such fabrics controller")?;
//! if pinned.owner(&Registry::open(&root))?.is_none() {
//!     assert_eq!(pinned.delete()?, Deleted::Yes);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod block;
mod error;
mod kind;
mod known;
mod listing;
mod namespace;
mod pinned;
mod read;
mod subsystem;

pub(crate) use listing::names;
pub(crate) use pinned::ControllerDir;

pub use block::{BlockName, BlockNameError, controllers_of};
pub use error::SysfsError;
pub use kind::{ControllerKind, kind};
pub use known::{Known, devices};
pub use namespace::{Namespace, namespaces};
pub use pinned::{Deleted, Held, Pinned};
pub use read::{ControllerInfo, all, controller, controllers, state};
pub use subsystem::{Path, Subsystem, SubsystemName, SubsystemNameError, multipath, subsystems};
