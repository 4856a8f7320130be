//! What the status consists of: the daemon's JSON, as far as it is shown.

use std::collections::BTreeMap;

use nvmf::Root;
use nvmf_types::{ControllerState, DeviceName};
use serde::{Deserialize, Serialize};

/// Everything. Keys that are missing are unset, keys that are not known are ignored, so that a
/// newer daemon can be shown.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct View {
    /// Who says so; `None`: no daemon.
    pub(super) daemon: Option<Daemon>,
    pub(super) connections: Vec<Row>,
    pub(super) problems: Vec<String>,
    pub(super) counts: BTreeMap<String, usize>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Daemon {
    version: String,
    pid: u32,
}

/// One connection.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Row {
    pub(super) transport: String,
    pub(super) traddr: Option<String>,
    pub(super) trsvcid: Option<String>,
    pub(super) nqn: String,
    pub(super) host_traddr: Option<String>,
    pub(super) host_iface: Option<String>,
    pub(super) hostnqn: Option<String>,
    pub(super) hostid: Option<String>,
    /// `io` or `discovery`.
    pub(super) class: Option<String>,
    pub(super) state: String,
    pub(super) reason: String,
    pub(super) for_ms: Option<u64>,
    pub(super) owner: Option<String>,
    pub(super) device: Option<String>,
    pub(super) sysfs_ino: Option<u64>,
    pub(super) sources: Vec<String>,
    pub(super) last_error: Option<String>,
    pub(super) next_retry_ms: Option<u64>,
    pub(super) attempts: u32,
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
}
