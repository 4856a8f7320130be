//! Reading the discovery log page of a connected discovery controller (Base Specification 2.x
//! §5.2.12.3.1, log identifier 70h) by NVMe admin passthru.

mod error;
mod fetch;
mod ioctl;
mod paging;

pub use error::{LogPageFetchError, LogPageFetchErrorKind};
pub use fetch::{fetch, fetch_of, fetch_page_of};
