//! The formats that `nvme-fabrics.conf` replaces: `discovery.conf` and `config.json` of nvme-cli
//! before 3.0.
//!
//! Both readers find all problems in one pass, and return what is asked for as [`Wish`](super::Wish)es.

mod discovery_conf;

pub use discovery_conf::parse_discovery_conf;
