//! The configuration files: which are read, and in what order. What they mean is said by
//! [`nvmf_types::config`].

mod convert;
mod edit;
mod edit_error;
mod error;
mod legacy;
mod load;

pub use convert::{Conversion, Converted, LegacyFormat, Source, convert};
pub use edit::{Edited, edit, preview};
pub use edit_error::WriteError;
pub use error::{FileError, FileErrorKind, LoadError};
pub use legacy::{discovery_conf, load_discovery_conf};
pub use load::{Loaded, host_identity, identity_file, load, load_daemon, load_files, resolve};
