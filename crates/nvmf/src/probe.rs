//! Asking a target whether it answers, before the kernel is asked to connect.
//!
//! While the kernel waits for a silent target nobody else on the host can connect, and the wait
//! cannot be ended. A probe in user space can, and many can run at once.

mod bind_device;
mod error;
mod fabrics;
mod pdu;
mod run;

pub use error::{ProbeError, Stage};
pub use run::{deep_probe, probe};
