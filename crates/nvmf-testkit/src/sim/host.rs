//! One host: its kernel, its registry, its files, its targets and the other tools on it.

use std::collections::{BTreeMap, BTreeSet};

use nvmf_types::config::{Config, Connection, Persistence};
use nvmf_types::{ControllerState, DeviceName, LiveController, Origin, Owner};

use super::kernel::{Kernel, Uevent};
use super::name::{self, FC, Name, Names};
use super::target::{self, Mode, Target};

/// What one registry entry says.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The incarnation that it is about; `None`: written by a tool that does not stamp.
    stamp: Option<u64>,
    owner: Owner,
}

/// The host.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) kernel: Kernel,
    registry: BTreeMap<DeviceName, Entry>,
    pub(super) targets: Vec<Target>,
    /// What the configuration on disk names.
    pub(super) configured: Names,
    /// What of that is not to stay connected.
    pub(super) visited: Names,
    /// The configuration on disk has an error.
    pub(super) config_broken: bool,
    /// What the boot tables name.
    pub(super) boot: Names,
    /// What mDNS names.
    pub(super) services: Names,
    /// What the Fibre Channel ports see.
    pub(super) fabric: Names,
    /// What the exclusion files on disk exclude.
    pub(super) excluded: Names,
    /// The registry cannot be written.
    pub(super) registry_broken: bool,
    /// systemd does not answer.
    pub(super) bus_broken: bool,
    /// The machine is shutting down.
    pub(super) shutting_down: bool,
    /// Units that are active: they outlive the daemon.
    pub(super) units: BTreeSet<(DeviceName, u64)>,
    /// Registry entries that changed since the daemon's watch was asked.
    pub(super) touched: Vec<DeviceName>,
}

impl Host {
    pub(super) fn new() -> Self {
        Self {
            kernel: Kernel::default(),
            registry: BTreeMap::new(),
            targets: target::targets(),
            configured: Names::default(),
            visited: Names::default(),
            config_broken: false,
            boot: Names::default(),
            services: Names::default(),
            fabric: Names::default(),
            excluded: Names::default(),
            registry_broken: false,
            bus_broken: false,
            shutting_down: false,
            units: BTreeSet::new(),
            touched: Vec::new(),
        }
    }

    pub(super) fn target(&mut self, name: Name) -> Option<&mut Target> {
        self.targets.get_mut(name.index())
    }

    pub(super) fn mode(&self, name: Name) -> Mode {
        let target = self.targets.get(name.index());
        let target = target.filter(|_| !FC.has(name) || self.fabric.has(name));
        target.map_or(Mode::Silent, |target| target.mode)
    }

    /// Who owns that controller by the registry. A stale entry with a stamp says nothing; one
    /// without lies until udev has removed it.
    pub(super) fn owner(&self, device: &DeviceName, ino: u64) -> Option<&Owner> {
        let entry = self.registry.get(device)?;
        let fits = entry.stamp.is_none_or(|stamp| stamp == ino);
        fits.then_some(&entry.owner)
    }

    pub(super) fn own(&mut self, device: &DeviceName, stamp: Option<u64>, owner: Owner) {
        self.registry.insert(device.clone(), Entry { stamp, owner });
        self.touched.push(device.clone());
    }

    pub(super) fn disown(&mut self, device: &DeviceName) {
        self.registry.remove(device);
        self.touched.push(device.clone());
    }

    /// udev sees one removal: the entry goes, unless it is a newer controller's.
    pub(super) fn reap(&mut self) {
        let Some((device, ino)) = self.kernel.udev.pop_front() else {
            return;
        };
        let entry = self.registry.get(&device);
        let newer = self.kernel.controllers.contains_key(&device);
        if entry.is_some_and(|entry| entry.stamp.map_or(!newer, |stamp| stamp == ino)) {
            self.disown(&device);
        }
    }

    /// What sysfs and the registry say of one device.
    pub(super) fn look(&self, device: &DeviceName) -> Option<LiveController> {
        let controller = self.kernel.controllers.get(device)?;
        let up = controller.ready && controller.state == ControllerState::Live;
        Some(LiveController {
            device: device.clone(),
            sysfs_ino: controller.ino,
            tid: controller.name.shown(),
            class: controller.ready.then(|| controller.name.class()),
            state: controller.state,
            src_addr: if up { "192.0.2.200".parse().ok() } else { None },
            cntlid: controller.ready.then_some(1),
            owner: self.owner(device, controller.ino).cloned(),
        })
    }

    pub(super) fn list(&self) -> Vec<LiveController> {
        let devices = self.kernel.controllers.keys();
        devices.filter_map(|device| self.look(device)).collect()
    }

    /// The configuration as it is read now.
    pub(super) fn config(&self) -> Result<Config, String> {
        if self.config_broken {
            return Err("nvme-fabrics.conf:1: error: bad".to_owned());
        }
        let connection = |(name, line): (Name, usize)| {
            let origin = Origin::new("nvme-fabrics.conf", line);
            let mut connection = Connection::new(name.wanted(), name.class(), origin);
            if self.visited.has(name) {
                connection.persistent = Persistence::No;
            }
            connection
        };
        Ok(Config {
            connections: self.configured.iter().zip(1..).map(connection).collect(),
            host: name::host(),
            ..Config::default()
        })
    }

    /// What the Fibre Channel ports see changes. Of what they see anew they tell; of a lost one
    /// nobody does.
    pub(super) fn set_fabric(&mut self, names: Names) {
        let new = names.minus(self.fabric);
        self.fabric = names;
        for name in new.iter().filter(|name| name.is_discovery()) {
            self.kernel.tell(Uevent::Fc(name));
        }
        for controller in self.kernel.controllers.values_mut() {
            let unseen = FC.has(controller.name) && !names.has(controller.name);
            if unseen && controller.ready {
                controller.state = ControllerState::Connecting;
            }
        }
    }

    /// The Fibre Channel ports tell of all discovery controllers that they see.
    pub(super) fn kick(&mut self) {
        for name in self.fabric.iter().filter(|name| name.is_discovery()) {
            self.kernel.tell(Uevent::Fc(name));
        }
    }

    /// A log page changes; its discovery controllers say so, once.
    pub(super) fn set_page(&mut self, name: Name, page: Names) {
        // what is behind Fibre Channel cannot be told without it
        let page = if FC.has(name) { page } else { page.minus(FC) };
        let Some(target) = self.target(name).filter(|target| target.page != page) else {
            return;
        };
        target.page = page;
        target.generation += 1;
        self.kernel.page_changed(name);
    }
}
