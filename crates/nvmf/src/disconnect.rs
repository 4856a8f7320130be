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
        Ok(Err(owner)) => Ok(Disconnect::Kept(owner)),
        Err(error) => Err(DisconnectError::Owner(error)),
    }
}

/// Disconnects all `controllers` on up to `threads` threads (at least one) and hands each outcome
/// to `report`, in the order in which they come, on the caller's thread. `still` is asked right
/// before each write, because its turn may come long after the controller was chosen; what it
/// denies is reported as `None`.
pub fn disconnect_all(
    controllers: Vec<Pinned>,
    threads: usize,
    still: impl Fn(&Pinned) -> bool + Sync,
    mut report: impl FnMut(&Pinned, Option<Result<Deleted, SysfsError>>),
) {
    let threads = threads.clamp(1, controllers.len().max(1));
    let queue = Mutex::new(controllers.into_iter());
    let next = || {
        queue
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .next()
    };
    let still = &still;
    let (outcomes, inbox) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let outcomes = outcomes.clone();
            scope.spawn(move || {
                while let Some(pinned) = next() {
                    let outcome = still(&pinned).then(|| pinned.delete());
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
        let mut denied = Vec::new();
        let still = |pinned: &Pinned| pinned.device().as_str() != "nvme9";
        let mut outcomes = Vec::new();
        disconnect_all(pinned, 4, still, |pinned, outcome| match outcome {
            Some(outcome) => outcomes.push((pinned.device().clone(), outcome.unwrap())),
            None => denied.push(pinned.device().to_string()),
        });
        assert_eq!(denied, ["nvme9"]);
        assert_eq!(host.deletes("nvme9"), "");
        outcomes.sort_by_key(|(device, _): &(nvmf_types::DeviceName, Deleted)| device.clone());
        assert_eq!(outcomes.len(), 19);
        for (n, (device, outcome)) in (0..20).filter(|n| *n != 9).zip(outcomes) {
            assert_eq!(device.as_str(), format!("nvme{n}"));
            let expected = if n == 7 {
                Deleted::AlreadyGone
            } else {
                Deleted::Yes
            };
            assert_eq!(outcome, expected, "{device}");
        }
        disconnect_all(Vec::new(), 0, |_| true, |_, _| panic!("nothing to report"));
    }
}
