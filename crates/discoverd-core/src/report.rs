//! The core's knowledge as a [`Status`].

use nvmf_types::{ControllerClass, DeviceName, TransportId};

use crate::connection::Connection;
use crate::core::{Core, Phase};
use crate::key::Key;
use crate::live::Known;
use crate::states::doing;
use crate::timers::Timer;
use crate::units::Unit;
use crate::{ConnectionStatus, Counts, State, Status, StatusChanges, Timestamp, UnitState};

/// Names a part of the status for as long as it is there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatusId(Shown);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shown {
    Connection(Key),
    /// A controller of ours that nothing desires.
    Left(DeviceName),
}

impl StatusId {
    /// Of the desired connection to `tid`.
    #[must_use]
    pub fn connection(class: ControllerClass, tid: TransportId) -> Self {
        Self(Shown::Connection(Key::new(class, tid)))
    }

    /// Of a controller of ours that nothing desires.
    #[must_use]
    pub const fn left(device: DeviceName) -> Self {
        Self(Shown::Left(device))
    }
}

impl Core {
    /// What to show people.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        let connections = self.connections.iter();
        let connections = connections.map(|(key, it)| self.connection_status(key, it, now));
        let left = self.live.iter().filter(|known| self.is_left(known));
        Status {
            connections: connections
                .chain(left.map(|known| left_status(known, now)))
                .collect(),
            problems: self.problem_lines(),
            counts: self.counts(),
        }
    }

    /// What of the status may be other than it was when this was asked last. The first time that is
    /// all of it. Costs what changed, and little for each connection.
    pub fn status_changes(&mut self, now: Timestamp) -> StatusChanges {
        let mut keys = std::mem::take(&mut self.connections.touched);
        let devices = std::mem::take(&mut self.live.touched);
        let known = devices.iter().filter_map(|device| self.live.get(device));
        keys.extend(known.flat_map(|known| known.bound.iter().cloned()));
        let connections = keys.into_iter().map(|key| {
            let connection = self.connections.get(&key);
            let status = connection.map(|it| self.connection_status(&key, it, now));
            (StatusId(Shown::Connection(key)), status)
        });
        let left = devices.into_iter().map(|device| {
            let known = self.live.get(&device).filter(|it| self.is_left(it));
            let status = known.map(|known| left_status(known, now));
            (StatusId::left(device), status)
        });
        StatusChanges {
            connections: connections.chain(left).collect(),
            problems: self.problem_lines(),
            counts: self.counts(),
        }
    }

    /// Whether a desired connection is kept when it is there, and not only visited (`persistent =
    /// no`).
    #[must_use]
    pub fn is_kept(&self, class: ControllerClass, tid: TransportId) -> bool {
        self.desired.is_kept(&Key::new(class, tid))
    }

    /// Whether it is ours, and nothing desires it.
    fn is_left(&self, known: &Known) -> bool {
        known.live.owner.as_ref() == Some(&self.settings.owner) && known.bound.is_empty()
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for (key, connection) in self.connections.iter() {
            counts.add(connection.life.state());
            counts.desired += usize::from(self.desired.contains(key));
        }
        for known in self.live.iter().filter(|known| self.is_left(known)) {
            counts.add(left_state(known));
        }
        counts
    }

    fn connection_status(
        &self,
        key: &Key,
        connection: &Connection,
        now: Timestamp,
    ) -> ConnectionStatus {
        let at = connection.life.controller();
        let known = at.and_then(|at| self.live.exact(at));
        let retry = match connection.life.state() {
            State::Retrying | State::Idle => self.timers.due(&Timer::Retry(key.clone())),
            _ => None,
        };
        let error = connection.last_error.as_ref();
        let mut status = blank(key.tid(), key.class());
        status.state = connection.life.state();
        status.reason.clone_from(&connection.reason);
        status.since_ms = connection.since.0;
        status.for_ms = now.since_ms(connection.since);
        status.owner = known.and_then(|k| k.live.owner.as_ref().map(ToString::to_string));
        status.device = at.map(|at| at.device.to_string());
        status.sysfs_ino = at.map(|at| at.sysfs_ino);
        let sources = self.desired.sources(key);
        status.sources = sources.iter().map(ToString::to_string).collect();
        status.last_error = error.or(connection.page.error.as_ref()).cloned();
        status.next_retry_ms = retry.map(|at| at.since_ms(now));
        status.retry_at_ms = retry.map(|at| at.0);
        status.unit = known.and_then(|known| unit_state(&known.unit));
        status.attempts = connection.attempts;
        status
    }

    fn problem_lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        if let Some(rejected) = &self.problems.config {
            lines.extend(rejected.lines().map(str::to_owned));
        }
        lines.extend(self.problems.config_warnings.iter().cloned());
        lines.extend(self.problems.boot.iter().cloned());
        lines.extend(self.exclusion_problems());
        for (key, connection) in self.connections.iter() {
            let page = key.tid().log_form();
            let problems = connection.page.problems.iter();
            lines.extend(problems.map(|p| format!("discovery log page of {page}: {p}")));
        }
        for known in self.live.iter() {
            if let Unit::Failed(_, message) = &known.unit {
                let device = &known.live.device;
                lines.push(format!(
                    "{device}: no unit, so nothing orders its disconnect at shutdown: {message}"
                ));
            }
        }
        if self.phase == Phase::ShuttingDown {
            lines.push("the machine is shutting down: nothing is connected any more".to_owned());
        }
        lines
    }
}

/// A controller of ours that nothing desires.
fn left_status(known: &Known, now: Timestamp) -> ConnectionStatus {
    let live = &known.live;
    let class = live.class.unwrap_or_else(|| live.tid.class_by_nqn());
    let mut status = blank(&live.tid, class);
    status.state = left_state(known);
    status.reason = match doing(live.state) {
        "" => "connected, desired by nobody: will not be reconnected".to_owned(),
        doing => format!("{} {doing}; desired by nobody", live.device),
    };
    status.since_ms = known.since.0;
    status.for_ms = now.since_ms(known.since);
    status.unit = unit_state(&known.unit);
    status.owner = live.owner.as_ref().map(ToString::to_string);
    status.device = Some(live.device.to_string());
    status.sysfs_ino = Some(live.sysfs_ino);
    status
}

const fn left_state(known: &Known) -> State {
    if doing(known.live.state).is_empty() {
        State::Connected
    } else {
        State::Lost
    }
}

const fn unit_state(unit: &Unit) -> Option<UnitState> {
    match unit {
        Unit::None => None,
        Unit::Starting(..) => Some(UnitState::Starting),
        Unit::There => Some(UnitState::Active),
        Unit::Failed(..) => Some(UnitState::Failed),
        Unit::Refused => Some(UnitState::Refused),
    }
}

fn blank(tid: &TransportId, class: ControllerClass) -> ConnectionStatus {
    ConnectionStatus {
        transport: tid.transport.to_string(),
        traddr: tid.field("traddr"),
        trsvcid: tid.field("trsvcid"),
        nqn: tid.nqn.to_string(),
        host_traddr: tid.field("host-traddr"),
        host_iface: tid.field("host-iface"),
        hostnqn: tid.field("hostnqn"),
        hostid: tid.field("hostid"),
        class,
        state: State::Waiting,
        reason: String::new(),
        since_ms: 0,
        for_ms: 0,
        owner: None,
        device: None,
        sysfs_ino: None,
        sources: Vec::new(),
        last_error: None,
        next_retry_ms: None,
        retry_at_ms: None,
        unit: None,
        attempts: 0,
    }
}
