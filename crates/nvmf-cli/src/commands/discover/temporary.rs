//! A discovery controller for the moment.

use anyhow::{Context, bail};
use nvmf::Root;
use nvmf::connect::Connected;
use nvmf::registry::Registry;
use nvmf::sysfs::Pinned;

/// A controller that was connected to be disconnected again: when this goes, it goes, and its
/// entry with it.
#[derive(Debug)]
pub(super) struct Temporary {
    pinned: Option<Pinned>,
    registry: Registry,
}

impl Temporary {
    /// Takes over what has just been connected.
    pub(super) fn new(root: &Root, connected: &Connected) -> anyhow::Result<Self> {
        let device = &connected.device;
        match Pinned::open(root, device)? {
            Some(pinned) if pinned.sysfs_ino() == connected.sysfs_ino => Ok(Self {
                pinned: Some(pinned),
                registry: Registry::open(root),
            }),
            _ => bail!("{device} vanished right after it was connected: try again"),
        }
    }

    /// It stays.
    pub(super) fn keep(mut self) {
        self.pinned = None;
    }

    /// It goes.
    pub(super) fn remove(mut self) -> anyhow::Result<()> {
        let Some(pinned) = self.pinned.take() else {
            return Ok(());
        };
        let device = pinned.device();
        pinned.delete().with_context(|| {
            format!("{device} is still connected: disconnect it with nvmf disconnect -d {device}")
        })?;
        // An entry that stays is known to be stale all the same.
        let _ = self.registry.reap(device, None);
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(pinned) = &self.pinned {
            // On the way out of an error that says more.
            let _ = pinned.delete();
            let _ = self.registry.reap(pinned.device(), None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    fn connected(host: &FakeHost) -> Connected {
        let device = host.dc("nvme5");
        let pinned = Pinned::open(&host.root(), &device).unwrap().unwrap();
        Connected {
            device,
            sysfs_ino: pinned.sysfs_ino(),
            cntlid: 1,
            owner: None,
            warning: None,
        }
    }

    #[test]
    fn goes_unless_it_is_kept() {
        let host = FakeHost::new();
        let connected = connected(&host);
        Temporary::new(&host.root(), &connected).unwrap().keep();
        assert_eq!(host.deletes("nvme5"), "");
        drop(Temporary::new(&host.root(), &connected).unwrap());
        assert_eq!(host.deletes("nvme5"), "1");

        host.attribute("nvme5", "delete_controller", "");
        let temporary = Temporary::new(&host.root(), &connected).unwrap();
        temporary.remove().unwrap();
        assert_eq!(host.deletes("nvme5"), "1");
    }

    #[test]
    fn its_entry_goes_too() {
        let host = FakeHost::new();
        for remove in [|t: Temporary| t.remove().unwrap(), drop] {
            let connected = connected(&host);
            host.own("nvme5", "me");
            let kernel = host.goes_when_deleted("nvme5");
            remove(Temporary::new(&host.root(), &connected).unwrap());
            kernel.join().unwrap();
            assert!(!host.has_entry("nvme5"));
        }
    }

    #[test]
    fn never_a_successor() {
        let host = FakeHost::new();
        let mut connected = connected(&host);
        connected.sysfs_ino += 1;
        assert!(Temporary::new(&host.root(), &connected).is_err());
        assert_eq!(host.deletes("nvme5"), "");
    }
}
