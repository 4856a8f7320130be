//! fc: the kernel calls a connect a success before it is one.
//!
//! The write to `/dev/nvme-fabrics` returns when the first attempt is over, however that went
//! (Linux `drivers/nvme/host/fc.c`, `nvme_fc_init_ctrl`). After a failure that another attempt may
//! mend the controller stays and keeps trying; otherwise it goes, a moment later.

use std::time::{Duration, Instant};

use nvmf_types::ControllerState;

use super::ConnectErrorKind;
use crate::sysfs::{Pinned, SysfsError};

/// How long a controller that keeps trying may resist its removal.
const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 5 });

/// How often its state is looked at: it changes without an event.
const GLANCE: Duration = Duration::from_millis(20);

/// Waits until it is known whether the controller is connected; if it is not, none stays.
pub(super) fn settle(pinned: &Pinned) -> Result<(), ConnectErrorKind> {
    let io = |e: SysfsError| ConnectErrorKind::Io(e.source);
    let started = Instant::now();
    loop {
        match pinned.state().map_err(io)? {
            Some(ControllerState::Live) => return Ok(()),
            None => return Err(ConnectErrorKind::Vanished),
            // The kernel refuses (EBUSY) as long as there has been no connection.
            Some(_) if pinned.delete().is_ok() => return Err(ConnectErrorKind::Vanished),
            Some(_) if started.elapsed() >= PATIENCE => {
                let device = pinned.device().clone();
                return Err(ConnectErrorKind::Unfinished { device });
            }
            Some(_) => std::thread::sleep(GLANCE),
        }
    }
}
