//! The status without the daemon: what it would come to if it started now, as far as that can be
//! known from the kernel, the registry, the configuration, the boot tables and the exclusions.

use std::collections::BTreeSet;

use discoverd_core::{ConnectionStatus, Core, State};
use nvmf::Root;
use nvmf_types::{ControllerState, LiveController, Owner};

use super::super::offline::{Host, NOW, not_begun};
use super::super::ownership;
use super::view::{Row, View};

/// What can be said without the daemon. What cannot be read is a problem and no more.
pub(super) fn view(root: &Root) -> View {
    of(&Host::read(root, None))
}

/// What can be said of what was read.
pub(crate) fn of(host: &Host) -> View {
    let core = host.core();
    let status = core.status(NOW);
    let mut problems = status.problems;
    if let Ok(config) = &host.config {
        let unresolved = config.unresolved.iter();
        problems.extend(unresolved.map(|named| format!("{named} is not looked up here")));
    }
    problems.extend(host.problems.iter().cloned());
    let decided = status.connections.into_iter();
    let mut connections: Vec<Row> = decided.map(|it| as_it_is(it, host, &core)).collect();
    let seen: BTreeSet<&str> = connections
        .iter()
        .filter_map(|row| row.device.as_deref())
        .collect();
    let others = host.live.iter();
    let others = others.filter(|live| !seen.contains(live.device.as_str()));
    let others: Vec<Row> = others.map(not_desired).collect();
    connections.extend(others);
    View {
        counts: counts(&connections),
        daemon: None,
        connections,
        problems,
    }
}

/// What the daemon would begin with is not begun by anybody.
fn as_it_is(decided: ConnectionStatus, host: &Host, core: &Core) -> Row {
    let (class, begun) = (decided.class, decided.state);
    let mut row = Row::from(decided);
    let there = row.device.as_deref();
    let mut live = host.live.iter();
    let there = there.and_then(|device| live.find(|it| it.device.as_str() == device));
    if let Some(live) = there.filter(|_| row.sources.is_empty()) {
        return not_desired(live);
    }
    let kept = row
        .transport_id()
        .is_none_or(|tid| core.is_kept(class, tid));
    let state = not_begun(begun, there.is_some(), kept);
    if state != begun {
        row.state = state.to_string();
        row.reason = match state {
            State::Foreign => "unowned; nvme-discoverd claims it when it starts",
            State::Idle => "not kept connected (`persistent = no`)",
            _ => "nvme-discoverd is not running",
        }
        .to_owned();
    }
    row.for_ms = None;
    row.attempts = 0;
    row
}

/// A controller of which no more is known than that it is there.
fn not_desired(live: &LiveController) -> Row {
    let ours = [Owner::discoverd(), Owner::nbft()];
    let state = match &live.owner {
        Some(owner) if ours.contains(owner) && live.state == ControllerState::Live => {
            State::Connected
        }
        Some(owner) if ours.contains(owner) => State::Lost,
        _ => State::Foreign,
    };
    Row {
        transport: live.tid.transport.to_string(),
        traddr: live.tid.field("traddr"),
        trsvcid: live.tid.field("trsvcid"),
        nqn: live.tid.nqn.to_string(),
        host_traddr: live.tid.field("host-traddr"),
        host_iface: live.tid.field("host-iface"),
        hostnqn: live.tid.field("hostnqn"),
        hostid: live.tid.field("hostid"),
        class: live.class.map(|class| class.to_string()),
        state: state.to_string(),
        reason: format!(
            "{}; no configuration asks for it, a discovery log page may",
            ownership(live.owner.as_ref())
        ),
        owner: live.owner.as_ref().map(ToString::to_string),
        device: Some(live.device.to_string()),
        sysfs_ino: Some(live.sysfs_ino),
        ..Row::default()
    }
}

/// The same keys as the daemon's.
fn counts(rows: &[Row]) -> std::collections::BTreeMap<String, usize> {
    let count = |state: &str| rows.iter().filter(|row| row.state == state).count();
    let desired = rows.iter().filter(|row| !row.sources.is_empty()).count();
    let states = [
        State::Waiting,
        State::Starting,
        State::Connected,
        State::Lost,
        State::Retrying,
        State::Excluded,
        State::Foreign,
        State::Idle,
        State::GaveUp,
    ];
    let counted = states.map(|state| (state.to_string(), count(state.as_str())));
    let desired = ("desired".to_owned(), desired);
    counted.into_iter().chain([desired]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    const STATIC_IPV4: &[u8] =
        include_bytes!("../../../../nvmf-types/tests/data/nbft/NBFT-static-ipv4");

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
        let dc = "[Discovery Controller]\npersistent = no\nnqn = nqn.2014-08.org.example:dc\n\
                  controller = transport=tcp;traddr=192.0.2.9\n";
        host.file("etc/nvme/nvme-fabrics.conf", &(all + dc));
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
                ("dc", "idle", None),
                ("missing", "waiting", None),
                ("ours", "connected", Some("nvme1")),
                ("theirs", "foreign", Some("nvme2")),
                ("unwanted", "excluded", None),
                ("by-hand", "foreign", Some("nvme3")),
            ]
        );
        assert!(view.connections[4].reason.ends_with("exclusions.conf:2"));
        assert_eq!(view.connections[1].reason, "nvme-discoverd is not running");
        assert!(view.connections[2].sources[0].ends_with("nvme-fabrics.conf:3"));
        assert_eq!((view.counts["desired"], view.counts["foreign"]), (5, 2));
        let json = serde_json::to_value(&view).unwrap();
        assert!(json["daemon"].is_null());
        assert!(json["connections"][2]["sysfs-ino"].is_u64());
    }

    #[test]
    fn what_would_be_claimed_is_nobodys_yet() {
        let host = FakeHost::new();
        let section = "[Subsystem]\nnqn = nqn.2014-08.org.example:a\n\
                       controller = transport=tcp;traddr=192.0.2.10;trsvcid=4420\n";
        host.file("etc/nvme/nvme-fabrics.conf", section);
        host.tcp("nvme1", "nqn.2014-08.org.example:a");
        let [row] = view(&host.root()).connections.try_into().unwrap();
        assert_eq!((&*row.state, row.owner), ("foreign", None));
        assert!(row.reason.contains("claims it when it starts"));
    }

    /// Whose entries say what is desired, and that `nbft`'s are no strangers.
    #[test]
    fn boot_tables_count() {
        let host = FakeHost::new();
        host.boot_table("NBFT", STATIC_IPV4);
        let [waiting] = view(&host.root()).connections.try_into().unwrap();
        assert_eq!(waiting.state, "waiting");
        assert!(waiting.sources[0].starts_with("boot table NBFT entry SSNS"));
        host.file("etc/nvme/nvme-discoverd.conf", "[Global]\nnbft = false\n");
        assert!(view(&host.root()).connections.is_empty());
        host.file("etc/nvme/nvme-discoverd.conf", "");
        host.tcp("nvme0", &waiting.nqn);
        let [to, from] = [waiting.traddr, waiting.host_traddr].map(Option::unwrap);
        let address = format!("traddr={to},trsvcid=4420,src_addr={from}");
        host.attribute("nvme0", "address", &address);
        host.attribute("nvme0", "hostnqn", &waiting.hostnqn.unwrap());
        host.attribute("nvme0", "hostid", &waiting.hostid.unwrap());
        host.own("nvme0", "nbft");
        let [row] = view(&host.root()).connections.try_into().unwrap();
        assert_eq!(
            (&*row.state, row.device.as_deref(), row.owner.as_deref()),
            ("connected", Some("nvme0"), Some("nbft"))
        );
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
