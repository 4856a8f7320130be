//! Ctrl-C while the kernel connects.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nvmf::Root;
use nvmf::connect::Connected;
use nvmf::disconnect::{PATIENCE, disconnect};
use nvmf::registry::Registry;
use nvmf::sysfs::Held;

use crate::walk::interrupt;

const WAITING: &str = "nvmf: connect: waiting for the kernel, which cannot be interrupted, for about \
                       a minute at most; then what was connected is disconnected";

/// Lets `connect` come to its end whatever signals arrive, and says that it has to. `None`: one
/// arrived, and the new controller is disconnected again.
pub(super) fn to_its_end<E: Send>(
    root: &Root,
    connect: impl FnOnce() -> Result<Connected, E> + Send,
) -> Result<Option<Connected>, E> {
    let came = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&came);
    interrupt::catch(move || {
        if !flag.swap(true, Ordering::SeqCst) {
            // Nobody may be there to read it.
            let _ = writeln!(std::io::stderr(), "{WAITING}");
        }
    });
    // The kernel gives a signal to the first thread, and that must not be the one it holds: nothing
    // would be said before the connect is over.
    let connected = std::thread::scope(|scope| scope.spawn(connect).join());
    let connected = connected.unwrap_or_else(|cause| std::panic::resume_unwind(cause));
    match (connected, came.load(Ordering::SeqCst)) {
        (Ok(connected), true) => {
            take_back(root, &connected);
            Ok(None)
        }
        (Err(_), true) => Ok(None),
        (connected, false) => connected.map(Some),
    }
}

/// Disconnects a new controller, or says that it is still there.
fn take_back(root: &Root, new: &Connected) {
    let device = &new.device;
    let disconnected = match Held::open(root, device) {
        Ok(Some(held)) if held.sysfs_ino() == new.sysfs_ino => disconnect(&held, PATIENCE),
        Ok(_) => return,
        Err(error) => Err(error),
    };
    match disconnected {
        // An entry that stays is known to be stale all the same.
        Ok(_) => drop(Registry::open(root).reap(device, None)),
        Err(error) => {
            // Nobody may be there to read it.
            let _ = writeln!(
                std::io::stderr(),
                "nvmf: connect: {device} is still connected: {error}: disconnect it with nvmf \
                 disconnect -d {device}"
            );
        }
    }
}
