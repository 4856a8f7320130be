//! Targets of the real kernel (nvmet), made through configfs.
//!
//! Every port also has a discovery controller: its log page lists the subsystems of that port. A
//! port listens only while at least one subsystem is linked to it.

mod fc;
mod host;
mod port;
mod rdma;
mod subsystem;

pub use host::{AllowedHost, CTRL_KEY, HOST_KEY, WRONG_KEY};

use std::process::Command;
use std::thread;

use crate::files::OrFail;
use crate::world::go_first;
use port::{Address, Port};

const NVMET: &str = "/sys/kernel/config/nvmet";
const BACKING: &str = "/run/nvmf-testkit";

/// One port with its subsystems. Removed, its own subsystems included, when dropped.
#[derive(Debug)]
pub struct Target {
    port: Port,
    subsystems: Vec<String>,
    /// Those of the subsystems that another target made.
    others: Vec<String>,
    enabled: bool,
}

impl Target {
    /// A TCP port on an address of this machine (IPv4 or IPv6, a link-local one with its scope:
    /// `fe80::1%eth0`).
    #[track_caller]
    #[must_use]
    pub fn tcp(traddr: &str, trsvcid: u16) -> Self {
        load(&["nvmet", "nvmet-tcp", "nvme-tcp", "nvme-loop"]);
        Self::at(Address {
            transport: "tcp",
            traddr: traddr.to_owned(),
            trsvcid: trsvcid.to_string(),
            host_traddr: None,
        })
    }

    /// A TCP port that takes connections with TLS only.
    #[track_caller]
    #[must_use]
    pub fn tls(traddr: &str, trsvcid: u16) -> Self {
        let target = Self::tcp(traddr, trsvcid);
        target.port.require_tls();
        target
    }

    /// A loop port.
    #[track_caller]
    #[must_use]
    pub fn looped() -> Self {
        load(&["nvmet", "nvmet-tcp", "nvme-tcp", "nvme-loop"]);
        Self::at(Address {
            transport: "loop",
            traddr: String::new(),
            trsvcid: String::new(),
            host_traddr: None,
        })
    }

    /// A Fibre Channel port at the other end of a link of its own. The kernel announces it as real
    /// ones are announced. It does not come back after [`Self::disable`].
    #[track_caller]
    #[must_use]
    pub fn fc() -> Self {
        load(fc::MODULES);
        Self::at(fc::link())
    }

    /// The host's Fibre Channel port does not see this one any more; it does not come back.
    #[track_caller]
    pub fn vanish(&self) {
        fc::unlink(self.traddr());
    }

    /// An RDMA port on 192.0.2.1 or 2001:db8::1, the test machine's own addresses.
    #[track_caller]
    #[must_use]
    pub fn rdma(traddr: &str, trsvcid: u16) -> Self {
        load(rdma::MODULES);
        rdma::link();
        Self::at(Address {
            transport: "rdma",
            traddr: traddr.to_owned(),
            trsvcid: trsvcid.to_string(),
            host_traddr: None,
        })
    }

    /// Adds a subsystem, as [`Self::add_subsystem`] does, in the making.
    #[track_caller]
    #[must_use]
    pub fn subsystem(mut self, nqn: &str) -> Self {
        self.add_subsystem(nqn);
        self
    }

    /// Adds `count` subsystems named `prefix` and a number from 1.
    #[track_caller]
    #[must_use]
    pub fn subsystems(mut self, prefix: &str, count: usize) -> Self {
        for number in 1..=count {
            self.add_subsystem(&format!("{prefix}{number}"));
        }
        self
    }

    /// Adds `count` subsystems without namespaces: they are connected and disconnected faster, with
    /// fewer events.
    #[track_caller]
    #[must_use]
    pub fn empty_subsystems(mut self, prefix: &str, count: usize) -> Self {
        for number in 1..=count {
            self.add_empty_subsystem(&format!("{prefix}{number}"));
        }
        self
    }

    /// Makes a subsystem with one namespace of 64 MiB that any host may use, and links it to the port.
    #[track_caller]
    pub fn add_subsystem(&mut self, nqn: &str) {
        subsystem::make(nqn);
        subsystem::add_namespace(nqn);
        self.push(nqn);
    }

    /// Makes a subsystem without a namespace that any host may use, and links it to the port.
    #[track_caller]
    pub fn add_empty_subsystem(&mut self, nqn: &str) {
        subsystem::make(nqn);
        self.push(nqn);
    }

    /// One more path to the subsystems of `other`: they are linked to this port, too.
    #[track_caller]
    #[must_use]
    pub fn second_path_to(mut self, other: &Self) -> Self {
        for nqn in other.nqns() {
            self.others.push(nqn.clone());
            self.push(nqn);
        }
        self
    }

    /// Has the discovery log page of this port name the discovery controller at `other`.
    #[track_caller]
    #[must_use]
    pub fn refer_to(self, other: &Self) -> Self {
        self.add_referral(other);
        self
    }

    /// As [`Self::refer_to`], later on: for ports that name each other.
    #[track_caller]
    pub fn add_referral(&self, other: &Self) {
        let Address {
            transport, trsvcid, ..
        } = &other.port.address;
        let name = format!("{transport}-{}-{trsvcid}", other.traddr());
        self.port.refer_to(&name, &other.port.address);
    }

    /// From now on this host may use a subsystem, and no other that was not allowed before.
    #[track_caller]
    pub fn allow(&self, nqn: &str, host: &AllowedHost) {
        subsystem::allow(nqn, host);
    }

    /// Takes a subsystem off the port and removes it. Its controllers lose it for good.
    #[track_caller]
    pub fn remove_subsystem(&mut self, nqn: &str) {
        let index = self.subsystems.iter().position(|it| it == nqn);
        self.subsystems
            .remove(index.or_fail(format_args!("find subsystem `{nqn}`")));
        self.port.unlink(nqn);
        subsystem::remove(nqn);
    }

    /// Takes the port down: every subsystem is unlinked, connections are cut, new ones refused.
    #[track_caller]
    pub fn disable(&mut self) {
        self.enabled = false;
        for nqn in &self.subsystems {
            self.port.unlink(nqn);
        }
    }

    /// Brings the port back as it was, all at once: it listens from its first subsystem on, and a host
    /// that asks for another one before that is there is told for good that there is none. The test
    /// machine has one processor, and nobody gets it in between.
    #[track_caller]
    pub fn enable(&mut self) {
        self.enabled = true;
        let (port, nqns) = (&self.port, &self.subsystems);
        let linked = thread::scope(|scope| {
            let all = scope.spawn(|| {
                go_first();
                nqns.iter().for_each(|nqn| port.link(nqn));
            });
            all.join().is_ok()
        });
        assert!(linked, "{} cannot be brought back", self.controller());
    }

    /// NQNs of the subsystems, in the order of their making.
    #[must_use]
    pub fn nqns(&self) -> &[String] {
        &self.subsystems
    }

    /// The port's address.
    #[must_use]
    pub fn traddr(&self) -> &str {
        &self.port.address.traddr
    }

    /// The port's service id.
    #[must_use]
    pub fn trsvcid(&self) -> &str {
        &self.port.address.trsvcid
    }

    /// The host's end of the link, where the transport needs it said (fc).
    #[must_use]
    pub fn host_traddr(&self) -> Option<&str> {
        self.port.address.host_traddr.as_deref()
    }

    /// Value of a `controller =` line that reaches this port.
    #[must_use]
    pub fn controller(&self) -> String {
        let fields = self.port.address.fields();
        let fields: Vec<String> = fields.iter().map(|(k, v)| format!("{k}={v}")).collect();
        fields.join(";")
    }

    /// Configuration of this port's discovery controller.
    #[must_use]
    pub fn as_discovery_controller(&self) -> String {
        format!(
            "[Discovery Controller]\ncontroller = {}\n",
            self.controller()
        )
    }

    /// Configuration of every subsystem of this port.
    #[must_use]
    pub fn as_subsystems(&self) -> String {
        let controller = self.controller();
        let section = |nqn| format!("[Subsystem]\nnqn = {nqn}\ncontroller = {controller}\n");
        self.subsystems.iter().map(section).collect()
    }

    /// Options of `nvme` and `nvmf` that lead to this port: `--transport=tcp`, `--traddr=…`.
    #[must_use]
    pub fn options(&self) -> Vec<String> {
        let fields = self.port.address.fields();
        fields.iter().map(|(k, v)| format!("--{k}={v}")).collect()
    }

    /// Arguments for `nvme connect` and `nvmf connect`.
    #[must_use]
    pub fn connect_arguments(&self, nqn: &str) -> Vec<String> {
        let mut arguments = vec!["connect".to_owned(), format!("--nqn={nqn}")];
        arguments.extend(self.options());
        arguments
    }

    #[track_caller]
    fn at(address: Address) -> Self {
        Self {
            port: Port::new(address),
            subsystems: Vec::new(),
            others: Vec::new(),
            enabled: true,
        }
    }

    #[track_caller]
    fn push(&mut self, nqn: &str) {
        self.subsystems.push(nqn.to_owned());
        if self.enabled {
            self.port.link(nqn);
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if thread::panicking() {
            // The world is to be printed as it is; it removes every target when it ends.
            return;
        }
        self.port.remove();
        for nqn in &self.subsystems {
            if !self.others.contains(nqn) {
                subsystem::remove(nqn);
            }
        }
    }
}

/// Removes all that any test left in the kernel's target.
pub fn remove_everything() {
    port::remove_all();
    subsystem::remove_all();
    host::remove_all();
    fc::remove_all();
    rdma::remove();
}

/// Loads modules.
#[track_caller]
fn load(modules: &[&str]) {
    let is_loaded = |module: &&str| {
        let name = module.replace('-', "_");
        std::path::Path::new("/sys/module").join(name).is_dir()
    };
    if modules.iter().all(is_loaded) {
        return;
    }
    let mut modprobe = Command::new("modprobe");
    let status = modprobe.arg("-a").args(modules).status();
    let status = status.or_fail("run modprobe");
    assert!(status.success(), "modprobe {modules:?}: {status}");
}
