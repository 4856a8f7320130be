//! What kind of controller has a name.

use nvmf_types::{DeviceName, Transport};

use super::{ControllerDir, SysfsError};
use crate::Root;

/// Whether a controller is one to connect and to own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControllerKind {
    /// It is reached over a fabric.
    Fabrics,
    /// It is a drive of this host (PCIe), which the kernel manages.
    Local,
}

/// What kind of controller has the name `device` now; `None`: there is none.
///
/// # Errors
/// sysfs cannot be read.
pub fn kind(root: &Root, device: &DeviceName) -> Result<Option<ControllerKind>, SysfsError> {
    match ControllerDir::open(root, device)? {
        Some(dir) => dir.kind(),
        None => Ok(None),
    }
}

impl ControllerDir {
    /// What kind of controller it is; `None`: it is going, or gone.
    pub(crate) fn kind(&self) -> Result<Option<ControllerKind>, SysfsError> {
        let transport = self.attribute("transport")?;
        Ok(transport.map(|word| match word.parse::<Transport>() {
            Ok(_) => ControllerKind::Fabrics,
            Err(_) => ControllerKind::Local,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    #[test]
    fn fabrics_local_or_none() {
        let host = FakeHost::new();
        let fabrics = host.tcp("nvme3", "nqn.2014-08.org.example:a");
        let local = host.pcie("nvme0");
        let nine = DeviceName::from_number(9);
        let kind = |device| kind(&host.root(), device).unwrap();
        assert_eq!(kind(&fabrics), Some(ControllerKind::Fabrics));
        assert_eq!(kind(&local), Some(ControllerKind::Local));
        assert_eq!(kind(&nine), None);
        host.remove_attribute("nvme3", "transport");
        assert_eq!(kind(&fabrics), None, "it is going");
    }
}
