//! The NVMe Boot Firmware Table (NBFT): what the firmware connected before the system started.
//!
//! An ACPI table (NVM Express Boot Specification 1.0 and 1.1) of a header, a control descriptor
//! with the places of all others, lists of descriptors, and a heap that they refer to.
//! [`Nbft::decode`] believes none of it: every offset and length is checked, nothing is followed
//! twice. A flaw of the header or of the control descriptor rejects the table ([`NbftError`]); any
//! other costs one descriptor, or one field of it, and is kept ([`NbftProblem`]).
//!
//! [`BootPlan`] is what the tables ask to be connected.

mod decode;
mod discovery;
mod heap;
mod hfi;
mod host;
mod mac;
mod origin;
mod plan;
mod problem;
mod raw;
mod security;
mod subsystem;
mod table;
mod uri;

pub use discovery::Discovery;
pub use hfi::{DhcpClient, Hfi};
pub use host::{Host, PrimaryAdmin};
pub use mac::{MacAddr, NotAMac};
pub use origin::{BootEntry, BootOrigin};
pub use plan::{BootConnection, BootInterface, BootPlan, BootTable, NotConnected, SkipReason};
pub use problem::{DescriptorKind, Flaw, NbftError, NbftProblem, Place};
pub use security::{Requirement, SecurityProfile};
pub use subsystem::{ExtendedInfo, NamespaceId, SubsystemNamespace};
pub use table::Nbft;
pub use uri::{BootUri, UriError};
