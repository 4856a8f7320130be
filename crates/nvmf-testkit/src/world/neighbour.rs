//! What others do to the machine: other tools, missing modules.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Ran, World};
use crate::files::{OrFail, make_dir, names, put};
use crate::target::Target;

/// Modules of the host side, users first.
pub const HOST_MODULES: &[&str] = &[
    "nvme-tcp",
    "nvme-loop",
    "nvme-fcloop",
    "nvme-fc",
    "nvme-rdma",
    "nvme-fabrics",
];

/// The program that the kernel starts to load a module.
const MODPROBE: &str = "/proc/sys/kernel/modprobe";

/// Where the modules are that were not taken away.
const OTHERS: &str = "/run/nvmf-testkit-modules";

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

    /// Takes modules of the host side away, in this order: unloads them, and hides their files until
    /// [`Self::give_modules`] or the end of the world. Names are spelled as in file names.
    #[track_caller]
    pub fn take_modules(&self, modules: &[&str]) {
        for module in modules {
            // Not loaded is as good as unloaded.
            let _ = Command::new("rmmod").arg(module).output();
            let loaded = Path::new("/sys/module").join(module.replace('-', "_"));
            assert!(
                !loaded.exists(),
                "{module} is still loaded; modules: {}",
                self.modules()
            );
        }
        let (folder, others) = (modules_folder(), Path::new(OTHERS));
        make_dir(others);
        for name in names(&folder) {
            if !modules
                .iter()
                .any(|module| name.starts_with(&format!("{module}.ko")))
            {
                let copied = fs::copy(Path::new(&folder).join(&name), others.join(&name));
                copied.or_fail(format_args!("copy `{name}`"));
            }
        }
        self.run("mount", &["--bind", OTHERS, &folder])
            .expect_success();
        self.on_end("modules", give_modules);
    }

    /// Gives the modules back: from now on modprobe finds them.
    pub fn give_modules(&self) {
        give_modules();
    }

    /// Has the kernel start no modprobe until the end of the world. It does so at every connect, which
    /// takes most of the time; what is connected must have been connected before, so that its
    /// modules are there.
    #[track_caller]
    pub fn without_modprobe(&self) {
        let program = fs::read_to_string(MODPROBE).or_fail("read which modprobe is used");
        put(MODPROBE, "\n");
        self.on_end("modprobe", move || put(MODPROBE, program));
    }

    fn modules(&self) -> String {
        let loaded = fs::read_to_string("/proc/modules").unwrap_or_default();
        loaded
            .lines()
            .filter(|line| line.contains("nvm"))
            .collect::<Vec<_>>()
            .join("; ")
    }
}

fn give_modules() {
    // Not hidden (any more) is what is wanted, whoever looks into it just now.
    let _ = Command::new("umount")
        .args(["--lazy", &modules_folder()])
        .output();
    let _ = fs::remove_dir_all(OTHERS);
}

fn modules_folder() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").or_fail("ask for the kernel");
    format!("/lib/modules/{}/kernel/drivers/nvme/host", release.trim())
}
