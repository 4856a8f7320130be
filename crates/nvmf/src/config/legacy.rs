//! Reading the files of older formats.

use std::path::PathBuf;

use nvmf_types::config::legacy::parse_discovery_conf;
use nvmf_types::config::{Problem, Wish};

use super::LoadError;
use super::load::read_optional;
use crate::Root;

/// Where nvme-cli before 3.0 looks for discovery controllers: `/etc/nvme/discovery.conf`.
#[must_use]
pub fn discovery_conf(root: &Root) -> PathBuf {
    root.etc().join("nvme/discovery.conf")
}

/// Reads `/etc/nvme/discovery.conf`: the discovery controllers that it names, and what is odd.
/// Without a file there are none.
///
/// # Errors
/// Everything that is wrong in the file, or it cannot be read.
pub fn load_discovery_conf(root: &Root) -> Result<(Vec<Wish>, Vec<Problem>), LoadError> {
    let path = discovery_conf(root);
    let text = read_optional(&path)?;
    let name = path.display().to_string();
    Ok(parse_discovery_conf(&name, &text.unwrap_or_default())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    #[test]
    fn a_file_or_none() {
        let host = FakeHost::new();
        assert_eq!(load_discovery_conf(&host.root()).unwrap().0, []);
        let path = discovery_conf(&host.root());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "# DCs\n-t tcp -a 192.0.2.1\n-t tcp\n").unwrap();
        let error = load_discovery_conf(&host.root()).unwrap_err().to_string();
        assert!(
            error.contains("etc/nvme/discovery.conf:3:1: error: "),
            "{error}"
        );
        std::fs::write(&path, "-t tcp -a 192.0.2.1\n").unwrap();
        assert_eq!(load_discovery_conf(&host.root()).unwrap().0.len(), 1);
    }
}
