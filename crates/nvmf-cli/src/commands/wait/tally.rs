//! What of that which is to be connected is not.

use std::fmt;

use nvmf_types::{ControllerClass, ControllerState, LiveController, Nqn};
use serde::Serialize;

use crate::commands::list::address_text;
use crate::commands::offline::Host;
use crate::commands::status::{Row, View};

/// What is waited for.
#[derive(Debug)]
pub(super) enum What<'a> {
    /// What boot tables and the configuration name.
    Configured,
    /// All that something asks for.
    Desired,
    /// These, by whichever way.
    Subsystems(&'a [Nqn]),
}

/// How things are at one moment.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) daemon: bool,
    /// What the daemon says, or without it what `wanted` is.
    pub(super) view: View,
    /// What a daemon that starts now would want: one that runs may not have read it yet.
    pub(super) wanted: View,
    /// Connections whose host name has no address yet: the place in the files, and the name.
    pub(super) unresolved: Vec<(String, Missing)>,
    pub(super) live: Vec<LiveController>,
}

/// How far it is.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) awaited: usize,
    pub(super) missing: Vec<Missing>,
}

/// Something that is not connected. `Display`: for people, in a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Missing {
    pub(super) nqn: String,
    pub(super) transport: Option<String>,
    pub(super) traddr: Option<String>,
    pub(super) trsvcid: Option<String>,
    /// As in the status; `None`: nothing asks for it.
    pub(super) state: Option<String>,
    pub(super) reason: String,
}

/// The connections of the configuration whose host names were not looked up.
pub(super) fn unresolved(host: &Host) -> Vec<(String, Missing)> {
    let config = host.config.as_ref().ok();
    let all = config.into_iter().flat_map(|config| &config.unresolved);
    let one = |named: &nvmf_types::config::Unresolved| {
        let connection = named.without_address();
        let missing = Missing {
            nqn: connection.tid.nqn.to_string(),
            transport: Some(connection.tid.transport.to_string()),
            traddr: Some(named.name.to_string()),
            trsvcid: connection.tid.field("trsvcid"),
            state: Some("waiting".to_owned()),
            reason: "the host name has no address yet".to_owned(),
        };
        (connection.origin.to_string(), missing)
    };
    all.map(one).collect()
}

impl Tally {
    pub(super) fn of(seen: &Seen, what: &What<'_>) -> Self {
        let mut tally = Self::default();
        match what {
            What::Subsystems(nqns) => {
                for nqn in *nqns {
                    tally.subsystem(seen, nqn);
                }
            }
            What::Configured | What::Desired => tally.connections(seen, what),
        }
        tally
    }

    /// One way is enough.
    fn subsystem(&mut self, seen: &Seen, nqn: &Nqn) {
        self.awaited += 1;
        let mut there = seen.live.iter().filter(|live| live.tid.nqn == *nqn);
        if there.any(|live| live.state == ControllerState::Live) {
            return;
        }
        let rows = seen.view.connections.iter().chain(&seen.wanted.connections);
        let mut rows = rows.filter(|row| row.nqn == nqn.as_str());
        let missing = rows.next().map_or_else(
            || Missing {
                nqn: nqn.to_string(),
                reason: "nothing asks for it".to_owned(),
                ..Missing::default()
            },
            Missing::from,
        );
        self.missing.push(missing);
    }

    fn connections(&mut self, seen: &Seen, what: &What<'_>) {
        let meant = |row: &&Row| match what {
            What::Desired => !row.sources.is_empty(),
            _ => row.is_configured(),
        };
        let known = &seen.view.connections;
        let is_absent = |row: &&Row| is_excluded(row) || row.state == "idle";
        for row in known.iter().filter(meant).filter(|row| !is_absent(row)) {
            self.awaited += 1;
            let mut missing = Missing::from(row);
            if !is_live(row, &seen.live) {
                self.missing.push(missing);
            } else if matches!(what, What::Desired) && seen.daemon && is_unread(row) {
                missing
                    .reason
                    .push_str("; its discovery log page is not read yet");
                self.missing.push(missing);
            }
        }
        let wanted = seen.wanted.connections.iter();
        let wanted = wanted.filter(|row| row.is_configured() && !is_excluded(row));
        for row in wanted.filter(|row| !known.iter().any(|it| it.is_same(row))) {
            self.awaited += 1;
            self.missing.push(Missing {
                reason: "nvme-discoverd has not read it yet; if it stays so: `nvmf reload`"
                    .to_owned(),
                ..Missing::from(row)
            });
        }
        let asked_for = |place: &String| known.iter().any(|row| row.sources.contains(place));
        for (_, missing) in seen.unresolved.iter().filter(|(it, _)| !asked_for(it)) {
            self.awaited += 1;
            self.missing.push(missing.clone());
        }
    }
}

/// It is not made on purpose. One that is connected all the same counts as the others.
fn is_excluded(row: &Row) -> bool {
    row.state == "excluded"
}

/// By the kernel, which knows first; whoever owns it.
fn is_live(row: &Row, live: &[LiveController]) -> bool {
    let is_it = |it: &&LiveController| {
        row.device.as_deref() == Some(it.device.as_str())
            && row.sysfs_ino.is_none_or(|ino| ino == it.sysfs_ino)
    };
    live.iter()
        .find(is_it)
        .is_some_and(|it| it.state == ControllerState::Live)
}

/// Whether a discovery controller of the daemon's may have more to name.
fn is_unread(row: &Row) -> bool {
    row.class() == ControllerClass::Discovery
        && row.state == "connected"
        && !row.reason.contains("log page names")
}

impl From<&Row> for Missing {
    fn from(row: &Row) -> Self {
        let mut reason = row.reason.clone();
        let error = row.last_error.as_deref().unwrap_or_default();
        if !reason.contains(error) {
            reason = format!("{reason}: {error}");
        }
        Self {
            nqn: row.nqn.clone(),
            transport: Some(row.transport.clone()),
            traddr: row.traddr.clone(),
            trsvcid: row.trsvcid.clone(),
            state: Some(row.state.clone()),
            reason,
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.nqn)?;
        if let Some(transport) = &self.transport {
            let address = address_text(self.traddr.as_deref(), self.trsvcid.as_deref());
            write!(f, " ({transport}")?;
            if !address.is_empty() {
                write!(f, " {address}")?;
            }
            f.write_str(")")?;
        }
        if let Some(state) = &self.state {
            write!(f, ": {state}")?;
        }
        write!(f, ": {}", self.reason)
    }
}
