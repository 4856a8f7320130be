//! The status without the daemon, from the kernel, the registry and the configuration.

use std::collections::BTreeSet;

use nvmf::Root;
use nvmf::sysfs;
use nvmf_types::config::{Config, Connection};
use nvmf_types::exclusion::ExclusionSet;
use nvmf_types::{ControllerState, DeviceName, LiveController, Owner, TransportId};

use super::super::ownership;
use super::view::{Row, View};

/// What can be said without the daemon. What cannot be read is a problem and no more.
pub(super) fn view(root: &Root) -> View {
    let mut problems = Vec::new();
    let config = nvmf::config::load(root, None).unwrap_or_else(|error| {
        problems.extend(error.to_string().lines().map(str::to_owned));
        Config::default()
    });
    problems.extend(config.warnings.iter().map(ToString::to_string));
    let unresolved = config.unresolved.iter();
    problems.extend(unresolved.map(|named| format!("{named} is not looked up here")));
    let live = sysfs::controllers(root).unwrap_or_else(|error| {
        problems.push(error.to_string());
        Vec::new()
    });
    let exclusions = nvmf::exclusions::load(root);
    problems.extend(exclusions.problems);

    let mut seen: BTreeSet<&DeviceName> = BTreeSet::new();
    let mut connections = Vec::new();
    for connection in &config.connections {
        let is_it = |l: &&LiveController| {
            connection
                .tid
                .is_satisfied_by(connection.class, l, &config.host)
        };
        let controller = live.iter().find(is_it);
        seen.extend(controller.map(|l| &l.device));
        connections.push(desired(connection, controller, &exclusions.set));
    }
    let others = live.iter().filter(|l| !seen.contains(&l.device));
    connections.extend(others.map(not_configured));
    View {
        counts: counts(&connections),
        daemon: None,
        connections,
        problems,
    }
}

fn desired(
    connection: &Connection,
    controller: Option<&LiveController>,
    exclusions: &ExclusionSet,
) -> Row {
    let excluded = exclusions.matches(&connection.tid, connection.class);
    let mut row = match (controller, excluded) {
        (Some(live), Some(entry)) => Row {
            reason: format!(
                "connected, excluded: will not be reconnected ({})",
                entry.source
            ),
            ..connected(&connection.tid, live)
        },
        (Some(live), None) => connected(&connection.tid, live),
        (None, Some(entry)) => Row {
            state: "excluded".to_owned(),
            reason: format!("excluded by {}", entry.source),
            ..named(&connection.tid)
        },
        (None, None) => Row {
            state: "waiting".to_owned(),
            reason: "nvme-discoverd is not running".to_owned(),
            ..named(&connection.tid)
        },
    };
    row.class = Some(connection.class.to_string());
    row.sources = vec![connection.origin.to_string()];
    row
}

fn not_configured(live: &LiveController) -> Row {
    Row {
        reason: format!(
            "{}; no configuration asks for it, a discovery log page may",
            ownership(live.owner.as_ref())
        ),
        ..connected(&live.tid, live)
    }
}

/// `tid` as the controller `live`.
fn connected(tid: &TransportId, live: &LiveController) -> Row {
    let ours = [Owner::discoverd(), Owner::nbft()];
    let state = match &live.owner {
        Some(owner) if ours.contains(owner) && live.state == ControllerState::Live => "connected",
        Some(owner) if ours.contains(owner) => "lost",
        _ => "foreign",
    };
    Row {
        class: live.class.map(|c| c.to_string()),
        state: state.to_owned(),
        reason: ownership(live.owner.as_ref()),
        owner: live.owner.as_ref().map(ToString::to_string),
        device: Some(live.device.to_string()),
        sysfs_ino: Some(live.sysfs_ino),
        ..named(tid)
    }
}

fn named(tid: &TransportId) -> Row {
    Row {
        transport: tid.transport.to_string(),
        traddr: tid.field("traddr"),
        trsvcid: tid.field("trsvcid"),
        nqn: tid.nqn.to_string(),
        host_traddr: tid.field("host-traddr"),
        host_iface: tid.field("host-iface"),
        hostnqn: tid.field("hostnqn"),
        hostid: tid.field("hostid"),
        ..Row::default()
    }
}

/// The same keys as the daemon's.
fn counts(rows: &[Row]) -> std::collections::BTreeMap<String, usize> {
    let count = |state: &str| rows.iter().filter(|row| row.state == state).count();
    let desired = rows.iter().filter(|row| !row.sources.is_empty()).count();
    let states = [
        "waiting",
        "starting",
        "connected",
        "lost",
        "retrying",
        "excluded",
        "foreign",
    ];
    let counted = states.into_iter().map(|state| (state, count(state)));
    counted
        .chain([("desired", desired)])
        .map(|(key, count)| (key.to_owned(), count))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    #[test]
    fn three_sources_one_table() {
        let host = FakeHost::new();
        let nqn = |name: &str| format!("nqn.2014-08.org.example:{name}");
        let section = |name: &str| {
            let controller = "controller = transport=tcp;traddr=192.0.2.10;trsvcid=4420";
            format!("[Subsystem]\nnqn = {}\n{controller}\n", nqn(name))
        };
        let all = ["ours", "theirs", "missing", "unwanted"]
            .map(section)
            .concat();
        host.file("etc/nvme/nvme-fabrics.conf", &all);
        host.file(
            "etc/nvme/exclusions.conf",
            &format!("[exclusions]\nexclusion = nqn={}\n", nqn("unwanted")),
        );
        host.tcp("nvme1", &nqn("ours"));
        host.own("nvme1", "discoverd");
        host.tcp("nvme2", &nqn("theirs"));
        host.own("nvme2", "stas");
        host.tcp("nvme3", &nqn("by-hand"));

        let view = view(&host.root());
        assert_eq!(view.problems, [""; 0]);
        let rows: Vec<_> = view
            .connections
            .iter()
            .map(|r| {
                (
                    r.nqn.rsplit(':').next().unwrap(),
                    r.state.as_str(),
                    r.device.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            rows,
            [
                ("ours", "connected", Some("nvme1")),
                ("theirs", "foreign", Some("nvme2")),
                ("missing", "waiting", None),
                ("unwanted", "excluded", None),
                ("by-hand", "foreign", Some("nvme3")),
            ]
        );
        assert!(view.connections[3].reason.ends_with("exclusions.conf:2"));
        assert!(view.connections[0].sources[0].ends_with("nvme-fabrics.conf:3"));
        assert_eq!((view.counts["desired"], view.counts["foreign"]), (4, 2));
        let json = serde_json::to_value(&view).unwrap();
        assert!(json["daemon"].is_null());
        assert!(json["connections"][0]["sysfs-ino"].is_u64());
    }

    #[test]
    fn a_bad_configuration_is_a_problem_and_no_more() {
        let host = FakeHost::new();
        host.tcp("nvme3", "nqn.2014-08.org.example:a");
        host.file("etc/nvme/nvme-fabrics.conf", "junk\n");
        let view = view(&host.root());
        assert_eq!(view.connections.len(), 1);
        assert!(
            view.problems[0].contains("nvme-fabrics.conf:1:1: error"),
            "{:?}",
            view.problems
        );
    }
}
