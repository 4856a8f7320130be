//! `nvmf list-subsys`

mod select;
#[cfg(test)]
mod tests;

use clap::Args;
use nvmf::Root;
use nvmf::sysfs::{self, Namespace, Path, Subsystem};
use nvmf_types::{ControllerClass, LiveController};
use serde::Serialize;

use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::output::{Output, clean};
use select::Selection;

/// List subsystems, the paths to them and who owns those
///
/// A path is a controller: its name, transport, address, state, the state of asymmetric namespace
/// access (ANA), and its owner.
#[derive(Debug, Args)]
#[command(
    after_help = "With -v local (PCIe) subsystems and the namespaces of each path are shown too."
)]
pub(crate) struct ListSubsys {
    /// Only this one: an NQN, or nvme-subsys0, nvme0, nvme0n1
    #[arg(value_name = "NQN|DEVICE")]
    what: Option<Selection>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What `-o json` shows of a host's identity. The keys are those of `nvme list-subsys -o json`.
#[derive(Debug, PartialEq, Serialize)]
struct Host {
    #[serde(rename = "HostNQN")]
    hostnqn: Option<String>,
    #[serde(rename = "HostID")]
    hostid: Option<String>,
    #[serde(rename = "Subsystems")]
    subsystems: Vec<SubsystemRow>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct SubsystemRow {
    name: String,
    #[serde(rename = "NQN")]
    nqn: String,
    #[serde(rename = "IOPolicy")]
    iopolicy: Option<String>,
    #[serde(rename = "Type")]
    kind: Option<String>,
    /// Ours: whether native multipathing is on.
    multipath: Option<bool>,
    paths: Vec<PathRow>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PathRow {
    name: String,
    transport: String,
    address: String,
    state: &'static str,
    /// Of all its namespaces, if it is the same.
    #[serde(rename = "ANAState")]
    ana_state: Option<String>,
    /// Ours, as the following ones.
    class: Option<ControllerClass>,
    owner: Option<String>,
    namespaces: Vec<NamespaceRow>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct NamespaceRow {
    name: String,
    path: Option<String>,
    #[serde(rename = "NSID")]
    nsid: Option<u32>,
    #[serde(rename = "ANAState")]
    ana_state: Option<String>,
}

impl ListSubsys {
    pub(crate) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let verbose = out.verbose();
        let mut subsystems = sysfs::subsystems(root)?;
        if let Some(what) = &self.what {
            what.retain(root, &mut subsystems)?;
        } else if !verbose {
            subsystems.retain(|subsystem| !is_local(subsystem));
        }
        if let (true, Some(what)) = (subsystems.is_empty(), &self.what) {
            let message = format!("there is no subsystem of `{what}`: see nvmf list-subsys -v");
            out.diagnostic(&format!("nvmf: list-subsys: {}", clean(&message)));
            return Ok(Outcome::Incomplete);
        }
        let multipath = sysfs::multipath(root);
        let mut hosts: Vec<Host> = Vec::new();
        for subsystem in subsystems {
            add(&mut hosts, subsystem, multipath);
        }
        out.result(&hosts, |hosts| render(hosts, verbose))?;
        Ok(Outcome::Done)
    }
}

/// Whether it is a drive of this host.
fn is_local(subsystem: &Subsystem) -> bool {
    let mut paths = subsystem.paths.iter();
    !subsystem.paths.is_empty() && paths.all(|path| path.controller.fabrics.is_none())
}

/// Adds a subsystem to the hosts that its paths connect as: usually one.
fn add(hosts: &mut Vec<Host>, subsystem: Subsystem, multipath: Option<bool>) {
    let mut by_host: Vec<(Identity, Vec<PathRow>)> = Vec::new();
    for path in subsystem.paths {
        let identity = identity(path.controller.fabrics.as_ref());
        let row = PathRow::new(path);
        match by_host.iter_mut().find(|(known, _)| *known == identity) {
            Some((_, rows)) => rows.push(row),
            None => by_host.push((identity, vec![row])),
        }
    }
    if by_host.is_empty() {
        by_host.push(((None, None), Vec::new()));
    }
    for ((hostnqn, hostid), paths) in by_host {
        let row = SubsystemRow {
            name: subsystem.name.to_string(),
            nqn: subsystem.nqn.clone(),
            iopolicy: subsystem.iopolicy.clone(),
            kind: subsystem.kind.clone(),
            multipath,
            paths,
        };
        let mut known = hosts.iter_mut();
        match known.find(|host| host.hostnqn == hostnqn && host.hostid == hostid) {
            Some(host) => host.subsystems.push(row),
            None => hosts.push(Host {
                hostnqn,
                hostid,
                subsystems: vec![row],
            }),
        }
    }
}

type Identity = (Option<String>, Option<String>);

fn identity(live: Option<&LiveController>) -> Identity {
    let field = |key| live.and_then(|live| live.tid.field(key));
    (field("hostnqn"), field("hostid"))
}

impl PathRow {
    fn new(path: Path) -> Self {
        let Path {
            controller,
            namespaces,
        } = path;
        let states: Vec<&String> = namespaces
            .iter()
            .filter_map(|n| n.ana_state.as_ref())
            .collect();
        let same = states.windows(2).all(|two| two.first() == two.last());
        let owner = controller.fabrics.as_ref().map(|live| live.owner.as_ref());
        Self {
            ana_state: states
                .first()
                .filter(|_| same)
                .map(|state| (*state).clone()),
            name: controller.device.to_string(),
            transport: controller.transport,
            state: controller.state.as_str(),
            class: controller.fabrics.as_ref().and_then(|live| live.class),
            owner: match owner {
                Some(owner) => owner.map(ToString::to_string),
                None => Some("kernel".to_owned()),
            },
            address: controller.address,
            namespaces: namespaces.into_iter().map(NamespaceRow::new).collect(),
        }
    }
}

impl NamespaceRow {
    fn new(namespace: Namespace) -> Self {
        Self {
            name: namespace.name,
            path: namespace.path,
            nsid: namespace.nsid,
            ana_state: namespace.ana_state,
        }
    }
}

/// The tree, as `nvme list-subsys` draws it.
fn render(hosts: &[Host], verbose: bool) -> String {
    let mut lines = Vec::new();
    let subsystems = hosts
        .iter()
        .flat_map(|host| host.subsystems.iter().map(move |s| (host, s)));
    for (host, subsystem) in subsystems {
        let SubsystemRow { name, nqn, .. } = subsystem;
        lines.push(format!("{name} - NQN={}", clean(nqn)));
        let below = " ".repeat(name.len());
        let mut detail = |key: &str, value: &Option<String>| {
            let value = value
                .as_ref()
                .map(|value| format!("{below}   {key}={}", clean(value)));
            lines.extend(value);
        };
        detail("hostnqn", &host.hostnqn);
        detail("iopolicy", &subsystem.iopolicy);
        let off = (subsystem.multipath == Some(false)).then(|| "off".to_owned());
        detail("multipath", &off);
        lines.push("\\".to_owned());
        for path in &subsystem.paths {
            lines.push(format!(" +- {}", path.line()));
            if verbose {
                lines.extend(
                    path.namespaces
                        .iter()
                        .map(|n| format!("     - {}", n.line())),
                );
            }
        }
    }
    lines.join("\n")
}

impl PathRow {
    /// `nvme1 tcp traddr=… live optimized owner=discoverd`
    fn line(&self) -> String {
        let mut words = vec![
            self.name.clone(),
            self.transport.clone(),
            clean(&self.address).into_owned(),
            self.state.to_owned(),
            self.ana_text(),
        ];
        words.extend(self.owner.as_ref().map(|owner| format!("owner={owner}")));
        words.retain(|word| !word.is_empty());
        words.join(" ")
    }

    /// The states that its namespaces have, each once.
    fn ana_text(&self) -> String {
        let mut states: Vec<&str> = Vec::new();
        for state in self
            .namespaces
            .iter()
            .filter_map(|n| n.ana_state.as_deref())
        {
            if !states.contains(&state) {
                states.push(state);
            }
        }
        states.join(",")
    }
}

impl NamespaceRow {
    /// `nvme1n1 through nvme1c2n1 optimized`
    fn line(&self) -> String {
        let path = self.path.as_ref().map(|path| format!("through {path}"));
        let words = [Some(self.name.clone()), path, self.ana_state.clone()];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}
