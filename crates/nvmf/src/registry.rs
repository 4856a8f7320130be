//! The ownership registry: `/run/nvme/registry/nvme3/owner` says who looks after `nvme3`.
//!
//! One directory per live fabrics controller, one text file per attribute, readable by everybody
//! and shared with other tools. What holds at every instant:
//!
//! - An entry is whole or absent: it is built under a hidden name and renamed into place, an old
//!   one is exchanged against the new one, and a removal renames it away first.
//! - An entry names the incarnation it is about (`sysfs-ino`). That of a removed controller is
//!   *stale*: it says nothing about the controller that got the number next.
//! - Our own writers exclude each other by a lock that dies with its holder. Tools that do not
//!   know the lock are met by steps that fail when they were faster (`RENAME_NOREPLACE`, a check
//!   of what was exchanged or renamed away), and are then looked at again.
//! - Readers take no lock.
//!
//! ```
//! use nvmf::Root;
//! use nvmf::registry::{Claim, Registry, Release};
//!
//! # let folder = tempfile::tempdir()?;
//! # std::fs::create_dir_all(folder.path().join("sys/class/nvme/nvme3"))?;
//! # std::fs::write(folder.path().join("sys/class/nvme/nvme3/transport"), "tcp\n")?;
//! # std::fs::create_dir_all(folder.path().join("run"))?;
//! // on a host: Root::system()
//! let root = Root::new(folder.path());
//! let registry = Registry::open(&root);
//! let (device, me) = ("nvme3".parse()?, "my-tool".parse()?);
//!
//! assert_eq!(registry.claim(&device, &me)?, Claim::Granted);
//! assert_eq!(registry.owner(&device)?, Some(me.clone()));
//! registry.set(&device, &"volume".parse()?, "pvc-0042")?;
//!
//! // whoever comes later is told whose it is
//! let other = "other-tool".parse()?;
//! assert_eq!(registry.claim(&device, &other)?, Claim::OwnedBy(me.clone()));
//! assert_eq!(registry.release(&device, &me)?, Release::Released);
//! assert_eq!(registry.owner(&device)?, None);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod disk;
mod error;
mod garbage;
#[cfg(test)]
mod model;
mod name;
mod outcome;
mod protocol;
#[cfg(test)]
mod races;
mod read;
mod stamp;
mod steps;
#[cfg(test)]
mod tests;
mod text;
mod watch;
mod write;

pub use error::{RegistryError, RegistryErrorKind};
pub use outcome::{Claim, Collected, Reaped, Registered, Release};
pub(crate) use protocol::Asked;
pub use read::{Entry, Registry};
pub use watch::{Change, Watch};
