//! The vocabulary of an NVMe over Fabrics host.
//!
//! Names, addresses, transport ids, discovery log pages, boot tables, exclusion and configuration
//! text, each as a type that can only hold what the specification or the kernel allows. The crate
//! is pure: no files, no clock, no environment (checked by this crate's `clippy.toml`), so
//! everything here can be tested with tables and fuzzed.
//!
//! "Base Specification" is the NVM Express Base Specification 2.x.

mod address;
pub mod config;
mod connect_string;
mod controller;
mod device;
pub mod exclusion;
mod host;
mod host_name;
pub mod ini;
mod json;
mod key_name;
mod line;
pub mod log_page;
pub mod nbft;
mod nqn;
mod options;
mod origin;
mod owner;
mod secret;
mod tid;
mod transport;

pub use address::{AddressError, FcName, Traddr, Trsvcid};
pub use connect_string::{ConnectString, NotExpressible};
pub use controller::{ControllerClass, ControllerState, LiveController};
pub use device::{AttrName, DeviceName, NameError};
pub use host::{HostId, HostIdError, HostIdentity};
pub use host_name::{HostName, HostNameError};
pub use key_name::KeyName;
pub use nqn::{Nqn, NqnError};
pub use options::{ConnectOptions, OptionError, OptionValue};
pub use origin::{Origin, Span};
pub use owner::{Owner, OwnerError};
pub use secret::{MalformedDhchap, Secret, SecretSource, SecretSourceError};
pub use tid::{TidError, TransportId};
pub use transport::{Transport, UnknownTransport};
