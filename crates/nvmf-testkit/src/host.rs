//! What is true on this host: fabrics controllers with their owners, read without the code under
//! test.

use std::fmt;
use std::fs;
use std::net::Ipv6Addr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;

use crate::files::{OrFail, attribute, names};
use crate::registry;

/// NQN of every discovery controller (Base Specification, 4.7).
pub const DISCOVERY_NQN: &str = "nqn.2014-08.org.nvmexpress.discovery";

const CLASS: &str = "/sys/class/nvme";

/// How often a folder that does not come to rest is read again.
const READINGS: usize = 16;

/// One fabrics controller.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Controller {
    /// Kernel name, such as `nvme3`.
    pub device: String,
    /// Inode of its sysfs directory: another one for each incarnation.
    pub ino: u64,
    /// `tcp`, `rdma`, `fc` or `loop`.
    pub transport: String,
    /// sysfs `address`.
    pub address: String,
    /// sysfs `subsysnqn`.
    pub nqn: String,
    /// sysfs `state`.
    pub state: String,
    /// The registry's owner.
    pub owner: Option<String>,
}

impl Controller {
    /// Whether the kernel says it is usable.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.state == "live"
    }

    /// Whether it is a discovery controller.
    #[must_use]
    pub fn is_discovery(&self) -> bool {
        self.nqn == DISCOVERY_NQN
    }

    /// Whether `owner` owns it.
    #[must_use]
    pub fn is_owned_by(&self, owner: &str) -> bool {
        self.owner.as_deref() == Some(owner)
    }

    /// What tells it from every other controller that ever was: device and inode.
    #[must_use]
    pub fn incarnation(&self) -> (String, u64) {
        (self.device.clone(), self.ino)
    }

    /// Disconnects it, as `nvme disconnect -d` would. Nothing happens if it is gone.
    pub fn delete(&self) {
        // It may go by itself at any moment; then there is nothing left to do.
        let _ = fs::write(
            PathBuf::from(CLASS)
                .join(&self.device)
                .join("delete_controller"),
            "1",
        );
    }
}

impl fmt::Display for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            device,
            ino,
            transport,
            address,
            nqn,
            state,
            owner,
        } = self;
        let owner = owner.as_deref().unwrap_or("-");
        write!(
            f,
            "{device} (inode {ino}) {state} {nqn} {transport} {address} owner {owner}"
        )
    }
}

/// Fails unless this is the test guest, which has the agent's port: a world disconnects everything
/// and empties `/etc/nvme`, and no real host must ever see that.
#[track_caller]
pub fn assert_guest() {
    let ports = Path::new("/sys/class/virtio-ports");
    let guest = names(ports).iter().any(|port| {
        attribute(ports.join(port).join("name")).as_deref() == Some(crate::agent::PORT)
    });
    assert!(
        guest,
        "this disconnects everything and is for the test guest only: run `cargo xtask test`"
    );
}

/// The names in a folder of sysfs, read until two readings say the same: one during which something
/// is removed can leave out what stays (Linux before 6.15, `fs/kernfs/dir.c`).
fn listed(folder: &str) -> Vec<String> {
    let mut last = names(folder);
    for _ in 0..READINGS {
        let next = names(folder);
        if next == last {
            break;
        }
        last = next;
    }
    last
}

/// All fabrics controllers, sorted by name.
#[must_use]
pub fn controllers() -> Vec<Controller> {
    listed(CLASS).into_iter().filter_map(controller).collect()
}

/// Those whose names are not among `known`; of the others nothing is read.
#[must_use]
pub fn controllers_but(known: &[Controller]) -> Vec<Controller> {
    let is_known = |name: &String| known.iter().any(|it| it.device == *name);
    let names = listed(CLASS).into_iter().filter(|it| !is_known(it));
    names.filter_map(controller).collect()
}

/// One controller; `None` if there is none of that name or it is no fabrics controller.
fn controller(device: String) -> Option<Controller> {
    let dir = PathBuf::from(CLASS).join(&device);
    let ino = fs::metadata(&dir).ok()?.ino();
    let transport = attribute(dir.join("transport"))?;
    if !matches!(transport.as_str(), "tcp" | "rdma" | "fc" | "loop") {
        return None;
    }
    Some(Controller {
        ino,
        transport,
        address: attribute(dir.join("address")).unwrap_or_default(),
        nqn: attribute(dir.join("subsysnqn")).unwrap_or_default(),
        state: attribute(dir.join("state"))?,
        owner: attribute(registry::entry(&device).join("owner")).filter(|owner| !owner.is_empty()),
        device,
    })
}

/// A field of what the kernel says of a process (proc(5), `status`), such as `VmRSS`, in KiB.
#[track_caller]
#[must_use]
pub fn memory_kib(pid: u32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).or_fail("read its status");
    let value = status
        .lines()
        .find_map(|it| it.strip_prefix(field)?.strip_prefix(':'));
    let number = value.and_then(|it| it.split_whitespace().next()?.parse().ok());
    number.or_fail(format_args!("read {field}"))
}

/// Disconnects every fabrics controller of this machine, all at once, and waits until it is done.
pub fn disconnect_everything() {
    thread::scope(|scope| {
        for controller in controllers() {
            scope.spawn(move || controller.delete());
        }
    });
}

/// The link-local IPv6 address of an interface with its scope, such as `fe80::1%eth0`, once the
/// kernel lets it be used.
#[must_use]
pub fn link_local(interface: &str) -> Option<String> {
    // address, index, prefix length, scope (20: link), flags (40: tentative), name
    let table = fs::read_to_string("/proc/net/if_inet6").ok()?;
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [address, _, _, "20", flags, name] = fields.as_slice() else {
            return None;
        };
        let tentative = u8::from_str_radix(flags, 16).ok()? & 0x40 != 0;
        let address = u128::from_str_radix(address, 16).ok()?;
        (*name == interface && !tentative)
            .then(|| format!("{}%{interface}", Ipv6Addr::from(address)))
    })
}

/// The block device of a subsystem's namespace 1, such as `/dev/nvme0n1`.
#[must_use]
pub fn block_device(nqn: &str) -> Option<PathBuf> {
    listed("/sys/class/nvme-subsystem")
        .into_iter()
        .find_map(|subsystem| {
            let dir = PathBuf::from("/sys/class/nvme-subsystem").join(subsystem);
            if attribute(dir.join("subsysnqn")).as_deref() != Some(nqn) {
                return None;
            }
            // A path of a multipath device is nvme0c1n1; the device itself nvme0n1.
            let is_device = |name: &String| {
                name.strip_prefix("nvme")
                    .is_some_and(|rest| rest.ends_with("n1") && !rest.contains('c'))
            };
            let device = PathBuf::from("/dev").join(names(dir).into_iter().find(is_device)?);
            device.exists().then_some(device)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_needs_memory() {
        let (now, most) = (
            memory_kib(std::process::id(), "VmRSS"),
            memory_kib(std::process::id(), "VmHWM"),
        );
        assert!(now > 0 && most > 0, "{now} {most}");
    }
}
