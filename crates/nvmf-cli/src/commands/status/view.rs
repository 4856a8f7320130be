//! What the status consists of: the daemon's JSON, as far as it is shown.

use std::collections::BTreeMap;
use std::str::FromStr;

use discoverd_core::ConnectionStatus;
use nvmf::Root;
use nvmf_types::{ControllerClass, ControllerState, DeviceName, Nqn, Traddr, TransportId};
use serde::{Deserialize, Serialize};

/// Everything. Keys that are missing are unset, keys that are not known are ignored, so that a
/// newer daemon can be shown.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct View {
    /// Who says so; `None`: no daemon.
    pub(crate) daemon: Option<Daemon>,
    pub(crate) connections: Vec<Row>,
    pub(crate) problems: Vec<String>,
    pub(crate) counts: BTreeMap<String, usize>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Daemon {
    version: String,
    pid: u32,
}

/// One connection.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Row {
    pub(crate) transport: String,
    pub(crate) traddr: Option<String>,
    pub(crate) trsvcid: Option<String>,
    pub(crate) nqn: String,
    pub(crate) host_traddr: Option<String>,
    pub(crate) host_iface: Option<String>,
    pub(crate) hostnqn: Option<String>,
    pub(crate) hostid: Option<String>,
    /// `io` or `discovery`.
    pub(crate) class: Option<String>,
    pub(crate) state: String,
    pub(crate) reason: String,
    pub(crate) for_ms: Option<u64>,
    pub(crate) owner: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) sysfs_ino: Option<u64>,
    pub(crate) sources: Vec<String>,
    pub(crate) last_error: Option<String>,
    pub(crate) next_retry_ms: Option<u64>,
    /// The unit that orders its disconnect at shutdown: `active`, `failed`, …
    pub(crate) unit: Option<String>,
    pub(crate) attempts: u32,
}

impl View {
    /// The same, so many milliseconds later, if nothing changed.
    pub(super) fn aged(mut self, ms: u64) -> Self {
        for row in &mut self.connections {
            row.for_ms = row.for_ms.map(|before| before.saturating_add(ms));
            row.next_retry_ms = row.next_retry_ms.map(|before| before.saturating_sub(ms));
        }
        self
    }
}

impl From<ConnectionStatus> for Row {
    fn from(status: ConnectionStatus) -> Self {
        let unit = status.unit.and_then(|unit| serde_json::to_value(unit).ok());
        Self {
            transport: status.transport,
            traddr: status.traddr,
            trsvcid: status.trsvcid,
            nqn: status.nqn,
            host_traddr: status.host_traddr,
            host_iface: status.host_iface,
            hostnqn: status.hostnqn,
            hostid: status.hostid,
            class: Some(status.class.to_string()),
            state: status.state.to_string(),
            reason: status.reason,
            for_ms: Some(status.for_ms),
            owner: status.owner,
            device: status.device,
            sysfs_ino: status.sysfs_ino,
            sources: status.sources,
            last_error: status.last_error,
            next_retry_ms: status.next_retry_ms,
            unit: unit.and_then(|unit| unit.as_str().map(str::to_owned)),
            attempts: status.attempts,
        }
    }
}

impl Row {
    /// What it is about; `None`: something that this version does not know.
    pub(crate) fn transport_id(&self) -> Option<TransportId> {
        let transport = self.transport.parse().ok()?;
        let address = |text: &Option<String>| match text {
            Some(text) => Traddr::parse(transport, text).ok().map(Some),
            None => Some(None),
        };
        let mut tid = TransportId::new(
            transport,
            address(&self.traddr)?,
            Nqn::reported(&self.nqn).ok()?,
        );
        tid.host_traddr = address(&self.host_traddr)?;
        tid.host_iface.clone_from(&self.host_iface);
        tid.trsvcid = parsed(self.trsvcid.as_ref())?;
        tid.hostid = parsed(self.hostid.as_ref())?;
        tid.hostnqn = match &self.hostnqn {
            Some(name) => Some(Nqn::reported(name).ok()?),
            None => None,
        };
        Some(tid)
    }

    /// Whether a person or the firmware asks for it, and not only a discovery log page or an
    /// announcement.
    pub(crate) fn is_configured(&self) -> bool {
        let others = [
            "discovery log page of ",
            "FC announcement of ",
            "mDNS service ",
        ];
        let named = |source: &String| others.iter().any(|it| source.starts_with(it));
        self.sources.iter().any(|source| !named(source))
    }

    /// Whether it is the same connection, however that is.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.class() == other.class()
            && self.transport == other.transport
            && self.nqn == other.nqn
            && [
                (&self.traddr, &other.traddr),
                (&self.trsvcid, &other.trsvcid),
                (&self.host_traddr, &other.host_traddr),
                (&self.host_iface, &other.host_iface),
                (&self.hostnqn, &other.hostnqn),
                (&self.hostid, &other.hostid),
            ]
            .iter()
            .all(|(one, other)| one == other)
    }

    /// Its class; where nobody says, the one that the name suggests.
    pub(crate) fn class(&self) -> ControllerClass {
        match self.class.as_deref() {
            Some("discovery") => ControllerClass::Discovery,
            Some("io") => ControllerClass::Io,
            _ if self.nqn == Nqn::DISCOVERY => ControllerClass::Discovery,
            _ => ControllerClass::Io,
        }
    }
}

/// Unset is fine, malformed is not.
fn parsed<T: FromStr>(text: Option<&String>) -> Option<Option<T>> {
    match text {
        Some(text) => text.parse().ok().map(Some),
        None => Some(None),
    }
}

/// What the kernel says of the row's controller at this moment: it tells nobody when a target is
/// lost, only sysfs shows it. `None`: no controller, or not that one any more.
pub(super) fn kernel_state(root: &Root, row: &Row) -> Option<ControllerState> {
    use std::os::unix::fs::MetadataExt;
    let device: DeviceName = row.device.as_deref()?.parse().ok()?;
    let path = root.sys().join("class/nvme").join(device.as_str());
    let word = std::fs::read_to_string(path.join("state")).ok()?;
    let ino = std::fs::metadata(&path).ok()?.ino();
    (row.sysfs_ino.is_none() || row.sysfs_ino == Some(ino))
        .then(|| ControllerState::from_sysfs(word.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    #[test]
    fn the_kernel_is_asked_about_this_very_controller() {
        let host = FakeHost::new();
        host.tcp("nvme3", "nqn.2014-08.org.example:a");
        host.attribute("nvme3", "state", "connecting\n");
        let state = |device: &str, sysfs_ino| {
            let device = Some(device.to_owned());
            let row = Row {
                device,
                sysfs_ino,
                ..Row::default()
            };
            kernel_state(&host.root(), &row)
        };
        assert_eq!(state("nvme3", None), Some(ControllerState::Connecting));
        assert_eq!(state("nvme3", Some(1)), None, "a successor");
        assert_eq!(state("nvme4", None), None);
        assert_eq!(state("../nvme3", None), None);
        assert_eq!(kernel_state(&host.root(), &Row::default()), None);
    }
    #[test]
    fn rows_are_connections() {
        let row = |json: &str| serde_json::from_str::<Row>(json).unwrap();
        let full = row(
            r#"{"transport":"tcp","traddr":"192.0.2.10","trsvcid":"8009","nqn":"testnqn","host-iface":"eth0",
                "host-traddr":"192.0.2.1","hostnqn":"h","hostid":"f81d4fae-7dec-11d0-a765-00a0c91e6bf6","class":"discovery"}"#,
        );
        assert_eq!(
            full.transport_id().unwrap().to_string(),
            "transport=tcp;traddr=192.0.2.10;trsvcid=8009;nqn=testnqn;host-traddr=192.0.2.1;\
             host-iface=eth0;hostnqn=h;hostid=f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
        );
        assert_eq!(full.class(), ControllerClass::Discovery);
        let least = row(r#"{"transport":"loop","nqn":"testnqn"}"#);
        let text = least.transport_id().unwrap().to_string();
        assert_eq!(text, "transport=loop;nqn=testnqn");
        assert_eq!(least.class(), ControllerClass::Io);
        for unknown in [
            "{}",
            r#"{"transport":"quic","nqn":"a"}"#,
            r#"{"transport":"tcp","nqn":"a","traddr":"x"}"#,
            r#"{"transport":"tcp","nqn":"a","trsvcid":"x"}"#,
        ] {
            assert_eq!(row(unknown).transport_id(), None, "{unknown}");
        }
    }
}
