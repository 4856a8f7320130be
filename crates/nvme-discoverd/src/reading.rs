//! What files and firmware say, read as a whole.

use discoverd_core::Event;
use nvmf::exclusions::LoadedExclusions;
use nvmf::{Root, config, exclusions, nbft, net};
use nvmf_types::config::{Config, DaemonConfig};
use nvmf_types::nbft::{BootConnection, BootPlan, NotConnected};

/// Everything that a reload reads. Blocking.
#[derive(Debug)]
pub(crate) struct Reading {
    /// How the daemon behaves, and warnings.
    pub(crate) own: Result<(DaemonConfig, Vec<String>), String>,
    /// What is to be connected; host names are still names.
    pub(crate) connections: Result<Config, String>,
    /// What the firmware asks for.
    pub(crate) boot: Boot,
    /// What is not to be connected.
    pub(crate) exclusions: LoadedExclusions,
}

/// What the boot tables say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Boot {
    /// The connections, through their interfaces where the host has these.
    pub(crate) connections: Vec<BootConnection>,
    /// Tables that could not be read.
    pub(crate) problems: Vec<String>,
    /// Entries that are left out, and why.
    pub(crate) notes: Vec<String>,
}

impl Reading {
    /// Reads everything. `nbft`: whether boot tables count, if the daemon's own files do not say
    /// it because something is wrong with them.
    pub(crate) fn take(root: &Root, nbft: bool) -> Self {
        let own = match config::load_daemon(root) {
            Ok((config, warnings)) => Ok((config, lines(&warnings))),
            Err(error) => Err(error.to_string()),
        };
        let nbft = own.as_ref().map_or(nbft, |(config, _)| config.nbft);
        Self {
            own,
            connections: config::load(root, None).map_err(|error| error.to_string()),
            boot: if nbft {
                Boot::take(root)
            } else {
                Boot::default()
            },
            exclusions: exclusions::load(root),
        }
    }

    /// What of it cannot be used, one problem a line.
    pub(crate) fn wrong(&self) -> Option<String> {
        let all = [self.own.as_ref().err(), self.connections.as_ref().err()];
        let all: Vec<&str> = all.into_iter().flatten().map(String::as_str).collect();
        (!all.is_empty()).then(|| all.join("\n"))
    }
}

impl Boot {
    /// Reads the tables and finds their interfaces. Blocking.
    pub(crate) fn take(root: &Root) -> Self {
        let found = match nbft::load(root) {
            Ok(found) => found,
            Err(error) => {
                return Self {
                    problems: vec![error.to_string()],
                    ..Self::default()
                };
            }
        };
        let plan = BootPlan::new(&found.tables);
        let through = |connection: BootConnection| {
            let interface = connection.interface.as_ref();
            // where it cannot be told the route decides
            match interface.and_then(|it| net::interface(root, it).ok().flatten()) {
                Some(name) => connection.through(&name),
                None => connection,
            }
        };
        Self {
            connections: plan.connections.into_iter().map(through).collect(),
            problems: lines(&found.failed),
            notes: plan
                .not_connected
                .iter()
                .filter_map(NotConnected::note)
                .collect(),
        }
    }

    /// For the core.
    pub(crate) fn event(self) -> Event {
        Event::BootTablesLoaded {
            connections: self.connections,
            problems: self.problems,
        }
    }
}

fn lines(all: &[impl ToString]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}
