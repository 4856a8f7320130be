//! The status as others see it.

use std::collections::BTreeSet;

use discoverd_core::{Change, Counts, State, Status};
use serde_json::{Value, json};
use tracing::{debug, info, warn};

use crate::unit_spec;

/// The core's status as JSON, with what the shell itself knows: `problems` of its own and
/// `"daemon": {"version", "pid"}`.
pub(crate) fn json(status: &Status, problems: &[String]) -> String {
    let mut value = serde_json::to_value(status).unwrap_or_else(|_| json!({}));
    if let Value::Object(object) = &mut value {
        let all = object.entry("problems").or_insert_with(|| json!([]));
        if let Value::Array(all) = all {
            all.extend(problems.iter().cloned().map(Value::String));
        }
        let version = env!("CARGO_PKG_VERSION");
        object.insert(
            "daemon".to_owned(),
            json!({ "version": version, "pid": std::process::id() }),
        );
    }
    value.to_string()
}

/// The line for `systemctl status`.
pub(crate) fn line(counts: &Counts, problems: usize) -> String {
    match problems {
        0 => counts.to_string(),
        1 => format!("{counts}; 1 problem"),
        _ => format!("{counts}; {problems} problems"),
    }
}

/// One line in the log for one change of state, with fields for who searches (docs/daemon.md).
pub(crate) fn log(change: &Change) {
    let unit = change.device.as_ref().zip(change.sysfs_ino);
    let unit = unit.map(|(device, ino)| unit_spec::name(device, ino));
    macro_rules! log {
        ($level:ident) => {
            $level!(
                MESSAGE_ID = message_id(change.state),
                NVME_DEVICE = change.device.as_ref().map(tracing::field::display),
                NVME_NQN = %change.tid.nqn,
                NVME_TRADDR = change.tid.traddr.as_ref().map(tracing::field::display),
                NVME_STATE = change.state.as_str(),
                OWNER = change.owner.as_ref().map(tracing::field::display),
                UNIT = unit,
                "{change}"
            )
        };
    }
    match change.state {
        State::Retrying | State::Lost | State::GaveUp => log!(warn),
        State::Starting | State::Waiting => log!(debug),
        _ => log!(info),
    }
}

/// What `journalctl MESSAGE_ID=…` finds a kind of change by.
const fn message_id(state: State) -> &'static str {
    match state {
        State::Waiting => "6a0a3f1be9c34d7c9f5e1d0c8b7a1f01",
        State::Starting => "6a0a3f1be9c34d7c9f5e1d0c8b7a1f02",
        State::Connected => "6a0a3f1be9c34d7c9f5e1d0c8b7a1f03",
        State::Lost => "6a0a3f1be9c34d7c9f5e1d0c8b7a1f04",
        State::Retrying => "6a0a3f1be9c34d7c9f5e1d0c8b7a1f05",
        State::Excluded => "6a0a3f1be9c34d7c9f5e1d0c8b7a1f06",
        State::Foreign => "6a0a3f1be9c34d7c9f5e1d0c8b7a1f07",
        State::GaveUp => "6a0a3f1be9c34d7c9f5e1d0c8b7a1f08",
        State::Idle => "6a0a3f1be9c34d7c9f5e1d0c8b7a1f09",
    }
}

/// The log of one read of the exclusion files: what is wrong is told when it is new, and when it
/// is over.
pub(crate) fn exclusions(entries: usize, before: &[String], now: &[String]) {
    match entries {
        1 => info!("exclusions read: 1 entry"),
        _ => info!("exclusions read: {entries} entries"),
    }
    let (before, now): (BTreeSet<_>, BTreeSet<_>) = (before.iter().collect(), now.iter().collect());
    for problem in now.difference(&before) {
        warn!("{problem}");
    }
    for problem in before.difference(&now) {
        info!("over: {problem}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_adds_what_it_knows() {
        let status = Status {
            problems: vec!["from the core".into()],
            ..Status::default()
        };
        let ours = ["from the shell".to_owned()];
        let value: Value = serde_json::from_str(&json(&status, &ours)).unwrap();
        assert_eq!(
            value["problems"],
            json!(["from the core", "from the shell"])
        );
        assert_eq!(value["daemon"]["pid"], std::process::id());
        assert_eq!(value["connections"], json!([]));
        assert!(line(&status.counts, 2).ends_with("; 2 problems"));
    }
}
