//! systemd's transient units, one for each controller.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use discoverd_core::{ActionId, Event, UnitOutcome, UnitSpec};
use nvmf_types::DeviceName;
use tokio::sync::{Semaphore, mpsc};
use tracing::warn;
use zbus::proxy::CacheProperties;
use zbus::{Connection, OwnedObjectPath, Variant};

use crate::inputs::{Input, Inputs, put};
use crate::streams::next;
use crate::unit_spec::{name, properties};

/// The part of `org.freedesktop.systemd1.Manager` that is used here and in [`crate::mount_units`].
#[zbus::proxy(
    interface = "org.freedesktop.systemd1.Manager",
    default_service = "org.freedesktop.systemd1",
    default_path = "/org/freedesktop/systemd1"
)]
pub(crate) trait Systemd {
    fn start_transient_unit(
        &self,
        name: &str,
        mode: &str,
        properties: &[(&str, Variant<'_>)],
        aux: &[(&str, Vec<(&str, Variant<'_>)>)],
    ) -> zbus::Result<OwnedObjectPath>;

    fn stop_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;

    fn get_unit(&self, name: &str) -> zbus::Result<OwnedObjectPath>;

    #[zbus(property)]
    fn system_state(&self) -> zbus::Result<String>;

    #[zbus(signal)]
    fn job_removed(
        &self,
        id: u32,
        job: OwnedObjectPath,
        unit: String,
        result: String,
    ) -> zbus::Result<()>;
}

/// The units. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Units(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    systemd: SystemdProxy<'static>,
    connector: PathBuf,
    inputs: Inputs,
    /// Units being started, and who waits for the end of their job.
    starting: Mutex<BTreeMap<String, Starting>>,
    calls: Semaphore,
}

#[derive(Debug)]
struct Starting {
    jobs: mpsc::UnboundedSender<(OwnedObjectPath, String)>,
    /// Its controller went meanwhile.
    stop: bool,
}

/// Calls under way at once; the bus allows one client 128 unanswered ones.
const CALLS: usize = 32;

impl Units {
    /// Listens to the ends of jobs and forwards results to `inputs`.
    ///
    /// Without `Subscribe`: systemd tells who queued a job of its end in any case (systemd
    /// `src/core/dbus-job.c`, `bus_job_send_removed_signal`), and of everybody's jobs and units, each in
    /// several signals, nobody who has not asked for them.
    ///
    /// # Errors
    /// systemd does not answer on this connection.
    pub(crate) async fn connect(
        bus: &Connection,
        connector: &Path,
        inputs: Inputs,
    ) -> zbus::Result<Self> {
        let systemd = SystemdProxy::builder(bus)
            .cache_properties(CacheProperties::No)
            .build()
            .await?;
        let mut removed = systemd.receive_job_removed().await?;
        // is it there?
        systemd.system_state().await?;
        let units = Self(Arc::new(Shared {
            systemd,
            connector: connector.to_owned(),
            inputs,
            starting: Mutex::default(),
            calls: Semaphore::new(CALLS),
        }));
        let shared = Arc::clone(&units.0);
        tokio::spawn(async move {
            while let Some(signal) = next(&mut removed).await {
                if let Ok(args) = signal.args() {
                    shared.job_ended(&args.unit, &args.job, &args.result);
                }
            }
            let why = "the connection to the system bus is lost".to_owned();
            put(&shared.inputs, Input::Fatal(why));
        });
        Ok(units)
    }

    /// Starts a controller's unit; [`Event::UnitStarted`].
    pub(crate) fn start(&self, id: ActionId, spec: UnitSpec) {
        let shared = Arc::clone(&self.0);
        let unit = name(&spec.device, spec.sysfs_ino);
        let (jobs, ends) = mpsc::unbounded_channel();
        let entry = Starting { jobs, stop: false };
        shared.starting().insert(unit.clone(), entry);
        tokio::spawn(async move {
            let result = shared.start(&unit, &spec, ends).await;
            let entry = shared.starting().remove(&unit);
            put(&shared.inputs, Event::UnitStarted { id, result });
            if entry.is_some_and(|starting| starting.stop) {
                shared.stop(&unit).await;
            }
        });
    }

    /// Stops the unit of a controller that is gone; after its start, if that is under way.
    pub(crate) fn stop(&self, device: &DeviceName, sysfs_ino: u64) {
        let unit = name(device, sysfs_ino);
        if let Some(starting) = self.0.starting().get_mut(&unit) {
            starting.stop = true;
            return;
        }
        let shared = Arc::clone(&self.0);
        tokio::spawn(async move { shared.stop(&unit).await });
    }
}

impl Shared {
    fn starting(&self) -> MutexGuard<'_, BTreeMap<String, Starting>> {
        self.starting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn job_ended(&self, unit: &str, job: &OwnedObjectPath, result: &str) {
        if let Some(starting) = self.starting().get(unit) {
            // who waits no longer needs no result
            let _ = starting.jobs.send((job.clone(), result.to_owned()));
        }
    }

    async fn start(
        &self,
        unit: &str,
        spec: &UnitSpec,
        mut ends: mpsc::UnboundedReceiver<(OwnedObjectPath, String)>,
    ) -> UnitOutcome {
        let properties = properties(spec, &self.connector);
        let turn = self.calls.acquire().await;
        let called = self
            .systemd
            .start_transient_unit(unit, "fail", &properties, &[])
            .await;
        drop(turn);
        let job = match called {
            Ok(job) => job,
            Err(error) => return self.not_started(&error).await,
        };
        while let Some((ended, result)) = ends.recv().await {
            if ended != job {
                continue;
            }
            return match result.as_str() {
                "done" => UnitOutcome::Started,
                // taken back by the shutdown that began meanwhile, or by hand
                _ if self.is_stopping().await => UnitOutcome::Refused(format!("job {result}")),
                _ => UnitOutcome::Failed(format!("starting `{unit}`: job {result}")),
            };
        }
        UnitOutcome::Failed(format!(
            "starting `{unit}`: systemd did not say how it went"
        ))
    }

    /// Tells the refusals of a machine that shuts down from everything else. Only the first name
    /// means that by itself; a job that conflicts with others has many reasons.
    async fn not_started(&self, error: &zbus::Error) -> UnitOutcome {
        let (name, text) = match error {
            zbus::Error::MethodError(name, text, _) => (
                name.as_str(),
                text.clone().unwrap_or_else(|| name.to_string()),
            ),
            other => return UnitOutcome::Failed(other.to_string()),
        };
        match name {
            "org.freedesktop.systemd1.UnitExists" => UnitOutcome::AlreadyThere,
            "org.freedesktop.systemd1.ShuttingDown" => UnitOutcome::Refused(text),
            _ if self.is_stopping().await => UnitOutcome::Refused(text),
            _ => UnitOutcome::Failed(text),
        }
    }

    async fn is_stopping(&self) -> bool {
        let state = self.systemd.system_state().await;
        state.is_ok_and(|state| state == "stopping")
    }

    async fn stop(&self, unit: &str) {
        let turn = self.calls.acquire().await;
        let stopped = self.systemd.stop_unit(unit, "replace").await;
        drop(turn);
        match stopped {
            Ok(_) => {}
            Err(zbus::Error::MethodError(name, _, _))
                if name.as_str() == "org.freedesktop.systemd1.NoSuchUnit" => {}
            Err(error) => warn!("cannot stop `{unit}`: {error}"),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
