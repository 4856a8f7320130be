//! Subsystems and the paths to them (Linux `drivers/nvme/host/core.c`, `nvme_init_subsystem`).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use nvmf_types::DeviceName;
use thiserror::Error;

use super::listing::names;
use super::{ControllerInfo, Namespace, SysfsError, all, namespaces};
use crate::{Root, fs};

/// A subsystem that this host is connected to, or has in it. Every discovery controller has one of
/// its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subsystem {
    /// The kernel's name for it.
    pub name: SubsystemName,
    /// Its NQN.
    pub nqn: String,
    /// How the kernel spreads I/O over the paths (`numa`, `round-robin`, `queue-depth`); `None`: it
    /// cannot.
    pub iopolicy: Option<String>,
    /// `nvm` or `discovery`; `None` before Linux 5.16.
    pub kind: Option<String>,
    /// Its controllers, in the order of their numbers.
    pub paths: Vec<Path>,
}

/// A controller of a subsystem and what is reached through it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The controller.
    pub controller: ControllerInfo,
    /// The namespaces.
    pub namespaces: Vec<Namespace>,
}

/// The kernel's name for a subsystem: `nvme-subsys3`. Orders by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubsystemName(u32);

/// Not such a name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{}` is not a subsystem: expected nvme-subsysN", .0.escape_debug())]
pub struct SubsystemNameError(pub String);

impl FromStr for SubsystemName {
    type Err = SubsystemNameError;

    fn from_str(text: &str) -> Result<Self, SubsystemNameError> {
        let name = text.strip_prefix("/dev/").unwrap_or(text);
        let number = name.strip_prefix("nvme-subsys");
        let number = number.and_then(|n| n.parse().ok().map(Self));
        // one number has one name
        let exact = number.filter(|number| number.to_string() == name);
        exact.ok_or_else(|| SubsystemNameError(text.to_owned()))
    }
}

impl fmt::Display for SubsystemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nvme-subsys{}", self.0)
    }
}

/// All subsystems, in the order of their numbers.
///
/// # Errors
/// sysfs or the registry cannot be read; what vanishes meanwhile is left out.
pub fn subsystems(root: &Root) -> Result<Vec<Subsystem>, SysfsError> {
    let controllers = all(root)?.into_iter();
    let mut controllers: BTreeMap<DeviceName, ControllerInfo> = controllers
        .map(|info| (info.device.clone(), info))
        .collect();
    let class = root.sys().join("class/nvme-subsystem");
    let mut subsystems: Vec<SubsystemName> =
        names(&class)?.filter_map(|n| n.parse().ok()).collect();
    subsystems.sort();
    let mut found = Vec::with_capacity(subsystems.len());
    for name in subsystems {
        let folder = class.join(name.to_string());
        let mut devices: Vec<DeviceName> = names(&folder)?.filter_map(|e| e.parse().ok()).collect();
        devices.sort();
        let mut paths = Vec::new();
        for controller in devices
            .iter()
            .filter_map(|device| controllers.remove(device))
        {
            let namespaces = namespaces(root, &controller.device)?;
            paths.push(Path {
                controller,
                namespaces,
            });
        }
        let attribute = |name| text(&folder.join(name));
        let Some(nqn) = attribute("subsysnqn") else {
            continue;
        };
        found.push(Subsystem {
            name,
            nqn,
            iopolicy: attribute("iopolicy"),
            kind: attribute("subsystype"),
            paths,
        });
    }
    Ok(found)
}

/// Whether native multipathing is on: then all paths to a namespace share one disk. `None`: the
/// kernel cannot do it, or the driver is not loaded.
#[must_use]
pub fn multipath(root: &Root) -> Option<bool> {
    let parameter = root.sys().join("module/nvme_core/parameters/multipath");
    text(&parameter).map(|text| text == "Y")
}

/// An attribute without white space around it; `None`: there is none.
fn text(path: &std::path::Path) -> Option<String> {
    let content = fs::read(path).ok()?;
    Some(String::from_utf8_lossy(&content).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    const A: &str = "nqn.2014-08.org.example:a";

    #[test]
    fn names() {
        for (text, name) in [
            ("nvme-subsys0", Some("nvme-subsys0")),
            ("/dev/nvme-subsys12", Some("nvme-subsys12")),
            ("nvme-subsys", None),
            ("nvme-subsys01", None),
            ("nvme-subsys+1", None),
            ("nvme0", None),
        ] {
            let parsed = text.parse::<SubsystemName>().ok();
            assert_eq!(parsed.map(|n| n.to_string()).as_deref(), name, "{text}");
        }
    }

    #[test]
    fn paths_in_order() {
        let host = FakeHost::new();
        for device in ["nvme2", "nvme10", "nvme3"] {
            host.tcp(device, A);
        }
        host.pcie("nvme0");
        host.subsystem("nvme-subsys10", A, &["nvme10", "nvme2"]);
        host.subsystem("nvme-subsys3", A, &["nvme3", "nvme11"]);
        host.attribute("nvme2", "nvme10c2n1/ana_state", "optimized\n");
        let found = subsystems(&host.root()).unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|s| {
                let devices: Vec<_> = s
                    .paths
                    .iter()
                    .map(|p| p.controller.device.as_str())
                    .collect();
                (s.name.to_string(), devices)
            })
            .collect();
        // nvme11 is going, nvme0 has no subsystem yet
        assert_eq!(
            shown,
            [
                ("nvme-subsys3".to_owned(), vec!["nvme3"]),
                ("nvme-subsys10".to_owned(), vec!["nvme2", "nvme10"]),
            ]
        );
        assert_eq!(found[1].nqn, A);
        assert_eq!(found[1].iopolicy.as_deref(), Some("numa"));
        assert_eq!(found[1].kind, None);
        let namespace = &found[1].paths[0].namespaces[0];
        assert_eq!(namespace.ana_state.as_deref(), Some("optimized"));
    }

    #[test]
    fn no_driver() {
        let host = FakeHost::new();
        assert_eq!(subsystems(&host.root()).unwrap(), []);
        assert_eq!(multipath(&host.root()), None);
        let parameters = host.path("sys/module/nvme_core/parameters");
        std::fs::create_dir_all(&parameters).unwrap();
        for (text, on) in [("Y\n", true), ("N\n", false)] {
            std::fs::write(parameters.join("multipath"), text).unwrap();
            assert_eq!(multipath(&host.root()), Some(on));
        }
    }
}
