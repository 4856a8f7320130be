//! Many disconnects at once: the kernel deletes controllers in parallel, each delete blocks.

use std::sync::Mutex;
use std::sync::mpsc;

use nvmf_types::Owner;
use thiserror::Error;

use crate::registry::{Registry, RegistryError};
use crate::sysfs::{Deleted, Pinned, SysfsError};

/// What became of a controller that was to be disconnected if its owner allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disconnect {
    /// It was disconnected.
    Deleted(Deleted),
    /// It stays, because it is this owner's (`None`: nobody's).
    Kept(Option<Owner>),
}

/// Why a controller was not disconnected.
#[derive(Debug, Error)]
pub enum DisconnectError {
    /// Whose it is cannot be read, and so it was left alone.
    #[error("left alone: {0}")]
    Owner(RegistryError),
    /// The kernel does not do it.
    #[error(transparent)]
    Kernel(SysfsError),
}

/// Disconnects exactly the controller that is pinned, if such an owner `goes`. The owner is read
/// right before the kernel is told to.
///
/// # Errors
/// Its owner cannot be read; not root, or the controller's first connect is still under way.
pub fn disconnect_if(
    registry: &Registry,
    pinned: &Pinned,
    goes: impl FnOnce(Option<&Owner>) -> bool,
) -> Result<Disconnect, DisconnectError> {
    let (device, sysfs_ino) = (pinned.device(), pinned.sysfs_ino());
    match registry.delete_if(device, sysfs_ino, goes, || pinned.delete()) {
        Ok(Ok(deleted)) => deleted
            .map(Disconnect::Deleted)
            .map_err(DisconnectError::Kernel),
        // what is gone has no owner any more
        Ok(Err(_)) if matches!(pinned.state(), Ok(None)) => {
            Ok(Disconnect::Deleted(Deleted::AlreadyGone))
        }
        Ok(Err(owner)) => Ok(Disconnect::Kept(owner)),
        Err(error) => Err(DisconnectError::Owner(error)),
    }
}

/// Calls `disconnect` for all `controllers` on up to `threads` threads (at least one) and hands each
/// outcome to `report`, in the order in which they come, on the caller's thread.
pub fn disconnect_all<T: Send>(
    controllers: Vec<Pinned>,
    threads: usize,
    disconnect: impl Fn(&Pinned) -> T + Sync,
    mut report: impl FnMut(&Pinned, T),
) {
    let threads = threads.clamp(1, controllers.len().max(1));
    let queue = Mutex::new(controllers.into_iter());
    let next = || {
        queue
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .next()
    };
    let disconnect = &disconnect;
    let (outcomes, inbox) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let outcomes = outcomes.clone();
            scope.spawn(move || {
                while let Some(pinned) = next() {
                    let outcome = disconnect(&pinned);
                    if outcomes.send((pinned, outcome)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(outcomes);
        for (pinned, outcome) in inbox {
            report(&pinned, outcome);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    #[test]
    fn each_exactly_once() {
        let host = FakeHost::new();
        let pin = |n: u32| {
            let device = host.tcp(&format!("nvme{n}"), "nqn.2014-08.org.example:a");
            Pinned::open(&host.root(), &device).unwrap().unwrap()
        };
        let pinned: Vec<Pinned> = (0..20).map(pin).collect();
        host.remove_controller("nvme7");
        let mut outcomes = Vec::new();
        disconnect_all(pinned, 4, Pinned::delete, |pinned, outcome| {
            outcomes.push((pinned.device().clone(), outcome.unwrap()));
        });
        outcomes.sort_by_key(|(device, _): &(nvmf_types::DeviceName, Deleted)| device.clone());
        assert_eq!(outcomes.len(), 20);
        for (n, (device, outcome)) in (0..20).zip(outcomes) {
            assert_eq!(device.as_str(), format!("nvme{n}"));
            let expected = if n == 7 {
                Deleted::AlreadyGone
            } else {
                Deleted::Yes
            };
            assert_eq!(outcome, expected, "{device}");
        }
        disconnect_all(Vec::new(), 0, Pinned::delete, |_, _| {
            panic!("nothing to report")
        });
    }

    #[test]
    fn only_if_its_owner_goes() {
        let host = FakeHost::new();
        let device = host.tcp("nvme3", "nqn.2014-08.org.example:a");
        let registry = Registry::open(&host.root());
        let me: Owner = "me".parse().unwrap();
        let _ = registry.claim(&device, &me).unwrap();
        let pinned = Pinned::open(&host.root(), &device).unwrap().unwrap();

        let nobodys = |owner: Option<&Owner>| owner.is_none();
        let kept = disconnect_if(&registry, &pinned, nobodys).unwrap();
        assert_eq!(kept, Disconnect::Kept(Some(me.clone())));
        assert_eq!(host.deletes("nvme3"), "");

        let mine = |owner: Option<&Owner>| owner == Some(&me);
        let deleted = disconnect_if(&registry, &pinned, mine).unwrap();
        assert_eq!(deleted, Disconnect::Deleted(Deleted::Yes));
        assert_eq!(host.deletes("nvme3"), "1");

        host.replace_tcp("nvme3", "nqn.2014-08.org.example:b");
        let _ = registry.reap(&device, None).unwrap();
        let gone = disconnect_if(&registry, &pinned, mine).unwrap();
        assert_eq!(gone, Disconnect::Deleted(Deleted::AlreadyGone));
        assert_eq!(host.deletes("nvme3"), "", "the successor is not touched");
    }
}
