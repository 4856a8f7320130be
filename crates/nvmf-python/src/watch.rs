//! Following the registry.

use std::collections::VecDeque;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::change::Change;
use crate::errors::{failed, of_registry};

/// How often it is looked for signals, should one come right before the wait: that one does not
/// interrupt it.
const GLANCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 500_000_000,
};

/// What changes in the registry: an iterator that waits for the next change and never ends.
///
/// For an event loop, `fileno` is what to wait for, and `changes` what to call then.
#[pyclass(frozen, module = "nvmf")]
#[derive(Debug)]
pub(crate) struct Watch(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    watch: nvmf::registry::Watch,
    /// Those that an iteration has not come to yet.
    left: VecDeque<Change>,
}

impl Watch {
    pub(crate) fn new(watch: nvmf::registry::Watch) -> Self {
        let left = VecDeque::new();
        Self(Mutex::new(Inner { watch, left }))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings `left` up to date.
    fn look(&self, py: Python<'_>) -> PyResult<()> {
        let looked = py.detach(|| {
            let mut inner = self.inner();
            let changes = inner.watch.changes()?;
            inner.left.extend(changes.iter().map(Change::new));
            Ok(())
        });
        looked.map_err(|e| of_registry(py, &e))
    }
}

#[pymethods]
impl Watch {
    /// The descriptor that is readable when `changes` has something to look at.
    fn fileno(&self, py: Python<'_>) -> i32 {
        py.detach(|| self.inner().watch.as_fd().as_raw_fd())
    }

    /// What changed since the last call, in the order of the controllers' numbers. Does not wait.
    fn changes(&self, py: Python<'_>) -> PyResult<Vec<Change>> {
        self.look(py)?;
        Ok(py.detach(|| self.inner().left.drain(..).collect()))
    }

    const fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Change> {
        let io = |e: Errno| {
            failed(
                py,
                format!("cannot watch the registry: {e}"),
                Some(&e.into()),
            )
        };
        // A descriptor of our own: the lock is not held while we wait.
        let descriptor = py.detach(|| self.inner().watch.as_fd().try_clone_to_owned());
        let descriptor: OwnedFd = descriptor
            .map_err(|e| failed(py, format!("cannot watch the registry: {e}"), Some(&e)))?;
        loop {
            self.look(py)?;
            if let Some(change) = py.detach(|| self.inner().left.pop_front()) {
                return Ok(change);
            }
            let mut ready = [PollFd::new(&descriptor, PollFlags::IN)];
            match py.detach(|| poll(&mut ready, Some(&GLANCE))) {
                // Ctrl-C, perhaps
                Ok(_) | Err(Errno::INTR) => py.check_signals()?,
                Err(e) => return Err(io(e)),
            }
        }
    }
}
