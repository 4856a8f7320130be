//! The connections that an entry could hit: live ones, and those that are to be made.

use std::collections::BTreeSet;

use nvmf::Root;
use nvmf::sysfs;
use nvmf_types::exclusion::{Rule, RuleError};
use nvmf_types::{ControllerClass, DeviceName, HostIdentity, LiveController, TransportId};
use serde::Serialize;

use crate::commands::status;

/// What the kernel, and the daemon or else the configuration, know.
#[derive(Debug)]
pub(crate) struct Connections {
    live: Vec<LiveController>,
    desired: Vec<Desired>,
}

/// Somebody asks for it.
#[derive(Debug)]
struct Desired {
    tid: TransportId,
    class: ControllerClass,
    /// The controller that it is, if it is connected.
    device: Option<DeviceName>,
}

/// What entries are compared with.
pub(super) type Face = (TransportId, ControllerClass);

/// What one entry matches.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Hits {
    /// Controllers that are there.
    pub(super) live: Vec<DeviceName>,
    /// Connections that somebody asks for and that are not there.
    pub(super) desired: Vec<String>,
}

impl Connections {
    /// Those of this moment. What cannot be read is not there.
    pub(crate) fn of(root: &Root) -> Self {
        let host = host_identity(root);
        let rows = status::known(root).connections;
        let asked_for = rows.iter().filter(|row| !row.sources.is_empty());
        let desired = asked_for.filter_map(|row| {
            Some(Desired {
                tid: as_host(row.transport_id()?, &host),
                class: row.class(),
                device: row.device.as_deref().and_then(|name| name.parse().ok()),
            })
        });
        Self {
            desired: desired.collect(),
            live: sysfs::controllers(root).unwrap_or_default(),
        }
    }

    /// What `rule` excludes of them. A live controller counts whether the entry matches what it
    /// is, or what was asked for.
    pub(super) fn hits(&self, rule: &Rule) -> Hits {
        let mut hits = Hits::default();
        let matching = |d: &&Desired| rule.matches(&d.tid, d.class);
        let desired: Vec<&Desired> = self.desired.iter().filter(matching).collect();
        let devices: BTreeSet<_> = desired.iter().filter_map(|d| d.device.as_ref()).collect();
        for live in &self.live {
            if rule.matches(&live.tid, class_of(live)) || devices.contains(&live.device) {
                hits.live.push(live.device.clone());
            }
        }
        let missing = desired.iter().filter(|d| d.device.is_none());
        hits.desired = missing.map(|d| d.tid.to_string()).collect();
        hits
    }

    pub(super) fn live(&self, device: &DeviceName) -> Option<&LiveController> {
        self.live.iter().find(|live| live.device == *device)
    }

    /// What the controller `device` is, and what was asked for that it is; nothing if it is not
    /// there.
    pub(super) fn faces(&self, device: &DeviceName) -> Vec<Face> {
        let Some(live) = self.live(device) else {
            return Vec::new();
        };
        let desired = self.desired.iter();
        let desired = desired.filter(|d| d.device.as_ref() == Some(device));
        let mut faces = vec![(live.tid.clone(), class_of(live))];
        faces.extend(desired.map(|d| (d.tid.clone(), d.class)));
        faces
    }

    /// An entry that keeps `live` from being connected again: its transport, traddr, trsvcid, nqn,
    /// and the host's address and interface if they are pinned. What it is asked for by may leave
    /// some of these open, or call a discovery subsystem by its well-known name: such fields are
    /// left out, because an entry does not match what lacks them.
    ///
    /// # Errors
    /// A name that cannot be written.
    pub(crate) fn entry_for(&self, live: &LiveController) -> Result<Rule, RuleError> {
        let whole = Rule::of_connection(&live.tid)?;
        let desired = self.desired.iter();
        let desired = desired.filter(|d| d.device.as_ref() == Some(&live.device));
        let desired: Vec<&Desired> = desired.collect();
        Rule::from_fields(|key| {
            let value = whole.field(key)?;
            let alone = Rule::from_fields(|k| (k == key).then_some(value)).ok()?;
            let fits = |d: &&Desired| alone.matches(&d.tid, d.class);
            desired.iter().all(fits).then_some(value)
        })
    }
}

fn class_of(live: &LiveController) -> ControllerClass {
    live.class.unwrap_or_else(|| live.tid.class_by_nqn())
}

/// Who the host is where nothing else is said.
pub(super) fn host_identity(root: &Root) -> HostIdentity {
    nvmf::config::load(root, None)
        .map(|config| config.host)
        .or_else(|_| nvmf::config::host_identity(root))
        .unwrap_or_default()
}

/// With the identity that an unset one stands for, which is what exclusions are compared with.
pub(super) fn as_host(mut tid: TransportId, default: &HostIdentity) -> TransportId {
    if tid.hostnqn.is_none() {
        tid.hostid = tid.hostid.or(default.hostid);
        tid.hostnqn.clone_from(&default.hostnqn);
    }
    tid
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    const CONFIG: &str = "\
[Host]
hostnqn = nqn.2014-08.org.example:h
hostid = f81d4fae-7dec-11d0-a765-00a0c91e6bf6
[Discovery Controller]
controller = transport=tcp;traddr=192.0.2.10
[Subsystem]
nqn = nqn.2014-08.org.example:a
controller = transport=tcp;traddr=192.0.2.10
controller = transport=tcp;traddr=192.0.2.20
[Subsystem]
nqn = nqn.2014-08.org.example:b
controller = transport=tcp;traddr=192.0.2.10;host-iface=eth0
";

    fn host() -> FakeHost {
        let host = FakeHost::new();
        host.file("etc/nvme/nvme-fabrics.conf", CONFIG);
        host.dc("nvme0");
        host.tcp("nvme1", "nqn.2014-08.org.example:a");
        host.tcp("nvme2", "nqn.2014-08.org.example:b");
        let eth0 = "traddr=192.0.2.10,trsvcid=4420,host_iface=eth0,src_addr=192.0.2.1\n";
        host.attribute("nvme2", "address", eth0);
        host.tcp("nvme3", "nqn.2014-08.org.example:by-hand");
        host.attribute("nvme3", "address", eth0);
        host.pcie("nvme4");
        host
    }

    #[test]
    fn live_and_desired() {
        let connections = Connections::of(&host().root());
        let hits = |rule: &str| {
            let hits = connections.hits(&rule.parse().unwrap());
            let live: Vec<String> = hits.live.iter().map(ToString::to_string).collect();
            (live.join(" "), hits.desired.len())
        };
        for (rule, live, desired) in [
            ("transport=tcp", "nvme0 nvme1 nvme2 nvme3", 1),
            ("traddr=192.0.2.20", "", 1),
            ("nqn=nqn.2014-08.org.example:a", "nvme1", 1),
            ("trsvcid=8009", "nvme0", 0),
            ("host-iface=eth0", "nvme2 nvme3", 0),
            // sysfs of this host does not tell who it is: what was asked for does
            ("hostnqn=nqn.2014-08.org.example:h", "nvme0 nvme1 nvme2", 1),
            (
                "hostid=F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
                "nvme0 nvme1 nvme2",
                1,
            ),
            ("transport=rdma", "", 0),
        ] {
            assert_eq!(hits(rule), (live.to_owned(), desired), "{rule}");
        }
        let missing = connections
            .hits(&"traddr=192.0.2.20".parse().unwrap())
            .desired;
        assert!(missing[0].starts_with(
            "transport=tcp;traddr=192.0.2.20;trsvcid=4420;nqn=nqn.2014-08.org.example:a;"
        ));
    }

    #[test]
    fn an_unset_identity_is_the_default_one() {
        let default = HostIdentity {
            hostnqn: Some("nqn.2014-08.org.example:h".parse().unwrap()),
            hostid: Some("f81d4fae-7dec-11d0-a765-00a0c91e6bf6".parse().unwrap()),
        };
        let text = "transport=loop;nqn=nqn.2014-08.org.example:a";
        let completed = |more: &str| {
            let tid = format!("{text}{more}").parse().unwrap();
            as_host(tid, &default).to_string()
        };
        let name = ";hostnqn=nqn.2014-08.org.example:h";
        let id = ";hostid=f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
        let other = ";hostid=11111111-1111-1111-1111-111111111111";
        let persona = ";hostnqn=nqn.2014-08.org.example:p";
        assert_eq!(completed(""), format!("{text}{name}{id}"));
        assert_eq!(completed(other), format!("{text}{name}{other}"));
        assert_eq!(completed(persona), format!("{text}{persona}"));
    }

    #[test]
    fn the_entry_of_a_controller() {
        let host = host();
        let of = |device: &str| {
            let connections = Connections::of(&host.root());
            let live = connections.live(&device.parse().unwrap()).unwrap().clone();
            let rule = connections.entry_for(&live).unwrap();
            let hits = connections.hits(&rule).live;
            assert_eq!(crate::commands::join(&hits), device, "{rule}");
            rule.to_string()
        };
        let at = "transport=tcp;traddr=192.0.2.10";
        let nqn = "nqn=nqn.2014-08.org.example";
        assert_eq!(of("nvme1"), format!("{at};trsvcid=4420;{nqn}:a"));
        assert_eq!(
            of("nvme2"),
            format!("{at};trsvcid=4420;{nqn}:b;host-iface=eth0")
        );
        assert_eq!(
            of("nvme3"),
            format!("{at};trsvcid=4420;{nqn}:by-hand;host-iface=eth0")
        );
        // What the configuration leaves open must not be asked for by the entry.
        let eth1 = "traddr=192.0.2.10,trsvcid=4420,host_iface=eth1\n";
        host.attribute("nvme1", "address", eth1);
        assert_eq!(of("nvme1"), format!("{at};trsvcid=4420;{nqn}:a"));
        // A discovery controller that answers with a name of its own.
        host.attribute("nvme0", "subsysnqn", "nqn.2014-08.org.example:dc\n");
        assert_eq!(of("nvme0"), format!("{at};trsvcid=8009"));
    }
}
