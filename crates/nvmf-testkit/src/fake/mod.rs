//! Targets that do what no real one should: stay silent, refuse, lie. In user space, on 127.0.0.1.

mod discovery;
mod log;
mod ports;
mod wire;

pub use discovery::FakeDiscovery;
pub use log::{FakeLog, FakeRecord};
pub use ports::{RefusingPort, SilentTarget};
