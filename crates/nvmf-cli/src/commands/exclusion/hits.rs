//! What a new entry means for the controllers that are there.

use nvmf::Root;
use nvmf_types::exclusion::Rule;
use nvmf_types::{DeviceName, Owner};
use serde::Serialize;

use super::{Connections, root_disk};
use crate::commands::join;
use crate::output::Output;

/// A controller that an entry matches: it stays connected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Hit {
    pub(crate) device: DeviceName,
    pub(crate) owner: Option<Owner>,
    /// Whether the root file system stands on it.
    pub(crate) root_file_system: bool,
}

/// The controllers that any of `rules` matches, in the order of their numbers.
pub(crate) fn hits(root: &Root, connections: &Connections, rules: &[Rule]) -> Vec<Hit> {
    let live = rules.iter().flat_map(|rule| connections.hits(rule).live);
    let mut devices: Vec<DeviceName> = live.collect();
    devices.sort();
    devices.dedup();
    if devices.is_empty() {
        return Vec::new();
    }
    let below_root = root_disk::controllers(root);
    let hit = |device: DeviceName| Hit {
        root_file_system: below_root.contains(&device),
        owner: connections.live(&device).and_then(|l| l.owner.clone()),
        device,
    };
    devices.into_iter().map(hit).collect()
}

/// Says what a person might not have thought of.
pub(crate) fn warn(out: &mut Output, command: &str, hits: &[Hit]) {
    let mut others = Vec::new();
    for hit in hits {
        let why = match (hit.root_file_system, hit.owner == Some(Owner::nbft())) {
            (true, true) => "carries the root file system and is owned by nbft",
            (true, false) => "carries the root file system",
            (false, true) => "is owned by nbft: the firmware's boot table names it",
            (false, false) => {
                others.push(hit.device.clone());
                continue;
            }
        };
        let device = &hit.device;
        out.diagnostic(&format!(
            "nvmf: {command}: warning: {device} {why}; it stays connected, but will not be reconnected"
        ));
    }
    let stay = if others.len() == 1 { "stays" } else { "stay" };
    if !others.is_empty() {
        let names = join(&others);
        out.diagnostic(&format!(
            "nvmf: {command}: {names} {stay} connected, but will not be reconnected"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::testing::FakeHost;

    #[test]
    fn boot_disks_are_named_one_by_one() {
        let host = FakeHost::new();
        for (number, owner) in [
            (1, "nbft"),
            (2, "discoverd"),
            (3, "nbft"),
            (4, ""),
            (10, ""),
        ] {
            let device = format!("nvme{number}");
            host.tcp(&device, "nqn.2014-08.org.example:a");
            if !owner.is_empty() {
                host.own(&device, owner);
            }
        }
        host.namespace("nvme1n1", &["nvme1", "nvme2"]);
        host.root_on("nvme1n1");
        let connections = Connections::of(&host.root());
        let rules = ["transport=tcp", "traddr=192.0.2.10"].map(|text| text.parse().unwrap());
        let found = hits(&host.root(), &connections, &rules);
        let mut out = Output::captured(Format::Normal, false);
        warn(&mut out, "exclusion add", &found);
        let prefix = "nvmf: exclusion add:";
        let end = "it stays connected, but will not be reconnected";
        assert_eq!(
            out.stderr().lines().collect::<Vec<_>>(),
            [
                format!(
                    "{prefix} warning: nvme1 carries the root file system and is owned by nbft; {end}"
                ),
                format!("{prefix} warning: nvme2 carries the root file system; {end}"),
                format!(
                    "{prefix} warning: nvme3 is owned by nbft: the firmware's boot table names it; {end}"
                ),
                format!("{prefix} nvme4, nvme10 stay connected, but will not be reconnected"),
            ]
        );
        let nothing = hits(
            &host.root(),
            &connections,
            &["transport=fc".parse().unwrap()],
        );
        let mut out = Output::captured(Format::Normal, false);
        warn(&mut out, "exclusion add", &nothing);
        assert_eq!((nothing.len(), out.stderr()), (0, ""));
    }
}
