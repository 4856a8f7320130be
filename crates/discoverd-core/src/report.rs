//! The core's knowledge as a [`Status`].

use nvmf_types::config::Persistence;
use nvmf_types::{ControllerClass, TransportId};

use crate::connection::Connection;
use crate::core::{Core, Phase};
use crate::key::Key;
use crate::live::Known;
use crate::states::doing;
use crate::timers::Timer;
use crate::units::Unit;
use crate::{ConnectionStatus, Counts, State, Status, Timestamp, UnitState};

impl Core {
    /// What to show people.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        let mut connections: Vec<ConnectionStatus> = self
            .connections
            .iter()
            .map(|(key, connection)| self.connection_status(key, connection, now))
            .collect();
        let owner = Some(&self.settings.owner);
        let ours = self.live.iter().filter(|k| k.live.owner.as_ref() == owner);
        let left = ours.filter(|known| known.bound.is_empty());
        connections.extend(left.map(|known| left_status(known, now)));
        let mut counts = Counts {
            desired: connections.iter().filter(|c| !c.sources.is_empty()).count(),
            ..Counts::default()
        };
        for connection in &connections {
            counts.add(connection.state);
        }
        Status {
            connections,
            problems: self.problem_lines(),
            counts,
        }
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
            State::Retrying => self.timers.due(&Timer::Retry(key.clone())),
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
        let transient = self
            .desired
            .configured()
            .filter(|c| c.class == ControllerClass::Discovery && c.persistent == Persistence::No);
        lines.extend(transient.map(|c| {
            let origin = &c.origin;
            format!("{origin}: warning: `persistent = no` is not supported yet; it stays connected")
        }));
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
    let doing = doing(live.state);
    (status.state, status.reason) = if doing.is_empty() {
        let reason = "connected, desired by nobody: will not be reconnected";
        (State::Connected, reason.to_owned())
    } else {
        (
            State::Lost,
            format!("{} {doing}; desired by nobody", live.device),
        )
    };
    status.since_ms = known.since.0;
    status.for_ms = now.since_ms(known.since);
    status.unit = unit_state(&known.unit);
    status.owner = live.owner.as_ref().map(ToString::to_string);
    status.device = Some(live.device.to_string());
    status.sysfs_ino = Some(live.sysfs_ino);
    status
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
