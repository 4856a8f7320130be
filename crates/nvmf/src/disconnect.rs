//! Many disconnects at once: the kernel deletes controllers in parallel, each delete blocks.

use std::cell::OnceCell;
use std::io::ErrorKind;
use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nvmf_types::{ControllerClass, HostIdentity, Owner, TransportId};
use thiserror::Error;

use crate::Root;
use crate::registry::{Asked, Registry, RegistryError};
use crate::sysfs::{Deleted, Held, SysfsError};

/// How long a connect that is under way is waited for: longer than it takes where the target
/// answers.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// How often it is looked whether it is over.
const GLANCE: Duration = Duration::from_millis(10);

/// What became of a controller that was to be disconnected if its owner allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disconnect {
    /// It was disconnected.
    Deleted(Deleted),
    /// It stays, because it is this owner's (`None`: nobody's).
    Kept(Option<Owner>),
    /// It stays, because the connect that made it is not over yet, and so its owner not known.
    UnderWay,
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

/// Disconnects exactly the controller that is held, if such an owner `goes`. The owner is read
/// right before the kernel is told to. While one of our own processes is about to register it,
/// that is waited for up to `patience`.
///
/// # Errors
/// Its owner cannot be read; not root, or the controller's first connect is still under way.
pub fn disconnect_if(
    root: &Root,
    held: &Held,
    goes: impl Fn(Option<&Owner>) -> bool,
    patience: Duration,
) -> Result<Disconnect, DisconnectError> {
    let registry = Registry::open(root);
    // What it is needs to be known only if something is under way. What cannot be read may be that.
    let live = OnceCell::new();
    let fits = |tid: &TransportId| {
        let live = live.get_or_init(|| held.read(root).ok().flatten());
        live.as_ref().is_none_or(|live| {
            let class = live.class.unwrap_or(ControllerClass::Io);
            tid.is_satisfied_by(class, live, &HostIdentity::default())
        })
    };
    let started = Instant::now();
    loop {
        let delete = || held.delete();
        match registry.delete_if(held.device(), held.sysfs_ino(), &goes, fits, delete) {
            Ok(Asked::Goes(deleted)) => {
                return deleted
                    .map(Disconnect::Deleted)
                    .map_err(DisconnectError::Kernel);
            }
            // what is gone has no owner any more
            Ok(_) if matches!(held.state(), Ok(None)) => {
                return Ok(Disconnect::Deleted(Deleted::AlreadyGone));
            }
            Ok(Asked::Stays(owner)) => return Ok(Disconnect::Kept(owner)),
            Ok(Asked::UnderWay) if started.elapsed() >= patience => {
                return Ok(Disconnect::UnderWay);
            }
            Ok(Asked::UnderWay) => thread::sleep(GLANCE),
            Err(error) => return Err(DisconnectError::Owner(error)),
        }
    }
}

/// Disconnects exactly the controller that is held, whoever owns it. The kernel does not break
/// its first connect off: that is waited for up to `patience`.
///
/// # Errors
/// Not root, or the controller's first connect is still under way.
pub fn disconnect(held: &Held, patience: Duration) -> Result<Deleted, SysfsError> {
    let started = Instant::now();
    loop {
        match held.delete() {
            Err(error) if error.source.kind() == ErrorKind::ResourceBusy => {
                if started.elapsed() >= patience {
                    return Err(error);
                }
                thread::sleep(GLANCE);
            }
            other => return other,
        }
    }
}

/// Calls `disconnect` for all `controllers` on up to `threads` threads (at least one) and hands each
/// outcome to `report`, in the order in which they come, on the caller's thread.
pub fn disconnect_all<C: Send, T: Send>(
    controllers: Vec<C>,
    threads: usize,
    disconnect: impl Fn(&C) -> T + Sync,
    mut report: impl FnMut(C, T),
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
    thread::scope(|scope| {
        for _ in 0..threads {
            let outcomes = outcomes.clone();
            scope.spawn(move || {
                while let Some(controller) = next() {
                    let outcome = disconnect(&controller);
                    if outcomes.send((controller, outcome)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(outcomes);
        for (controller, outcome) in inbox {
            report(controller, outcome);
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
            Held::open(&host.root(), &device).unwrap().unwrap()
        };
        let pinned: Vec<Held> = (0..20).map(pin).collect();
        host.remove_controller("nvme7");
        let mut outcomes = Vec::new();
        disconnect_all(pinned, 4, Held::delete, |pinned, outcome| {
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
        disconnect_all(Vec::<Held>::new(), 0, Held::delete, |_, _| {
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
        let pinned = Held::open(&host.root(), &device).unwrap().unwrap();

        let nobodys = |owner: Option<&Owner>| owner.is_none();
        let kept = disconnect_if(&host.root(), &pinned, nobodys, PATIENCE).unwrap();
        assert_eq!(kept, Disconnect::Kept(Some(me.clone())));
        assert_eq!(host.deletes("nvme3"), "");

        let mine = |owner: Option<&Owner>| owner == Some(&me);
        let deleted = disconnect_if(&host.root(), &pinned, mine, PATIENCE).unwrap();
        assert_eq!(deleted, Disconnect::Deleted(Deleted::Yes));
        assert_eq!(host.deletes("nvme3"), "1");

        host.replace_tcp("nvme3", "nqn.2014-08.org.example:b");
        let _ = registry.reap(&device, None).unwrap();
        let gone = disconnect_if(&host.root(), &pinned, mine, PATIENCE).unwrap();
        assert_eq!(gone, Disconnect::Deleted(Deleted::AlreadyGone));
        assert_eq!(host.deletes("nvme3"), "", "the successor is not touched");
    }
}
