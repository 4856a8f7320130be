//! Events and actions in a few words.

use discoverd_core::{ActionKind, ConnectOutcome, Event};
use nvmf_types::{LiveController, TransportId};

use super::name::Name;

/// What the core heard.
pub(super) fn event(event: &Event) -> String {
    match event {
        Event::ConfigLoaded(config) => {
            let names = config
                .connections
                .iter()
                .map(|connection| name(&connection.tid));
            format!("configuration: {}", names.collect::<Vec<_>>().join(" "))
        }
        Event::BootTablesLoaded { connections, .. } => {
            let names = connections.iter().map(|connection| name(&connection.tid));
            format!("boot tables: {}", names.collect::<Vec<_>>().join(" "))
        }
        Event::ServicesFound(services) => {
            let names = services.iter().map(|service| service.name.as_str());
            format!("mDNS: {}", names.collect::<Vec<_>>().join(" "))
        }
        Event::FcAnnounced { traddr, .. } => format!("FC announces {traddr}"),
        Event::FcKicked { .. } => "FC has announced everything".to_owned(),
        Event::RetryNow(which) => {
            format!(
                "retry now: {}",
                which.as_ref().map(name).unwrap_or_default()
            )
        }
        Event::ExclusionsLoaded { set, .. } => {
            let entries = set.entries().iter().map(|entry| entry.text.as_str());
            format!("exclusions: {}", entries.collect::<Vec<_>>().join(" "))
        }
        Event::Listed { controllers, .. } => {
            let all = controllers.iter().map(controller);
            format!("all controllers: {}", all.collect::<Vec<_>>().join(", "))
        }
        Event::Controller { device, now, .. } => match now {
            Some(live) => controller(live),
            None => format!("no {device}"),
        },
        Event::ConnectFinished { id, outcome } => format!("{id}: {}", connect(outcome)),
        Event::LogFetched { id, result } => match result {
            Ok(log) => {
                let names = log.entries.iter().map(|entry| entry.subnqn.as_str());
                let names = names.collect::<Vec<_>>().join(" ");
                format!("{id}: log page, generation {}: {names}", log.genctr)
            }
            Err(error) => format!("{id}: no log page: {error}"),
        },
        other => format!("{other:?}"),
    }
}

/// What the core wants.
pub(super) fn action(kind: &ActionKind) -> String {
    match kind {
        ActionKind::Connect(request) => format!("connect {}", name(&request.tid)),
        ActionKind::StartUnit(spec) => format!("unit {} #{}", spec.device, spec.sysfs_ino),
        other => format!("{other:?}"),
    }
}

fn connect(outcome: &ConnectOutcome) -> String {
    match outcome {
        ConnectOutcome::Connected {
            device, sysfs_ino, ..
        } => format!("connected as {device} #{sysfs_ino}"),
        ConnectOutcome::AlreadyConnected(live) => format!("was there: {}", controller(live)),
        ConnectOutcome::Excluded { origin } => format!("excluded by {origin}"),
        ConnectOutcome::Failed { message, kind } => format!("{kind}: {message}"),
    }
}

fn controller(live: &LiveController) -> String {
    let owner = live.owner.as_ref().map_or("nobody", |owner| owner.as_str());
    let half = if live.class.is_none() {
        ", half made"
    } else {
        ""
    };
    format!(
        "{} #{} is {} of {owner}, {}{half}",
        live.device,
        live.sysfs_ino,
        name(&live.tid),
        live.state
    )
}

fn name(tid: &TransportId) -> String {
    Name::find(tid).map_or_else(|| tid.to_string(), |name| name.to_string())
}
