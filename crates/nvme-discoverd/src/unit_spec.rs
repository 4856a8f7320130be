//! What a controller's transient unit looks like.
//!
//! It has no ExecStart and only carries the shutdown order: stopping it disconnects the
//! controller, and systemd stops it after the file systems of the network are unmounted and
//! before the network goes.
//!
//! | property | why |
//! | --- | --- |
//! | `Before=` and `Wants=remote-fs-pre.target` | mounts with `_netdev` are unmounted first; without the `Wants=` the target is not there and orders nothing |
//! | `After=network.target` | tcp and rdma: disconnected while the network still is up |
//! | `Before=nvme-discoverd.service` | the daemon stops first and connects nothing again |
//! | `Conflicts=` and `Before=shutdown.target`, no default dependencies | stopped at shutdown, but not tied to sysinit.target, which may itself wait for a mount that needs the controller |
//! | `RequiresMountsFor=` | the program of ExecStop stays reachable |
//! | `LogLevelMax=notice` | the daemon tells of connections: systemd need not tell of a start that does nothing |
//! | `SyslogLevel=notice` | what ExecStop says is told nevertheless |

use std::path::Path;

use discoverd_core::UnitSpec;
use nvmf_types::{DeviceName, Transport};
use zbus::Variant;

/// One property, as `StartTransientUnit` takes it.
pub(crate) type Property = (&'static str, Variant<'static>);

/// How long a disconnect may take until systemd goes on without it, in microseconds.
const STOP_TIMEOUT_USEC: u64 = 90_000_000;

/// Significant, as syslog(3) counts.
const NOTICE: i32 = 5;

/// `nvmf-<device>-<sysfs inode>.service`: one name for one incarnation.
pub(crate) fn name(device: &DeviceName, sysfs_ino: u64) -> String {
    format!("nvmf-{device}-{sysfs_ino}.service")
}

/// The unit's properties.
pub(crate) fn properties(spec: &UnitSpec, connector: &Path) -> Vec<Property> {
    let program = connector.display().to_string();
    let stop = vec![
        program.clone(),
        "disconnect".to_owned(),
        spec.device.to_string(),
        spec.sysfs_ino.to_string(),
        spec.owner.to_string(),
    ];
    let folder = connector.parent().unwrap_or(connector).display();
    let before = [
        "remote-fs-pre.target",
        "nvme-discoverd.service",
        "shutdown.target",
    ];
    let mut properties = vec![
        ("Description", Variant::new(spec.description.clone())),
        ("Type", Variant::new("oneshot")),
        ("RemainAfterExit", Variant::new(true)),
        ("ExecStop", Variant::new(vec![(program, stop, false)])),
        ("TimeoutStopUSec", Variant::new(STOP_TIMEOUT_USEC)),
        ("CollectMode", Variant::new("inactive-or-failed")),
        ("DefaultDependencies", Variant::new(false)),
        ("Conflicts", names(&["shutdown.target"])),
        ("Before", names(&before)),
        ("Wants", names(&["remote-fs-pre.target"])),
        ("RequiresMountsFor", Variant::new(vec![folder.to_string()])),
        ("LogLevelMax", Variant::new(NOTICE)),
        ("SyslogLevel", Variant::new(NOTICE)),
    ];
    if matches!(spec.transport, Transport::Tcp | Transport::Rdma) {
        properties.push(("After", names(&["network.target"])));
    }
    properties
}

fn names(units: &[&str]) -> Variant<'static> {
    Variant::new(units.iter().map(|u| (*u).to_owned()).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use nvmf_types::Owner;

    use super::*;

    fn of(transport: Transport) -> BTreeMap<&'static str, String> {
        let spec = UnitSpec {
            device: "nvme3".parse().unwrap(),
            sysfs_ino: 4711,
            owner: Owner::discoverd(),
            transport,
            description: "NVMe over Fabrics (tcp, 192.0.2.1)".into(),
        };
        properties(&spec, Path::new("/usr/libexec/nvmf/connector"))
            .into_iter()
            .map(|(name, value)| (name, value.to_string()))
            .collect()
    }

    #[test]
    fn exactly_this_controller_is_disconnected() {
        assert_eq!(
            of(Transport::Tcp)["ExecStop"],
            r#"[("/usr/libexec/nvmf/connector", ["/usr/libexec/nvmf/connector", "disconnect", "nvme3", "4711", "discoverd"], false)]"#
        );
        let name = name(&"nvme3".parse().unwrap(), 4711);
        assert_eq!(name, "nvmf-nvme3-4711.service");
    }

    #[test]
    fn the_shutdown_order() {
        let unit = of(Transport::Tcp);
        assert_eq!(unit["Wants"], r#"["remote-fs-pre.target"]"#);
        assert!(unit["Before"].contains("\"remote-fs-pre.target\""));
        assert!(unit["Before"].contains("\"shutdown.target\""));
        assert_eq!(unit["Conflicts"], r#"["shutdown.target"]"#);
        assert_eq!(unit["RequiresMountsFor"], r#"["/usr/libexec/nvmf"]"#);
    }

    #[test]
    fn only_ip_fabrics_need_the_network() {
        for (transport, after) in [
            (Transport::Tcp, true),
            (Transport::Rdma, true),
            (Transport::Fc, false),
            (Transport::Loop, false),
        ] {
            assert_eq!(of(transport).contains_key("After"), after, "{transport}");
        }
    }

    #[test]
    fn types_are_those_that_systemd_takes() {
        let spec = UnitSpec {
            device: "nvme3".parse().unwrap(),
            sysfs_ino: 1,
            owner: Owner::discoverd(),
            transport: Transport::Tcp,
            description: String::new(),
        };
        for (name, value) in properties(&spec, Path::new("/c")) {
            let expected = match name {
                "Description" | "Type" | "CollectMode" => "s",
                "RemainAfterExit" | "DefaultDependencies" => "b",
                "ExecStop" => "a(sasb)",
                "TimeoutStopUSec" => "t",
                "LogLevelMax" | "SyslogLevel" => "i",
                _ => "as",
            };
            assert_eq!(value.value_signature().to_string(), expected, "{name}");
        }
    }
}
