//! Ports of the kernel's target: where it listens, and what is reached there.

use std::fs;
use std::io;
use std::net::{IpAddr, UdpSocket};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::NVMET;
use super::subsystem::subsystem_dir;
use crate::SOON;
use crate::files::{OrFail, make_dir, names, put};

/// Where a port listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) transport: &'static str,
    /// Empty for loop.
    pub(super) traddr: String,
    /// Empty where the transport has none.
    pub(super) trsvcid: String,
    /// The host's end, where the transport needs it said.
    pub(super) host_traddr: Option<String>,
}

impl Address {
    /// An address family of the Discovery Log Page Entry (Base Specification, ADRFAM), as
    /// configfs spells it.
    fn family(&self) -> &'static str {
        match self.transport {
            "loop" => "loop",
            "fc" => "fc",
            _ if self.traddr.contains(':') => "ipv6",
            _ => "ipv4",
        }
    }

    /// Field and value of what a connection has to say to get there.
    pub(super) fn fields(&self) -> Vec<(&'static str, &str)> {
        let Self {
            transport,
            traddr,
            trsvcid,
            host_traddr,
        } = self;
        let mut fields = vec![("transport", *transport)];
        let further = [
            ("traddr", traddr.as_str()),
            ("trsvcid", trsvcid),
            ("host-traddr", host_traddr.as_deref().unwrap_or_default()),
        ];
        fields.extend(further.into_iter().filter(|(_, value)| !value.is_empty()));
        fields
    }

    /// Waits until this machine has the address: the network may be being set up still.
    #[track_caller]
    fn wait_until_there(&self) {
        let Ok(ip) = self.traddr.parse::<IpAddr>() else {
            return;
        };
        let started = Instant::now();
        while UdpSocket::bind((ip, 0)).is_err() {
            assert!(started.elapsed() < SOON, "this machine has no address {ip}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn write_to(&self, dir: &Path) {
        let trsvcid = match self.transport {
            "fc" => "none",
            _ => &self.trsvcid,
        };
        let attributes = [
            ("addr_trtype", self.transport),
            ("addr_adrfam", self.family()),
            ("addr_traddr", &self.traddr),
            ("addr_trsvcid", trsvcid),
        ];
        for (name, value) in attributes {
            if !value.is_empty() {
                put(dir.join(name), value);
            }
        }
    }
}

/// A port; it listens while a subsystem is linked to it.
#[derive(Debug)]
pub(super) struct Port {
    dir: PathBuf,
    pub(super) address: Address,
}

impl Port {
    #[track_caller]
    pub(super) fn new(address: Address) -> Self {
        address.wait_until_there();
        let dir = free_port();
        address.write_to(&dir);
        Self { dir, address }
    }

    /// Before a subsystem is linked to it.
    #[track_caller]
    pub(super) fn require_tls(&self) {
        put(self.dir.join("addr_tsas"), "tls1.3");
        put(self.dir.join("addr_treq"), "required");
    }

    #[track_caller]
    pub(super) fn link(&self, nqn: &str) {
        let link = self.dir.join("subsystems").join(nqn);
        symlink(subsystem_dir(nqn), link).or_fail(format_args!("link `{nqn}` to {self:?}"));
    }

    pub(super) fn unlink(&self, nqn: &str) {
        // It is not linked while the port is disabled.
        let _ = fs::remove_file(self.dir.join("subsystems").join(nqn));
    }

    /// Has this port's discovery log page name the discovery controller at another port.
    #[track_caller]
    pub(super) fn refer_to(&self, name: &str, other: &Address) {
        let referral = self.dir.join("referrals").join(name);
        make_dir(&referral);
        other.write_to(&referral);
        put(referral.join("enable"), "1");
    }

    pub(super) fn remove(&self) {
        remove(&self.dir);
    }
}

/// Removes all ports that there are.
pub(super) fn remove_all() {
    for port in names(Path::new(NVMET).join("ports")) {
        remove(&Path::new(NVMET).join("ports").join(port));
    }
}

// What was undone before is no failure: errors are left to the next test, which cannot be built on
// what is still there.
fn remove(port: &Path) {
    for nqn in names(port.join("subsystems")) {
        let _ = fs::remove_file(port.join("subsystems").join(nqn));
    }
    for referral in names(port.join("referrals")) {
        let _ = fs::remove_dir(port.join("referrals").join(referral));
    }
    let _ = fs::remove_dir(port);
}

#[track_caller]
fn free_port() -> PathBuf {
    for number in 1..u16::MAX {
        let port = Path::new(NVMET).join("ports").join(number.to_string());
        match fs::create_dir(&port) {
            Ok(()) => return port,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => panic!("cannot make `{}`: {error}", port.display()),
        }
    }
    panic!("every port number is taken");
}
