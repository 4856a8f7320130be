//! What nvme-discoverd would work from, read without it, and the decisions that it would come to.

use std::path::Path;
use std::time::Duration;

use discoverd_core::{Core, Event, Settings, State, Timestamp};
use nvmf::exclusions::LoadedExclusions;
use nvmf::{Root, nbft, net, sysfs};
use nvmf_types::LiveController;
use nvmf_types::config::{Config, DaemonConfig};
use nvmf_types::nbft::{BootConnection, BootPlan};

/// Everything that the daemon reads before it decides for the first time.
#[derive(Debug)]
pub(crate) struct Host {
    /// What is to be connected; with mistakes: what is wrong, one line each.
    pub(crate) config: Result<Config, Vec<String>>,
    pub(crate) boot: Vec<BootConnection>,
    pub(crate) exclusions: LoadedExclusions,
    pub(crate) live: Vec<LiveController>,
    /// What could not be read, the configuration left aside.
    pub(crate) problems: Vec<String>,
}

/// How long that may take.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// The moment of the only look.
pub(crate) const NOW: Timestamp = Timestamp(0);

/// What a connection is, where the core would begin with it and nobody does: `there`, it has a
/// controller; `kept`, that would stay connected.
pub(crate) const fn not_begun(decided: State, there: bool, kept: bool) -> State {
    match decided {
        State::Starting if there => State::Foreign,
        State::Starting if !kept => State::Idle,
        State::Starting => State::Waiting,
        decided => decided,
    }
}

impl Host {
    /// Reads all of it; `config` in place of the host's own configuration. Host names are not
    /// looked up.
    pub(crate) fn read(root: &Root, config: Option<&Path>) -> Self {
        let mut problems = Vec::new();
        let config = nvmf::config::load(root, config)
            .map_err(|error| error.to_string().lines().map(str::to_owned).collect());
        let own = nvmf::config::load_daemon(root).map(|(own, _)| own);
        let own = own.unwrap_or_else(|error| {
            problems.extend(error.to_string().lines().map(str::to_owned));
            DaemonConfig::default()
        });
        let boot = match own.nbft {
            true => boot_connections(root, &mut problems),
            false => Vec::new(),
        };
        let live = sysfs::controllers(root).unwrap_or_else(|error| {
            problems.push(error.to_string());
            Vec::new()
        });
        Self {
            config,
            boot,
            exclusions: nvmf::exclusions::load(root),
            live,
            problems,
        }
    }

    /// Looks up the host names of the configuration, as the daemon does.
    pub(crate) fn resolve(&mut self) {
        if let Ok(config) = &mut self.config
            && !config.unresolved.is_empty()
        {
            let failed = nvmf::config::resolve(config, RESOLVE_TIMEOUT);
            self.problems.extend(failed);
        }
    }

    /// The daemon's own core, as if the daemon had just started: nothing that it wants done has
    /// been done yet.
    pub(crate) fn core(&self) -> Core {
        let mut core = Core::new(Settings::default());
        let config = match &self.config {
            Ok(config) => Event::ConfigLoaded(config.clone()),
            Err(problems) => Event::ConfigRejected(problems.join("\n")),
        };
        for event in [
            config,
            Event::BootTablesLoaded {
                connections: self.boot.clone(),
                problems: Vec::new(),
            },
            Event::ExclusionsLoaded {
                set: self.exclusions.set.clone(),
                problems: self.exclusions.problems.clone(),
            },
            Event::Listed {
                controllers: self.live.clone(),
                began: NOW,
            },
        ] {
            core.handle(event, NOW);
        }
        core
    }
}

/// What the firmware asks for, through its interfaces where the host has them.
fn boot_connections(root: &Root, problems: &mut Vec<String>) -> Vec<BootConnection> {
    let found = match nbft::load(root) {
        Ok(found) => found,
        Err(error) => {
            problems.push(error.to_string());
            return Vec::new();
        }
    };
    problems.extend(found.failed.iter().map(ToString::to_string));
    let through = |connection: BootConnection| {
        let interface = connection.interface.as_ref();
        // where it cannot be told the route decides
        match interface.and_then(|it| net::interface(root, it).ok().flatten()) {
            Some(name) => connection.through(&name),
            None => connection,
        }
    };
    let plan = BootPlan::new(&found.tables);
    plan.connections.into_iter().map(through).collect()
}
