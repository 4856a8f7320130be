//! The discovery log page (Base Specification 2.x §5.2.12.3.1, Get Log Page 70h).

mod connection;
mod entry;
mod header;
mod log;
mod named;
mod raw;

pub use connection::EntryError;
pub use entry::{LogEntry, Sectype, Subtype, Trtype};
pub use header::{ENTRY_LEN, HEADER_LEN, Header, LogPageError, MAX_RECORDS};
pub use log::DiscoveryLog;
pub use named::{Named, TlsUse};
