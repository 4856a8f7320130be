//! The formats that `nvme-fabrics.conf` replaces: `discovery.conf` and `config.json` of nvme-cli
//! before 3.0.
//!
//! Both readers find all problems in one pass, and return what is asked for as
//! [`Wish`](super::Wish)es.

mod config_json;
mod discovery_conf;
mod host;

pub use config_json::parse_config_json;
pub use discovery_conf::parse_discovery_conf;
pub use host::{LegacyHost, by_host};
