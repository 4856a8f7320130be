//! One transient unit per controller of ours: it carries the shutdown order.

use nvmf_types::DeviceName;

use crate::backoff::Backoff;
use crate::core::{Core, Flight, Phase};
use crate::live::Incarnation;
use crate::outbox::Urgency;
use crate::timers::Timer;
use crate::{ActionId, ActionKind, Timestamp, UnitOutcome, UnitSpec};

/// The unit of one controller.
#[derive(Debug)]
pub(crate) enum Unit {
    /// None was asked for.
    None,
    /// Being started by that action, after so many failures.
    Starting(ActionId, Backoff),
    There,
    /// Not there, and why; another attempt is due.
    Failed(Backoff, String),
    /// The machine is shutting down.
    Refused,
}

impl Core {
    /// Starts the unit of a controller of ours that has none.
    pub(crate) fn start_unit(&mut self, device: &DeviceName) {
        if matches!(self.phase, Phase::Starting { .. } | Phase::Stopped) {
            return;
        }
        let owner = self.settings.owner.clone();
        let Some(known) = self.live.get_mut(device) else {
            return;
        };
        let backoff = match &known.unit {
            _ if known.live.owner.as_ref() != Some(&owner) => return,
            Unit::Starting(..) | Unit::There | Unit::Refused => return,
            // a second call must not overtake the timer
            Unit::Failed(..) if self.timers.due(&Timer::Unit(device.clone())).is_some() => return,
            Unit::Failed(backoff, _) => *backoff,
            Unit::None => Backoff::default(),
        };
        let tid = &known.live.tid;
        let spec = UnitSpec {
            device: device.clone(),
            sysfs_ino: known.live.sysfs_ino,
            owner,
            transport: tid.transport,
            description: format!("NVMe-oF controller {device} {}", tid.log_form()),
        };
        let flight = Flight::Unit(known.incarnation());
        let id = self.outbox.push(Urgency::Now, ActionKind::StartUnit(spec));
        known.unit = Unit::Starting(id, backoff);
        self.flights.insert(id, flight);
    }

    /// Takes in how the start of a unit went.
    pub(crate) fn unit_started(&mut self, id: ActionId, result: UnitOutcome, now: Timestamp) {
        let Some(Flight::Unit(at)) = self.flights.remove(&id) else {
            return;
        };
        let Some(known) = self.live.exact_mut(&at) else {
            return;
        };
        let mut backoff = match known.unit {
            Unit::Starting(awaited, backoff) if awaited == id => backoff,
            _ => return,
        };
        match result {
            UnitOutcome::Started | UnitOutcome::AlreadyThere => known.unit = Unit::There,
            UnitOutcome::Failed(message) => {
                let (initial, max) = (self.settings.retry_initial_ms, self.settings.retry_max_ms);
                let delay = backoff.next_delay_ms(initial, max, &mut self.jitter);
                known.unit = Unit::Failed(backoff, message);
                let timer = Timer::Unit(at.device);
                self.timers.set(timer, now.after_ms(delay));
            }
            UnitOutcome::Refused(_) => {
                known.unit = Unit::Refused;
                self.disconnect(at);
                self.shut_down(now);
            }
        }
    }

    /// Disconnects a controller, as long as it is ours.
    pub(crate) fn disconnect(&mut self, at: Incarnation) {
        let Incarnation { device, sysfs_ino } = at;
        let kind = ActionKind::Disconnect {
            device,
            sysfs_ino,
            owner: self.settings.owner.clone(),
        };
        self.outbox.push(Urgency::Now, kind);
    }

    /// Stops the unit of a controller that is gone.
    pub(crate) fn stop_unit(&mut self, at: &Incarnation, unit: &Unit) {
        self.timers.clear(&Timer::Unit(at.device.clone()));
        if !matches!(unit, Unit::None | Unit::Refused) {
            let Incarnation { device, sysfs_ino } = at.clone();
            let kind = ActionKind::StopUnit { device, sysfs_ino };
            self.outbox.push(Urgency::Now, kind);
        }
    }

    /// Connects nothing any more.
    fn shut_down(&mut self, now: Timestamp) {
        if self.phase == Phase::ShuttingDown {
            return;
        }
        self.phase = Phase::ShuttingDown;
        self.outbox.status_changed = true;
        for key in self.connections.keys() {
            self.decide(&key, now);
        }
    }
}
