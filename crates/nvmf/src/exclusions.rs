//! The exclusion files: finding, reading and changing them.
//!
//! A list is a file: `/etc/nvme/exclusions.conf` is the default one, a named one is
//! `/etc/nvme/exclusions.conf.d/NAME.conf`. Lists in `/etc/nvme/exclusions/NAME.conf`, where the
//! first design had them, are read and never written. [`load`] reads them all and never fails;
//! [`edit`] and its like change one, whole or not at all, one writer after the other.
//!
//! ```
//! use nvmf::{Root, exclusions};
//! use nvmf_types::{ControllerClass, TransportId};
//!
//! # let folder = tempfile::tempdir()?;
//! # std::fs::create_dir_all(folder.path().join("etc/nvme"))?;
//! # let list = folder.path().join("etc/nvme/exclusions.conf");
//! # std::fs::write(list, "[exclusions]\nexclusion = traddr=192.0.2.10;transport=tcp\n")?;
//! // on a host: Root::system()
//! let excluded = exclusions::load(&Root::new(folder.path()));
//! assert!(excluded.problems.is_empty(), "a list could not be read");
//!
//! let connection: TransportId =
//!     "transport=tcp;traddr=192.0.2.10;nqn=nqn.2014-08.org.example:a".parse()?;
//! let by = excluded.set.matches(&connection, ControllerClass::Io);
//! assert!(by.is_some(), "line 2 of the default list excludes it");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod edit;
mod error;
mod file;
mod list;
mod load;
mod lock;

pub use edit::{
    Created, EditError, Edited, Saved, create, create_list, delete, delete_list, edit, replace,
};
pub use error::{ListError, ListErrorKind};
pub use file::{Version, read, read_or_new};
pub use list::{List, ListName, ListNameError, Place, find, lists};
pub use load::{LoadedExclusions, load};
