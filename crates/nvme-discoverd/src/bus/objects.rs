//! The objects on the bus, kept as the status says.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use discoverd_core::StatusId;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tracing::warn;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, Variant, fdo};

use super::controller::{Controller, View};
use super::{MANAGER, PATH};

const CONTROLLER: &str = "org.nvmexpress.Discoverd1.Controller";

/// What is to be shown from now on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Connections that may be other than they were; `None`: no more.
    pub(crate) connections: Vec<(StatusId, Option<View>)>,
    /// What needs a person.
    pub(crate) problems: Vec<String>,
}

/// Where the daemon puts what is to be shown. There is room for one: more is collected by the core until that
/// is on the bus.
pub(crate) type Show = mpsc::Sender<Shown>;

/// Keeps the objects on a task of its own.
pub(crate) fn serve(bus: &Connection, problems: Arc<Mutex<Vec<String>>>) -> Show {
    let (show, mut shown) = mpsc::channel(1);
    let mut objects = Objects {
        bus: bus.clone(),
        paths: BTreeMap::new(),
        there: BTreeMap::new(),
        problems,
    };
    tokio::spawn(async move {
        while let Some(now) = shown.recv().await {
            // with the bus gone the daemon ends by itself
            if let Err(error) = objects.show(now).await {
                warn!("cannot tell on the bus how things are: {error}");
            }
        }
    });
    show
}

#[derive(Debug)]
struct Objects {
    bus: Connection,
    paths: BTreeMap<StatusId, String>,
    there: BTreeMap<String, Arc<Mutex<View>>>,
    /// Of the manager's property.
    problems: Arc<Mutex<Vec<String>>>,
}

impl Objects {
    /// Adds, changes and removes objects; signals only what changed.
    ///
    /// # Errors
    /// The last one; all else is shown.
    async fn show(&mut self, shown: Shown) -> zbus::Result<()> {
        let mut result = Ok(());
        // Of what is gone as a connection and left as a controller the object stays.
        let mut gone = BTreeSet::new();
        for (id, view) in &shown.connections {
            if view.is_none() {
                gone.extend(self.paths.remove(id));
            }
        }
        for (id, view) in shown.connections {
            let Some(view) = view else { continue };
            let path = self.path(&id, &view, &gone);
            gone.remove(&path);
            gone.extend(self.paths.insert(id, path.clone()).filter(|it| *it != path));
            if let Err(error) = self.put(path, view).await {
                result = Err(error);
            }
        }
        for path in gone {
            self.there.remove(&path);
            let server = self.bus.object_server();
            if let Err(error) = server.remove::<Controller, _>(path).await {
                result = Err(error);
            }
        }
        let before = std::mem::replace(
            &mut *self.problems.lock().unwrap_or_else(PoisonError::into_inner),
            shown.problems.clone(),
        );
        if before != shown.problems {
            let changed = HashMap::from([("Problems", Variant::new(shown.problems))]);
            self.signal(PATH, MANAGER, changed).await?;
        }
        result
    }

    /// A path for each. It depends on nothing but the connection, so that it is the same after a
    /// restart; of several controllers that are one connection all but the first have their name in it.
    fn path(&self, id: &StatusId, view: &View, free: &BTreeSet<String>) -> String {
        let before = self.paths.get(id);
        let known = before.and_then(|path| Some((path, self.there.get(path)?)));
        if let Some((path, there)) = known {
            let there = there.lock().unwrap_or_else(PoisonError::into_inner);
            let (before, now) = (there.incarnation(), view.incarnation());
            let kept = before == now || !path.ends_with(&before);
            if there.identity() == view.identity() && kept {
                return path.clone();
            }
        }
        let mut path = hashed(view);
        let taken = self.there.contains_key(&path) && !free.contains(&path);
        if taken && before != Some(&path) {
            // a String takes everything
            let _ = write!(path, "_{}", view.incarnation());
        }
        path
    }

    async fn put(&mut self, path: String, view: View) -> zbus::Result<()> {
        let Some(there) = self.there.get(&path) else {
            let there = Arc::new(Mutex::new(view));
            self.there.insert(path.clone(), Arc::clone(&there));
            let server = self.bus.object_server();
            return server.at(path, Controller(there)).await.map(drop);
        };
        let changed = {
            let mut there = there.lock().unwrap_or_else(PoisonError::into_inner);
            let changed = view.changed_since(&there);
            *there = view;
            changed
        };
        if !changed.is_empty() {
            self.signal(&path, CONTROLLER, changed).await?;
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

fn hashed(view: &View) -> String {
    let mut hash = Sha256::new();
    for part in view.identity() {
        hash.update(part);
        hash.update([0]);
    }
    let mut path = format!("{PATH}/controller_");
    for byte in hash.finalize().iter().take(8) {
        let _ = write!(path, "{byte:02x}");
    }
    path
}
