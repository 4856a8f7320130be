//! The configuration files: which are read, and in what order. What they mean is said by
//! [`nvmf_types::config`].
//!
//! ```
//! use nvmf::{Root, config};
//!
//! # let folder = tempfile::tempdir()?;
//! # std::fs::create_dir_all(folder.path().join("etc/nvme"))?;
//! # let file = folder.path().join("etc/nvme/nvme-fabrics.conf");
//! # std::fs::write(file, "[Discovery Controller]\ncontroller = transport=tcp;traddr=192.0.2.10\n")?;
//! // on a host: Root::system()
//! let config = config::load(&Root::new(folder.path()), None)?;
//! for connection in &config.connections {
//!     println!("{}", connection.tid);
//! }
//! # assert_eq!(config.connections.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
