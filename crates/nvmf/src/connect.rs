//! Connecting a controller through `/dev/nvme-fabrics`.
//!
//! The kernel takes one line, blocks until it is done or gives up (up to a minute, and nobody else
//! can connect meanwhile), and answers with the number of the new controller. As long as the file
//! is open the number is not given to another one, so the registry entry is published before it is
//! closed, and taken back if the controller is gone by then.

mod error;
mod existing;
mod fabrics;
mod fc;
mod modules;
mod reason;
mod run;
mod status;
pub(crate) mod under_way;

pub use error::{ConnectError, ConnectErrorKind};
pub use existing::{Existing, find_existing};
pub use reason::{Cause, Reason};
pub use run::{Connected, connect, connect_once};
pub use status::NvmeStatus;
pub use under_way::wait_for_others;
