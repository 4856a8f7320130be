//! The configuration files: which are read, and in what order. What they mean is said by
//! [`nvmf_types::config`].

mod error;
mod legacy;
mod load;

pub use error::LoadError;
pub use legacy::{discovery_conf, load_discovery_conf};
pub use load::{host_identity, load, load_daemon};
