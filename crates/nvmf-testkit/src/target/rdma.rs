//! RDMA without hardware: `rdma_rxe` over an ordinary network interface.

use std::path::Path;
use std::process::Command;

use crate::files::OrFail;

/// The interface of the test machine that carries it, and the link's name.
const INTERFACE: &str = "nvmf0";
const LINK: &str = "rxe-nvmf0";

/// The modules that are needed.
pub(super) const MODULES: &[&str] = &["rdma_rxe", "nvmet", "nvmet-rdma", "nvme-rdma"];

/// Makes the addresses of [`INTERFACE`] ones that RDMA reaches.
#[track_caller]
pub(super) fn link() {
    if !Path::new("/sys/class/infiniband").join(LINK).exists() {
        let arguments = ["link", "add", LINK, "type", "rxe", "netdev", INTERFACE];
        let done = Command::new("rdma").args(arguments).output();
        let done = done.or_fail("run rdma");
        assert!(done.status.success(), "rdma {arguments:?}: {done:?}");
    }
}

/// Removes the link. Controllers and ports must be gone.
pub(super) fn remove() {
    // Not there is as good as removed.
    let _ = Command::new("rdma").args(["link", "delete", LINK]).output();
}
