//! The reader of `nvme-fabrics.conf` and its drop-ins.

use std::collections::BTreeMap;

use crate::{ControllerClass, HostIdentity, HostName, TransportId, Trsvcid};

use super::controller_line::Path;
use super::excerpt::excerpt;
use super::host::{Host, Persona, check_apart};
use super::layer::{Layer, Settings};
use super::read::{Endpoint, File, read};
use super::report::Report;
use super::{Config, ConfigFile, Connection, Origins, Place, Problems, Scope, Unresolved};

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
    let read: Vec<File> = files
        .iter()
        .map(|file| read(file, report.file(&file.path)))
        .collect();
    let none = File::default();
    let main = read.first().unwrap_or(&none);
    let host = match &main.host {
        Some(section) => section.main_identity(default, &mut report),
        None => default.clone(),
    };
    let mut personas = vec![Persona {
        identity: host.clone(),
        place: main.host.as_ref().map(|section| section.place.clone()),
    }];
    let mut found = Vec::new();
    for (index, file) in read.iter().enumerate() {
        let identity = match (&file.host, index) {
            (Some(section), 1..) => {
                let identity = section.drop_in_identity(&mut report);
                check_apart(section, &personas, &mut report);
                personas.push(Persona {
                    identity: identity.clone(),
                    place: Some(section.place.clone()),
                });
                identity
            }
            _ => said_by_main(main, &host),
        };
        let scope = FileScope::new(main, (index > 0).then_some(file), identity);
        found.extend(scope.connections(file));
    }
    find_twins(&found, &host, &mut report);
    let harmless = report.finish(files, excerpt)?;
    let mut config = Config {
        host,
        warnings: harmless.warnings,
        references: harmless.references,
        ..Config::default()
    };
    for (position, found) in found.into_iter().enumerate() {
        match found.name {
            None => config.connections.push(found.connection),
            Some(name) => {
                let unresolved = Unresolved::new(name, found.connection, position);
                config.unresolved.push(unresolved);
            }
        }
    }
    Ok(config)
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

/// A connection that a file asks for.
struct Found<'a> {
    connection: Connection,
    name: Option<HostName>,
    place: &'a Place,
}

/// What holds in one file, above the kernel's defaults and below its sections.
struct FileScope {
    io: Settings,
    dc: Settings,
    inherits: Scope,
    /// Where the identity stands.
    origins: Origins,
}

impl FileScope {
    fn new(main: &File, drop_in: Option<&File>, identity: HostIdentity) -> Self {
        let host = drop_in.and_then(|f| f.host.as_ref()).or(main.host.as_ref());
        let below = |of: fn(&File) -> &Layer| {
            let layers = [Some(of(main)), drop_in.map(of), host.map(|h| &h.layer)];
            let present = layers.into_iter().flatten();
            present.fold(Settings::default(), Settings::with)
        };
        let (io, dc) = (
            below(|file| &file.io_defaults),
            below(|file| &file.dc_defaults),
        );
        let inherits = Scope {
            io: io.options.clone(),
            dc: dc.options.clone(),
            persistent: dc.persistent,
            hostnqn: identity.hostnqn,
            hostid: identity.hostid,
            hostsymname: host.and_then(|h| h.hostsymname.value()).cloned(),
        };
        let origins = host.map(origins).unwrap_or_default();
        Self {
            io,
            dc,
            inherits,
            origins,
        }
    }

    fn connections<'a>(&self, file: &'a File) -> Vec<Found<'a>> {
        let endpoints = file.endpoints.iter();
        let all = endpoints.flat_map(|endpoint| {
            let below = match endpoint.class {
                ControllerClass::Io => &self.io,
                ControllerClass::Discovery => &self.dc,
            };
            let section = below.clone().with(&endpoint.layer);
            let paths = endpoint.paths.iter();
            paths.map(move |path| self.connection(endpoint, path, &section))
        });
        all.collect()
    }

    fn connection<'a>(&self, endpoint: &Endpoint, path: &'a Path, section: &Settings) -> Found<'a> {
        let settings = section.clone().with(&path.layer);
        let mut tid = path.tid.clone();
        tid.hostnqn.clone_from(&self.inherits.hostnqn);
        tid.hostid = self.inherits.hostid;
        let mut origins = settings.origins;
        origins.extend(self.origins.clone());
        origins.insert("nqn".to_owned(), endpoint.nqn_place.origin.clone());
        Found {
            connection: Connection {
                tid,
                alternatives: Vec::new(),
                class: endpoint.class,
                options: settings.options,
                inherits: self.inherits.clone(),
                persistent: settings.persistent,
                origin: path.place.origin.clone(),
                origins,
            },
            name: path.name.clone(),
            place: &path.place,
        }
    }
}

/// Where a `[Host]` names the host.
fn origins(host: &Host) -> Origins {
    let places = [
        ("hostnqn", host.hostnqn.place()),
        ("hostid", host.hostid.place()),
        ("hostsymname", host.hostsymname.place()),
    ];
    let given = places.into_iter();
    given
        .filter_map(|(key, place)| Some((key.to_owned(), place?.origin.clone())))
        .collect()
}

/// Reports connections that are the same as an earlier one, default port and identity considered.
fn find_twins(found: &[Found<'_>], host: &HostIdentity, report: &mut Report) {
    let mut seen: BTreeMap<(Option<String>, TransportId), &Place> = BTreeMap::new();
    for Found {
        connection,
        name,
        place,
    } in found
    {
        let tid = spelled_out(&connection.tid, connection.class, host);
        let name = name.as_ref().map(|name| name.as_str().to_ascii_lowercase());
        match seen.get(&(name.clone(), tid.clone())) {
            Some(first) => report.error(
                (*place).clone(),
                &format!("the same connection stands at {}", first.origin),
                "remove one of them",
            ),
            None => {
                seen.insert((name, tid), place);
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
