//! What others do to the machine: other tools, missing modules.

use std::process::Command;

use super::{Ran, World};
use crate::files::OrFail;
use crate::target::Target;

impl World {
    /// `nvme connect`, as Debian ships it, to one subsystem of a target.
    #[track_caller]
    pub fn nvme_connect(&self, target: &Target, nqn: &str) {
        self.run("nvme", &target.connect_arguments(nqn))
            .expect_success();
    }

    /// `nvmf connect`, with further arguments.
    #[track_caller]
    pub fn nvmf_connect(&self, target: &Target, nqn: &str, further: &[&str]) -> Ran {
        let mut arguments = target.connect_arguments(nqn);
        arguments.extend(further.iter().map(|&it| it.to_owned()));
        self.nvmf(&arguments)
    }

    /// Takes the host's modules of NVMe over Fabrics away: unloads them, and hides their files
    /// until [`Self::give_modules`] or the end of the world.
    #[track_caller]
    pub fn take_modules(&self) {
        // Not loaded is as good as unloaded.
        for module in [
            "nvme_tcp",
            "nvme_loop",
            "nvme_fcloop",
            "nvme_fc",
            "nvme_rdma",
            "nvme_fabrics",
        ] {
            let _ = Command::new("rmmod").arg(module).output();
        }
        let left = std::path::Path::new("/dev/nvme-fabrics").exists();
        assert!(
            !left,
            "nvme-fabrics is still loaded, its users: {}",
            self.modules()
        );
        let folder = modules_folder();
        self.run("mount", &["-t", "tmpfs", "none", &folder])
            .expect_success();
        self.on_end("modules", give_modules);
    }

    /// Gives the modules back: from now on modprobe finds them.
    pub fn give_modules(&self) {
        give_modules();
    }

    fn modules(&self) -> String {
        let loaded = std::fs::read_to_string("/proc/modules").unwrap_or_default();
        loaded
            .lines()
            .filter(|line| line.contains("nvm"))
            .collect::<Vec<_>>()
            .join("; ")
    }
}

fn give_modules() {
    // Not hidden (any more) is what is wanted.
    let _ = Command::new("umount").arg(modules_folder()).output();
}

fn modules_folder() -> String {
    let release =
        std::fs::read_to_string("/proc/sys/kernel/osrelease").or_fail("ask for the kernel");
    format!("/lib/modules/{}/kernel/drivers/nvme/host", release.trim())
}
