//! The process that connects and disconnects controllers for nvme-discoverd.
//!
//! Writing to `/dev/nvme-fabrics` blocks uninterruptibly and holds one mutex of the whole host, so
//! the daemon does not do it. This process does, request by request:
//!
//! ```text
//! request → probe (many at a time, each with its time limit) ─ no answer → failed
//!              │ answers
//!              ▼
//!           writer (one; discovery controllers first, targets that hung before last)
//!              excluded on disk? connected already? → connect → owner registered → answer
//! ```
//!
//! A target that does not answer never gets to the writer, so it holds nobody up. Disconnects run
//! beside that, four at a time. The process keeps nothing that is worth keeping: who asks looks at
//! sysfs and asks again.
//!
//! Requests and responses are lines of JSON on a Unix socket that root alone can open; see
//! [`protocol`]. Secrets travel only there.

mod attempt;
mod connect;
mod disconnect;
mod listener;
mod pool;
pub mod protocol;
mod server;
mod targets;

pub use disconnect::disconnect;
pub use listener::{Listener, ListenerError};
pub use server::{Log, Server};
