//! Everything that can block, off the daemon's task.

use std::sync::Arc;
use std::time::Duration;

use discoverd_core::{ActionId, ClaimOutcome, Event, Timestamp};
use nvmf::Root;
use nvmf::registry::{Claim, Registry, RegistryError};
use nvmf::sysfs;
use nvmf::{config, exclusions, fc, log_page};
use nvmf_types::config::Config;
use nvmf_types::{ControllerState, DeviceName, Owner};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tracing::{debug, warn};

use crate::inputs::{Input, Inputs, Trouble, put};
use crate::reading::{Boot, Reading};

/// Log pages being read at once: each may wait for its target for as long as the kernel lets it.
const LOG_PAGES: usize = 12;

/// How long the host names of a configuration may take to be resolved.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs reads and claims on threads; each puts exactly one input when it is done.
#[derive(Clone, Debug)]
pub(crate) struct Workers {
    root: Root,
    inputs: Inputs,
    log_pages: Arc<Semaphore>,
    /// One at a time: all wait for the registry's lock, and a thread that waits is lost to others.
    housekeeping: Arc<Semaphore>,
}

impl Workers {
    /// Workers for the files below `root`.
    pub(crate) fn new(root: Root, inputs: Inputs) -> Self {
        Self {
            root,
            inputs,
            log_pages: Arc::new(Semaphore::new(LOG_PAGES)),
            housekeeping: Arc::new(Semaphore::new(1)),
        }
    }

    /// Reads one device's sysfs; [`Input::Read`].
    pub(crate) fn read(&self, device: DeviceName, began: Timestamp) {
        self.spawn(move |root| {
            let now = sysfs::controller(root, &device).map_err(|error| error.to_string());
            Input::Read(device, began, now)
        });
    }

    /// Looks for those of these devices that are not in this state any more; [`Input::States`].
    pub(crate) fn look_at_states(&self, known: Vec<(DeviceName, ControllerState)>) {
        self.spawn(|root| {
            let changed = |(device, state): &(DeviceName, ControllerState)| {
                // what is gone, or cannot be read, is told of by others
                sysfs::state(root, device).is_ok_and(|now| now.is_some_and(|now| now != *state))
            };
            let devices = known.into_iter().filter(changed);
            Input::States(devices.map(|(device, _)| device).collect())
        });
    }

    /// Removes from the registry what dead writers and dead controllers left; nobody waits for it.
    pub(crate) fn collect_garbage(&self) {
        self.keep_house(|registry| registry.collect_garbage().map(|_| ()));
    }

    /// Removes from the registry what it says about a controller that the kernel removed with the
    /// event `seqnum`; nobody waits for it. udev's rule does the same, where it is installed.
    pub(crate) fn reap(&self, device: DeviceName, seqnum: u64) {
        self.keep_house(move |registry| {
            let reaped = registry.reap(&device, Some(seqnum))?;
            debug!("{device} was removed: {reaped}");
            Ok(())
        });
    }

    /// Lists all controllers; [`Input::Listed`].
    pub(crate) fn list(&self, began: Timestamp) {
        self.spawn(move |root| {
            let listed = sysfs::controllers(root).map_err(|error| error.to_string());
            Input::Listed(began, listed)
        });
    }

    /// Reads all files and the boot tables; [`Input::Everything`].
    pub(crate) fn read_everything(&self, nbft: bool) {
        self.spawn(move |root| Input::Everything(Box::new(Reading::take(root, nbft))));
    }

    /// Reads the boot tables again, because interfaces may have come; [`Input::Boot`].
    pub(crate) fn read_boot_tables(&self) {
        self.spawn(|root| Input::Boot(Box::new(Boot::take(root))));
    }

    /// Has Fibre Channel ports announce what they see; uevents, and [`Event::FcKicked`] or
    /// [`Input::Trouble`].
    pub(crate) fn kick_fc(&self, began: Timestamp) {
        let inputs = self.inputs.clone();
        self.spawn(move |root| {
            let trouble = match fc::announce(root) {
                Ok(_) => {
                    put(&inputs, Event::FcKicked { began });
                    None
                }
                Err(error) => Some(format!(
                    "Fibre Channel ports cannot be asked for discovery controllers \
                     (/sys/class/fc/fc_udev_device/nvme_discovery): {error}"
                )),
            };
            Input::Trouble(Trouble::Fc, trouble)
        });
    }

    /// Looks up the host names of a configuration; [`Input::Named`].
    pub(crate) fn resolve(&self, generation: u64, mut config: Config) {
        self.spawn(move |_| {
            let problems = config::resolve(&mut config, RESOLVE_TIMEOUT);
            Input::Named(generation, Box::new(config), problems)
        });
    }

    /// Reads the exclusion files; [`Event::ExclusionsLoaded`].
    pub(crate) fn read_exclusions(&self) {
        self.spawn(|root| {
            let exclusions::LoadedExclusions { set, problems, .. } = exclusions::load(root);
            Event::ExclusionsLoaded { set, problems }.into()
        });
    }

    /// Claims one incarnation of a controller; [`Event::Claimed`].
    pub(crate) fn claim(&self, id: ActionId, device: DeviceName, sysfs_ino: u64, owner: Owner) {
        self.spawn(move |root| {
            let outcome = claim(root, &device, sysfs_ino, &owner);
            Event::Claimed { id, outcome }.into()
        });
    }

    /// Reads the log page of one incarnation of a discovery controller; [`Event::LogFetched`].
    pub(crate) fn fetch_log(&self, id: ActionId, device: DeviceName, sysfs_ino: u64) {
        let (workers, turn) = (self.clone(), Arc::clone(&self.log_pages));
        tokio::spawn(async move {
            // never closed; without a permit it would only be less fair
            let _permit = turn.acquire_owned().await;
            let root = workers.root.clone();
            let read = spawn_blocking(move || log_page::fetch_of(&root, &device, sysfs_ino));
            let result = match read.await {
                Ok(read) => read.map_err(|error| error.to_string()),
                Err(_) => Err("reading the discovery log page failed inside".to_owned()),
            };
            put(&workers.inputs, Event::LogFetched { id, result });
        });
    }

    /// Does something to the registry after what was begun before; a failure is only logged.
    fn keep_house(
        &self,
        work: impl FnOnce(&Registry) -> Result<(), RegistryError> + Send + 'static,
    ) {
        let (root, turn) = (self.root.clone(), Arc::clone(&self.housekeeping));
        tokio::spawn(async move {
            // never closed; without a permit it would only take more threads
            let permit = turn.acquire_owned().await;
            let done = spawn_blocking(move || {
                if let Err(error) = work(&Registry::open(&root)) {
                    warn!("{error}");
                }
            });
            // a panic is in the log already
            let _ = done.await;
            drop(permit);
        });
    }

    fn spawn(&self, work: impl FnOnce(&Root) -> Input + Send + 'static) {
        let (root, inputs) = (self.root.clone(), self.inputs.clone());
        let work = spawn_blocking(move || work(&root));
        tokio::spawn(async move {
            match work.await {
                Ok(input) => put(&inputs, input),
                Err(error) if error.is_panic() => {
                    // an answer that never comes would stall the core: better to start afresh
                    put(&inputs, Input::Fatal("a worker failed inside".to_owned()));
                }
                Err(_) => {}
            }
        });
    }
}

/// Claims exactly that controller.
fn claim(root: &Root, device: &DeviceName, sysfs_ino: u64, owner: &Owner) -> ClaimOutcome {
    match Registry::open(root).claim_of(device, sysfs_ino, owner) {
        Ok(Claim::Granted) => ClaimOutcome::Granted,
        Ok(Claim::AlreadyMine) => ClaimOutcome::AlreadyMine,
        Ok(Claim::OwnedBy(other)) => ClaimOutcome::OwnedBy(other),
        Ok(Claim::NoSuchController) => ClaimOutcome::NoSuchController,
        Err(error) => ClaimOutcome::Failed(error.to_string()),
    }
}
