//! The fake kernel: controllers under the lowest free number, and what it says about them.

use std::collections::{BTreeMap, VecDeque};

use nvmf_types::{ControllerState, DeviceName};

use super::name::Name;

/// What the daemon's socket holds; the rest is lost, and the kernel says so (ENOBUFS).
const SOCKET: usize = 24;

/// One controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Controller {
    /// Differs for every controller that ever was.
    pub(super) ino: u64,
    pub(super) name: Name,
    pub(super) state: ControllerState,
    /// False during the first connect: sysfs does not know yet what it is.
    pub(super) ready: bool,
    /// Our connector wrote it.
    pub(super) ours: bool,
    /// It said that its log page changed, and says no more before that was read.
    pub(super) told: bool,
}

/// What the kernel tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Uevent {
    /// Something happened to that device: look.
    Touched(DeviceName),
    /// That discovery controller's log page changed, or it is back.
    Discovery(DeviceName),
    /// A port of this host sees that discovery controller's.
    Fc(Name),
}

/// The kernel of one host.
#[derive(Debug, Default)]
pub(super) struct Kernel {
    pub(super) controllers: BTreeMap<DeviceName, Controller>,
    last_ino: u64,
    /// Events for the daemon.
    pub(super) events: VecDeque<Uevent>,
    /// Some were lost.
    pub(super) overflow: bool,
    /// Removals that udev has still to see.
    pub(super) udev: VecDeque<(DeviceName, u64)>,
}

impl Kernel {
    /// Makes a controller.
    pub(super) fn create(&mut self, name: Name, ready: bool, ours: bool) -> (DeviceName, u64) {
        let mut devices = (0..).map(DeviceName::from_number);
        let device = devices.find(|device| !self.controllers.contains_key(device));
        let device = device.unwrap_or_else(|| DeviceName::from_number(u32::MAX));
        self.last_ino += 1;
        let state = if ready {
            ControllerState::Live
        } else {
            ControllerState::New
        };
        let controller = Controller {
            ino: self.last_ino,
            name,
            state,
            ready,
            ours,
            told: false,
        };
        self.controllers.insert(device.clone(), controller);
        self.tell(Uevent::Touched(device.clone()));
        (device, self.last_ino)
    }

    /// Removes a controller.
    pub(super) fn remove(&mut self, device: &DeviceName) {
        if let Some(controller) = self.controllers.remove(device) {
            self.udev.push_back((device.clone(), controller.ino));
            self.tell(Uevent::Touched(device.clone()));
        }
    }

    /// Exactly that controller.
    pub(super) fn exact(&self, device: &DeviceName, ino: u64) -> Option<&Controller> {
        let controller = self.controllers.get(device);
        controller.filter(|controller| controller.ino == ino)
    }

    /// The controllers that are this connection.
    pub(super) fn of(&self, name: Name) -> impl Iterator<Item = (&DeviceName, &Controller)> {
        let all = self.controllers.iter();
        all.filter(move |(_, controller)| controller.name == name)
    }

    /// Any number names a controller, if there is one.
    pub(super) fn nth(&self, number: u16) -> Option<DeviceName> {
        let index = usize::from(number).checked_rem(self.controllers.len())?;
        self.controllers.keys().nth(index).cloned()
    }

    /// A first connect is done, or a lost target is back.
    pub(super) fn revive(&mut self, device: &DeviceName) {
        let Some(controller) = self.controllers.get_mut(device) else {
            return;
        };
        let back = controller.ready;
        controller.ready = true;
        controller.state = ControllerState::Live;
        if back && controller.name.is_discovery() {
            self.tell(Uevent::Discovery(device.clone()));
        }
        self.tell(Uevent::Touched(device.clone()));
    }

    /// A log page changed: each controller says so once until the page was read.
    pub(super) fn page_changed(&mut self, name: Name) {
        let mut devices = Vec::new();
        for (device, controller) in &mut self.controllers {
            let quiet = controller.name == name && !std::mem::replace(&mut controller.told, true);
            if quiet && controller.state == ControllerState::Live {
                devices.push(device.clone());
            }
        }
        for device in devices {
            self.tell(Uevent::Discovery(device));
        }
    }

    /// Puts an event into the daemon's socket.
    pub(super) fn tell(&mut self, event: Uevent) {
        if self.events.len() >= SOCKET {
            self.overflow = true;
        } else {
            self.events.push_back(event);
        }
    }
}
