//! Fibre Channel: having the ports announce the discovery controllers that they see.

use std::fs::OpenOptions;
use std::io::{self, Write};

use crate::Root;

/// Has every Fibre Channel port of the host announce the discovery controllers that it sees, one
/// uevent for each (Linux `drivers/nvme/host/fc.c`, `nvme_fc_nvme_discovery_store`). `false`: there
/// is nobody to ask, because the host has no Fibre Channel or its module is not loaded.
///
/// # Errors
/// The kernel cannot be told.
pub fn announce(root: &Root) -> io::Result<bool> {
    let file = root.sys().join("class/fc/fc_udev_device/nvme_discovery");
    // not created where it is missing
    match OpenOptions::new().write(true).open(file) {
        Ok(mut file) => file.write_all(b"add").map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    #[test]
    fn only_where_there_is_fibre_channel() {
        let host = FakeHost::new();
        assert!(!announce(&host.root()).unwrap());
        let folder = host.path("sys/class/fc/fc_udev_device");
        std::fs::create_dir_all(&folder).unwrap();
        assert!(!announce(&host.root()).unwrap());
        let file = folder.join("nvme_discovery");
        std::fs::write(&file, "").unwrap();
        assert!(announce(&host.root()).unwrap());
        assert_eq!(std::fs::read(&file).unwrap(), b"add");
    }
}
