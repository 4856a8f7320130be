//! Targets of the real kernel (nvmet), made through configfs.
//!
//! Every port also has a discovery controller: its log page lists the subsystems of that port. A
//! port listens only while at least one subsystem is linked to it.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::files::{OrFail, make_dir, names, put};

const NVMET: &str = "/sys/kernel/config/nvmet";
const BACKING: &str = "/run/nvmf-testkit";

/// One port with its subsystems. Removed, subsystems included, when dropped.
#[derive(Debug)]
pub struct Target {
    port: PathBuf,
    transport: &'static str,
    traddr: String,
    trsvcid: String,
    subsystems: Vec<String>,
    enabled: bool,
}

impl Target {
    /// A TCP port on an address of this machine (IPv4 or IPv6).
    #[track_caller]
    #[must_use]
    pub fn tcp(traddr: &str, trsvcid: u16) -> Self {
        Self::new("tcp", traddr, &trsvcid.to_string())
    }

    /// A loop port.
    #[track_caller]
    #[must_use]
    pub fn looped() -> Self {
        Self::new("loop", "", "")
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
        let dir = make_subsystem(nqn);
        let file = backing_file(nqn);
        make_dir(BACKING);
        let backing = fs::File::create(&file).or_fail("make a namespace's file");
        backing.set_len(64 << 20).or_fail("size a namespace's file");
        let namespace = dir.join("namespaces/1");
        make_dir(&namespace);
        put(
            namespace.join("device_path"),
            file.to_string_lossy().as_bytes(),
        );
        put(namespace.join("buffered_io"), "1");
        put(namespace.join("enable"), "1");
        self.push(nqn);
    }

    /// Makes a subsystem without a namespace that any host may use, and links it to the port.
    #[track_caller]
    pub fn add_empty_subsystem(&mut self, nqn: &str) {
        make_subsystem(nqn);
        self.push(nqn);
    }

    /// Takes a subsystem off the port and removes it. Its controllers lose it for good.
    #[track_caller]
    pub fn remove_subsystem(&mut self, nqn: &str) {
        let index = self.subsystems.iter().position(|it| it == nqn);
        self.subsystems
            .remove(index.or_fail(format_args!("find subsystem `{nqn}`")));
        self.unlink(nqn);
        remove_subsystem(nqn);
    }

    /// Takes the port down: every subsystem is unlinked, connections are cut, new ones refused.
    #[track_caller]
    pub fn disable(&mut self) {
        self.enabled = false;
        for nqn in &self.subsystems {
            self.unlink(nqn);
        }
    }

    /// Brings the port back as it was.
    #[track_caller]
    pub fn enable(&mut self) {
        self.enabled = true;
        for nqn in &self.subsystems {
            self.link(nqn);
        }
    }

    /// NQNs of the subsystems, in the order of their making.
    #[must_use]
    pub fn nqns(&self) -> &[String] {
        &self.subsystems
    }

    /// The port's address.
    #[must_use]
    pub fn traddr(&self) -> &str {
        &self.traddr
    }

    /// The port's service id.
    #[must_use]
    pub fn trsvcid(&self) -> &str {
        &self.trsvcid
    }

    /// Value of a `controller =` line that reaches this port.
    #[must_use]
    pub fn controller(&self) -> String {
        if self.transport == "loop" {
            return "transport=loop".to_owned();
        }
        let Self {
            transport,
            traddr,
            trsvcid,
            ..
        } = self;
        format!("transport={transport};traddr={traddr};trsvcid={trsvcid}")
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

    /// Arguments for `nvme connect` and `nvmf connect`.
    #[must_use]
    pub fn connect_arguments(&self, nqn: &str) -> Vec<String> {
        let Self {
            transport,
            traddr,
            trsvcid,
            ..
        } = self;
        let mut arguments = vec!["connect", "-t", transport, "-n", nqn];
        if *transport != "loop" {
            arguments.extend(["-a", traddr, "-s", trsvcid]);
        }
        arguments.into_iter().map(str::to_owned).collect()
    }

    #[track_caller]
    fn new(transport: &'static str, traddr: &str, trsvcid: &str) -> Self {
        load_modules();
        let port = free_port();
        put(port.join("addr_trtype"), transport);
        if transport == "loop" {
            put(port.join("addr_adrfam"), "loop");
        } else {
            put(
                port.join("addr_adrfam"),
                if traddr.contains(':') { "ipv6" } else { "ipv4" },
            );
            put(port.join("addr_traddr"), traddr);
            put(port.join("addr_trsvcid"), trsvcid);
        }
        Self {
            port,
            transport,
            traddr: traddr.to_owned(),
            trsvcid: trsvcid.to_owned(),
            subsystems: Vec::new(),
            enabled: true,
        }
    }

    #[track_caller]
    fn push(&mut self, nqn: &str) {
        self.subsystems.push(nqn.to_owned());
        if self.enabled {
            self.link(nqn);
        }
    }

    #[track_caller]
    fn link(&self, nqn: &str) {
        symlink(subsystem_dir(nqn), self.port.join("subsystems").join(nqn)).or_fail(format_args!(
            "link `{nqn}` to port {}:{}",
            self.traddr, self.trsvcid
        ));
    }

    fn unlink(&self, nqn: &str) {
        // It is not linked while the port is disabled.
        let _ = fs::remove_file(self.port.join("subsystems").join(nqn));
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if thread::panicking() {
            // The world is to be printed as it is; it removes every target when it ends.
            return;
        }
        remove_port(&self.port);
        for nqn in &self.subsystems {
            remove_subsystem(nqn);
        }
    }
}

/// Removes all that any test left in the kernel's target.
pub fn remove_everything() {
    for port in names(Path::new(NVMET).join("ports")) {
        remove_port(&Path::new(NVMET).join("ports").join(port));
    }
    for nqn in names(Path::new(NVMET).join("subsystems")) {
        remove_subsystem(&nqn);
    }
}

fn load_modules() {
    if Path::new(NVMET).is_dir() && Path::new("/sys/module/nvmet_tcp").is_dir() {
        return;
    }
    let modules = ["-a", "nvmet", "nvmet-tcp", "nvme-tcp", "nvme-loop"];
    let status = Command::new("modprobe")
        .args(modules)
        .status()
        .or_fail("run modprobe");
    assert!(status.success(), "modprobe {modules:?}: {status}");
}

#[track_caller]
fn make_subsystem(nqn: &str) -> PathBuf {
    let dir = subsystem_dir(nqn);
    make_dir(&dir);
    put(dir.join("attr_allow_any_host"), "1");
    dir
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

// What follows undoes, and what was undone before is no failure: errors are left to the next test,
// which cannot be built on what is still there.

fn remove_port(port: &Path) {
    for nqn in names(port.join("subsystems")) {
        let _ = fs::remove_file(port.join("subsystems").join(nqn));
    }
    for referral in names(port.join("referrals")) {
        let _ = fs::remove_dir(port.join("referrals").join(referral));
    }
    let _ = fs::remove_dir(port);
}

fn remove_subsystem(nqn: &str) {
    let dir = subsystem_dir(nqn);
    for namespace in names(dir.join("namespaces")) {
        let namespace = dir.join("namespaces").join(namespace);
        let _ = fs::write(namespace.join("enable"), "0");
        let _ = fs::remove_dir(namespace);
    }
    let _ = fs::remove_dir(dir);
    let _ = fs::remove_file(backing_file(nqn));
}

fn subsystem_dir(nqn: &str) -> PathBuf {
    Path::new(NVMET).join("subsystems").join(nqn)
}

fn backing_file(nqn: &str) -> PathBuf {
    Path::new(BACKING).join(nqn.replace('/', "_"))
}
