//! Clean-up when the kernel removed a controller.

use nvmf_types::DeviceName;

use super::found::Found;
use super::stamp::{SEQNUM, SYSFS_INO};
use super::write::{again, done};
use super::{Reaped, Registry, RegistryError, RegistryErrorKind};
use crate::registry::disk::Locked;

impl Registry {
    /// Removes the entry of a controller that is gone, for udev's `remove` event. By the time the
    /// rule runs, the kernel may have given the number to a new controller whose entry is there
    /// already: that one stays. `removed` is the event's `SEQNUM`; it is needed for entries that
    /// do not say which incarnation they are about.
    ///
    /// # Errors
    /// The registry cannot be written.
    pub fn reap(&self, device: &DeviceName, removed: Option<u64>) -> Result<Reaped, RegistryError> {
        let reap = || -> Result<Reaped, RegistryErrorKind> {
            let Some(locked) = Locked::existing(&self.dir)? else {
                return Ok(Reaped::NoEntry);
            };
            again(|| match Found::look(self, &locked, device)? {
                None => Ok(Some(Reaped::NoEntry)),
                Some(found) if !is_about_removed(&found, removed) => Ok(Some(Reaped::Kept)),
                Some(found) => Ok(done(locked.discard(device, found.ino)?, Reaped::Removed)),
            })
        };
        reap().map_err(|kind| self.error("clean up", Some(device), kind))
    }
}

/// A stamped entry tells by itself. Another tool's was written before the removal if its `seqnum`
/// is the smaller one; without that either, it is believed while there is a controller.
fn is_about_removed(found: &Found, removed: Option<u64>) -> bool {
    if !found.live || found.attributes.contains_key(SYSFS_INO) {
        return !found.live;
    }
    let written = found
        .attributes
        .get(SEQNUM)
        .and_then(|text| text.parse::<u64>().ok());
    matches!((written, removed), (Some(written), Some(removed)) if written < removed)
}

#[cfg(test)]
mod tests {
    use crate::registry::tests::{NQN, attr, host, owner};
    use crate::registry::{Claim, Reaped};

    #[test]
    fn only_the_entry_of_the_removed_controller_goes() {
        let (host, registry, device) = host();
        assert_eq!(registry.reap(&device, Some(1)).unwrap(), Reaped::NoEntry);
        assert_eq!(
            registry.claim(&device, &owner("me")).unwrap(),
            Claim::Granted
        );
        assert_eq!(
            registry.reap(&device, Some(u64::MAX)).unwrap(),
            Reaped::Kept,
            "it lives"
        );
        host.replace_tcp("nvme3", NQN);
        assert_eq!(
            registry.reap(&device, None).unwrap(),
            Reaped::Removed,
            "its successor lives"
        );
        assert_eq!(
            registry.claim(&device, &owner("me")).unwrap(),
            Claim::Granted
        );
        host.remove_controller("nvme3");
        assert_eq!(registry.reap(&device, None).unwrap(), Reaped::Removed);
        assert!(host.registry_names().is_empty());
    }

    #[test]
    fn entries_without_a_stamp_go_by_sequence_number() {
        let (host, registry, device) = host();
        host.foreign_entry("nvme3", &[("owner", "stas\n"), ("seqnum", "12\n")]);
        for (removed, outcome) in [
            (None, Reaped::Kept),
            (Some(11), Reaped::Kept),
            (Some(12), Reaped::Kept),
            (Some(13), Reaped::Removed),
        ] {
            assert_eq!(
                registry.reap(&device, removed).unwrap(),
                outcome,
                "{removed:?}"
            );
        }
        host.foreign_entry("nvme3", &[("owner", "stas\n"), ("seqnum", "junk\n")]);
        assert_eq!(registry.reap(&device, Some(99)).unwrap(), Reaped::Kept);
        assert!(
            registry
                .attribute(&device, &attr("owner"))
                .unwrap()
                .is_some()
        );
        host.remove_controller("nvme3");
        assert_eq!(registry.reap(&device, None).unwrap(), Reaped::Removed);
    }
}
