//! The exclusion files: finding, reading and changing them.
//!
//! A list is a file: `/etc/nvme/exclusions.conf` is the default one, a named one is
//! `/etc/nvme/exclusions.conf.d/NAME.conf`. Lists in `/etc/nvme/exclusions/NAME.conf`, where the
//! first design had them, are read and never written. [`load`] reads them all and never fails;
//! [`edit`] and its like change one, whole or not at all, one writer after the other.

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
