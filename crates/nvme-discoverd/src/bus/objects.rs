//! The objects on the bus, kept as the status says.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tracing::warn;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, Variant, fdo};

use super::controller::{Controller, View};
use super::{MANAGER, PATH};

const CONTROLLER: &str = "org.nvmexpress.Discoverd1.Controller";

/// What is to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The connections.
    pub(crate) connections: Vec<View>,
    /// What needs a person.
    pub(crate) problems: Vec<String>,
}

/// Where the daemon puts what is to be shown; what was not shown yet is replaced.
pub(crate) type Show = watch::Sender<Arc<Shown>>;

/// Keeps the objects on a task of its own.
pub(crate) fn serve(bus: &Connection, problems: Arc<Mutex<Vec<String>>>) -> Show {
    let (show, mut shown) = watch::channel(Arc::default());
    let mut objects = Objects {
        bus: bus.clone(),
        there: BTreeMap::new(),
        problems,
    };
    tokio::spawn(async move {
        while shown.changed().await.is_ok() {
            let now = Arc::clone(&shown.borrow_and_update());
            // with the bus gone the daemon ends by itself
            if let Err(error) = objects.show(&now).await {
                warn!("cannot tell on the bus how things are: {error}");
            }
        }
    });
    show
}

#[derive(Debug)]
struct Objects {
    bus: Connection,
    there: BTreeMap<String, Arc<Mutex<View>>>,
    /// Of the manager's property.
    problems: Arc<Mutex<Vec<String>>>,
}

impl Objects {
    /// Adds, changes and removes objects; signals only what changed.
    async fn show(&mut self, shown: &Shown) -> zbus::Result<()> {
        let now = paths(&shown.connections);
        let gone: Vec<String> = self
            .there
            .keys()
            .filter(|path| !now.contains_key(*path))
            .cloned()
            .collect();
        for path in gone {
            self.there.remove(&path);
            let server = self.bus.object_server();
            server.remove::<Controller, _>(path).await?;
        }
        for (path, view) in now {
            match self.there.get(&path) {
                Some(there) => {
                    let before = std::mem::replace(
                        &mut *there.lock().unwrap_or_else(PoisonError::into_inner),
                        view.clone(),
                    );
                    let changed = view.changed_since(&before);
                    if !changed.is_empty() {
                        self.signal(&path, CONTROLLER, changed).await?;
                    }
                }
                None => {
                    let there = Arc::new(Mutex::new(view.clone()));
                    self.there.insert(path.clone(), Arc::clone(&there));
                    let server = self.bus.object_server();
                    server.at(path, Controller(there)).await?;
                }
            }
        }
        let before = std::mem::replace(
            &mut *self.problems.lock().unwrap_or_else(PoisonError::into_inner),
            shown.problems.clone(),
        );
        if before != shown.problems {
            let changed = HashMap::from([("Problems", Variant::new(shown.problems.clone()))]);
            self.signal(PATH, MANAGER, changed).await?;
        }
        Ok(())
    }

    async fn signal(
        &self,
        path: &str,
        interface: &'static str,
        changed: HashMap<&str, Variant<'_>>,
    ) -> zbus::Result<()> {
        let emitter = SignalEmitter::new(&self.bus, path)?;
        let interface = interface.try_into()?;
        fdo::Properties::properties_changed(&emitter, interface, changed, (&[]).into()).await
    }
}

/// A path for each. It depends on nothing but the connection, so that it is the same after a
/// restart; of several controllers that are one connection all but the first have their name in it.
fn paths(views: &[View]) -> BTreeMap<String, &View> {
    let mut paths = BTreeMap::new();
    for view in views {
        let mut hash = Sha256::new();
        for part in view.identity() {
            hash.update(part);
            hash.update([0]);
        }
        let mut path = format!("{PATH}/controller_");
        for byte in hash.finalize().iter().take(8) {
            // a String takes everything
            let _ = write!(path, "{byte:02x}");
        }
        if paths.contains_key(&path) {
            let _ = write!(path, "_{}", view.incarnation());
        }
        paths.insert(path, view);
    }
    paths
}
