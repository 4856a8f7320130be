//! From nothing to a running daemon.

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;

use anyhow::Context;
use discoverd_core::{Core, Settings};
use nvmf::Root;
use nvmf::net::Changes;
use nvmf::uevent::Socket;
use nvmf_connector::protocol::SOCKET;
use nvmf_types::Owner;
use nvmf_types::config::DaemonConfig;
use tokio::sync::mpsc;
use tracing::{error, info};
use zbus::connection::Builder;

use crate::connector_client::Connector;
use crate::daemon::{Daemon, Parts};
use crate::exclusion_watch::{self, Watch};
use crate::logging::Level;
use crate::mdns::Mdns;
use crate::metrics::{Metrics, Served};
use crate::units::Units;
use crate::workers::Workers;
use crate::{bus, logging, mounts, network, ownership, signals, uevents};

/// Where the daemon works.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The prefix of all files.
    pub(crate) root: Root,
    /// The program that units run to disconnect.
    pub(crate) connector: PathBuf,
}

/// How to behave until everything is read, and the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Own {
    pub(crate) config: DaemonConfig,
    pub(crate) level: Level,
}

/// Reads `nvme-discoverd.conf` and starts the log. What is wrong with the file is told when
/// everything is read; until then the defaults hold.
pub(crate) fn settings(root: &Root) -> Own {
    let config = nvmf::config::load_daemon(root).map_or_else(|_| DaemonConfig::default(), |c| c.0);
    let level = logging::start(config.debug_level);
    Own { config, level }
}

/// Opens all sources, then runs until told to stop. Uevents are subscribed to before anything is
/// read, so that nothing falls between the two.
///
/// # Errors
/// Something is missing without which there is no working at all.
pub(crate) async fn run(place: Place, own: Own) -> anyhow::Result<()> {
    run_on(Builder::system(), place, own).await
}

async fn run_on(bus: Builder<'_>, place: Place, own: Own) -> anyhow::Result<()> {
    let (inputs, inbox) = mpsc::unbounded_channel();
    let mut problems = Vec::new();
    signals::forward(inputs.clone()).context("cannot handle signals")?;
    let socket = Socket::open().context("cannot subscribe to the kernel's uevents")?;
    uevents::forward(socket, inputs.clone()).context("cannot await uevents")?;
    let changes = Changes::open().context("cannot hear of changes of the network")?;
    network::forward(changes, inputs.clone()).context("cannot await changes of the network")?;
    ownership::forward(&place.root, inputs.clone()).context("cannot start a thread")?;
    let watched =
        Watch::start(&place.root).and_then(|watch| exclusion_watch::forward(watch, inputs.clone()));
    if let Err(error) = &watched {
        let problem = format!(
            "cannot watch the exclusion files: {error}; have changes noticed with \
             `systemctl reload nvme-discoverd`"
        );
        error!("{problem}");
        problems.push(problem);
    }
    let (bus, show) = bus::connect(bus, inputs.clone()).await?;
    let units = Units::connect(&bus, &place.connector, inputs.clone())
        .await
        .context("systemd does not answer on the system bus")?;
    let mounts = mounts::forward(place.root.clone(), bus.clone(), inputs.clone());
    if let Err(error) = &mounts {
        error!("cannot follow the mounts: what is mounted without `_netdev` is not told: {error}");
    }
    let metrics = Metrics::new();
    let served = Served::start(&place.root, &metrics, inputs.clone());
    let socket = place.root.run().join(SOCKET);
    info!("nvme-discoverd {} starts", env!("CARGO_PKG_VERSION"));
    let parts = Parts {
        core: Core::new(Settings {
            // hosts that lost the same target must not all come back at one moment
            seed: RandomState::new().hash_one(std::process::id()),
            ..core_settings(&own.config)
        }),
        workers: Workers::new(place.root.clone(), inputs.clone()),
        connector: Connector::start(socket, inputs.clone()),
        units,
        show,
        metrics,
        served,
        mounts: mounts.unwrap_or_default(),
        mdns: Mdns::new(bus, inputs.clone()),
        watch: watched.unwrap_or_default(),
        root: place.root,
        own: own.config,
        level: own.level,
        problems,
    };
    Daemon::new(parts, inputs, inbox).run().await
}

/// How the core is to behave.
pub(crate) fn core_settings(config: &DaemonConfig) -> Settings {
    Settings {
        owner: Owner::discoverd(),
        exclusion_soak_ms: config.exclusion_soak_ms,
        probe_timeout_ms: config.probe_timeout_ms,
        retry_initial_ms: config.retry_initial_ms,
        retry_max_ms: config.retry_max_ms,
        dc_giveup_hours: small(config.dc_giveup_hours),
        dc_recheck_minutes: small(config.dc_recheck_minutes),
        fc_kickstart_interval_minutes: small(config.fc_kickstart_interval_minutes),
        ..Settings::default()
    }
}

fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
