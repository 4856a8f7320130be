//! The Python module `nvmf`.
//!
//! What is here only translates: names and texts into types, results into values and exceptions.
//! Whatever may wait for files or locks lets other Python threads run meanwhile.

mod change;
mod errors;
mod exclusions;
mod registry;
mod tid;
mod watch;

use pyo3::prelude::*;

#[cfg(panic = "abort")]
compile_error!("a panic becomes an exception: build the module with panics that unwind");

/// Ownership registry, exclusions and transport ids of an NVMe over Fabrics host.
///
/// An orchestrator asks `Exclusions.match` before it connects, enters the new controller with
/// `Registry.register`, and asks `Registry.owner` before it disconnects.
#[pymodule]
#[pyo3(name = "nvmf")]
mod module {
    #[pymodule_export]
    use crate::change::Change;
    #[pymodule_export]
    use crate::errors::{
        Error, InvalidInput, NoSuchController, NoSuchEntry, OperationFailed, OwnedByOther,
    };
    #[pymodule_export]
    use crate::exclusions::{Exclusion, Exclusions};
    #[pymodule_export]
    use crate::registry::{Entry, Registry};
    #[pymodule_export]
    use crate::tid::TransportId;
    #[pymodule_export]
    use crate::watch::Watch;
}
