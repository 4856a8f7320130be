//! The reader of `nvme-fabrics.conf` and its drop-ins.

use std::collections::BTreeMap;

use crate::{ControllerClass, HostIdentity, Origin, TransportId, Trsvcid};

use super::host::{Persona, check_apart};
use super::layer::{Layer, Settings};
use super::read::{File, read};
use super::report::Report;
use super::{Config, ConfigFile, Connection, Problems, Scope};

/// Reads the main file and then its drop-ins, in this order; `default` is the host's identity
/// where no `[Host]` section says otherwise. Without a main file, pass an empty text in its place.
///
/// What holds for a connection, from high to low: its `controller` line, its section, `[Host]` (a
/// drop-in without one is under that of the main file), the defaults of its file, those of the
/// main file, the kernel's. `key =` without a value goes back to the kernel's default.
///
/// # Errors
/// Everything that is wrong, in one go; a single error rejects the whole configuration.
pub fn parse(files: &[ConfigFile], default: &HostIdentity) -> Result<Config, Problems> {
    let mut report = Report::default();
    let read: Vec<File> = files.iter().map(|file| read(file, &mut report)).collect();
    let none = File::default();
    let main = read.first().unwrap_or(&none);
    let host = match &main.host {
        Some(section) => section.main_identity(default, &mut report),
        None => default.clone(),
    };
    let mut personas = vec![Persona {
        identity: host.clone(),
        origin: main.host.as_ref().map(|section| section.origin.clone()),
    }];
    let mut connections = Vec::new();
    for (index, file) in read.iter().enumerate() {
        let identity = match (&file.host, index) {
            (Some(section), 1..) => {
                let identity = section.drop_in_identity(&mut report);
                check_apart(section, &personas, &mut report);
                personas.push(Persona {
                    identity: identity.clone(),
                    origin: Some(section.origin.clone()),
                });
                identity
            }
            _ => said_by_main(main, &host),
        };
        let scope = FileScope::new(main, (index > 0).then_some(file), identity);
        connections.extend(scope.connections(file));
    }
    find_twins(&connections, &host, &mut report);
    let names: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let warnings = report.finish(&names)?;
    Ok(Config {
        connections,
        host,
        warnings,
    })
}

/// The main file's identity if a `[Host]` there sets it; otherwise unset, which is the default.
fn said_by_main(main: &File, host: &HostIdentity) -> HostIdentity {
    let said = main
        .host
        .as_ref()
        .is_some_and(|h| h.hostnqn.value().is_some() || h.hostid.value().is_some());
    if said {
        host.clone()
    } else {
        HostIdentity::default()
    }
}

/// What holds in one file, above the kernel's defaults and below its sections.
struct FileScope {
    io: Settings,
    dc: Settings,
    identity: HostIdentity,
}

impl FileScope {
    fn new(main: &File, drop_in: Option<&File>, identity: HostIdentity) -> Self {
        let host = drop_in.and_then(|f| f.host.as_ref()).or(main.host.as_ref());
        let below = |of: fn(&File) -> &Layer| {
            let layers = [Some(of(main)), drop_in.map(of), host.map(|h| &h.layer)];
            let present = layers.into_iter().flatten();
            present.fold(Settings::default(), Settings::with)
        };
        Self {
            io: below(|file| &file.io_defaults),
            dc: below(|file| &file.dc_defaults),
            identity,
        }
    }

    fn connections(&self, file: &File) -> Vec<Connection> {
        let inherits = Scope {
            io: self.io.options.clone(),
            dc: self.dc.options.clone(),
            hostnqn: self.identity.hostnqn.clone(),
            hostid: self.identity.hostid,
        };
        let mut out = Vec::new();
        for endpoint in &file.endpoints {
            let below = match endpoint.class {
                ControllerClass::Io => &self.io,
                ControllerClass::Discovery => &self.dc,
            };
            let section = below.clone().with(&endpoint.layer);
            for path in &endpoint.paths {
                let Settings {
                    options,
                    persistent,
                } = section.clone().with(&path.layer);
                let mut tid = path.tid.clone();
                tid.hostnqn.clone_from(&self.identity.hostnqn);
                tid.hostid = self.identity.hostid;
                out.push(Connection {
                    tid,
                    class: endpoint.class,
                    options,
                    inherits: inherits.clone(),
                    persistent,
                    origin: path.origin.clone(),
                });
            }
        }
        out
    }
}

/// Reports connections that are the same as an earlier one, default port and identity considered.
fn find_twins(connections: &[Connection], host: &HostIdentity, report: &mut Report) {
    let mut seen: BTreeMap<TransportId, &Origin> = BTreeMap::new();
    for connection in connections {
        let tid = spelled_out(&connection.tid, connection.class, host);
        match seen.get(&tid) {
            Some(first) => report.error(
                connection.origin.clone(),
                format!("the same connection stands at {first}"),
                "remove one of them",
            ),
            None => {
                seen.insert(tid, &connection.origin);
            }
        }
    }
}

/// The connection with its port and identity, also where they are the default ones: what is the same
/// then is the same connection.
pub(super) fn spelled_out(
    tid: &TransportId,
    class: ControllerClass,
    host: &HostIdentity,
) -> TransportId {
    let mut tid = tid.clone();
    let port = tid.port(class);
    tid.trsvcid = port.and_then(|port| Trsvcid::from_port(port).ok());
    if tid.hostnqn.is_none() && tid.hostid.is_none() {
        tid.hostnqn.clone_from(&host.hostnqn);
        tid.hostid = host.hostid;
    }
    tid
}
