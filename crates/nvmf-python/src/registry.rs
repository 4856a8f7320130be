//! The ownership registry.

use std::collections::BTreeMap;
use std::path::PathBuf;

use nvmf::Root;
use nvmf::disconnect::{Disconnect, DisconnectError, PATIENCE, disconnect_if};
use nvmf::registry::{Claim, Registered, RegistryError, Release};
use nvmf::sysfs::{Deleted, Held};
use nvmf_types::{AttrName, DeviceName, Owner};
use pyo3::prelude::*;

use crate::errors::{failed, no_controller, of_registry, of_sysfs, owned_by, parsed};
use crate::watch::Watch;

/// Who looks after which controller: /run/nvme/registry.
///
/// `root` is a folder that stands for the host's root, for tests; None: this host. All methods take
/// the kernel's name of a controller, such as "nvme3". `ino` says which controller of that name is
/// meant, as `Registry.ino` gives it: the kernel hands a name out again as soon as its controller
/// is gone.
#[pyclass(frozen, module = "nvmf")]
#[derive(Debug)]
pub(crate) struct Registry {
    root: Root,
    registry: nvmf::registry::Registry,
}

/// The entry of a controller that there is.
#[pyclass(frozen, get_all, eq, module = "nvmf")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The controller's name.
    device: String,
    /// Who owns it; None: nobody.
    owner: Option<String>,
    /// All that the entry says, the owner included.
    attributes: BTreeMap<String, String>,
}

#[pymethods]
impl Registry {
    #[new]
    #[pyo3(signature = (root=None))]
    fn new(root: Option<PathBuf>) -> Self {
        let root = root.map_or_else(Root::system, Root::new);
        let registry = nvmf::registry::Registry::open(&root);
        Self { root, registry }
    }

    /// The number that tells the controller of this name from all others that ever were or will be.
    ///
    /// Raises NoSuchController.
    fn ino(&self, py: Python<'_>, device: &str) -> PyResult<u64> {
        let device = parsed("device", device)?;
        let held = py.detach(|| Held::open(&self.root, &device));
        let held = held.map_err(|e| of_sysfs(py, &e))?;
        let held = held.ok_or_else(|| no_controller(py, &device))?;
        Ok(held.sysfs_ino())
    }

    /// The number of the kernel's last event, to be read before a connect, for `register`.
    fn seqnum(&self) -> Option<u64> {
        self.registry.seqnum()
    }

    /// Who owns a controller; None: nobody.
    #[pyo3(signature = (device, *, ino=None))]
    fn owner(&self, py: Python<'_>, device: &str, ino: Option<u64>) -> PyResult<Option<String>> {
        let device: DeviceName = parsed("device", device)?;
        let owner = self.ask(py, |registry| match ino {
            Some(ino) => registry.owner_of(&device, ino),
            None => registry.owner(&device),
        })?;
        Ok(owner.map(|owner| owner.to_string()))
    }

    /// Makes `owner` the owner of a controller that nobody owns. Of several that claim at once
    /// exactly one is granted.
    ///
    /// True: it was nobody's; False: it was the claimant's before. Raises OwnedByOther,
    /// NoSuchController.
    #[pyo3(signature = (device, owner, *, ino=None))]
    fn claim(&self, py: Python<'_>, device: &str, owner: &str, ino: Option<u64>) -> PyResult<bool> {
        let device: DeviceName = parsed("device", device)?;
        let owner: Owner = parsed("owner", owner)?;
        let claim = self.ask(py, |registry| match ino {
            Some(ino) => registry.claim_of(&device, ino, &owner),
            None => registry.claim(&device, &owner),
        })?;
        match claim {
            Claim::Granted => Ok(true),
            Claim::AlreadyMine => Ok(false),
            Claim::OwnedBy(other) => Err(owned_by(py, &device, &other)),
            Claim::NoSuchController => Err(no_controller(py, &device)),
        }
    }

    /// Enters a controller that was connected a moment ago, for `owner` (None: nobody; an entry of
    /// a predecessor goes). `since` is what `seqnum` said before the connect.
    ///
    /// Raises OwnedByOther if somebody claimed it meanwhile, NoSuchController if it is gone.
    #[pyo3(signature = (device, owner, *, ino, since=None))]
    fn register(
        &self,
        py: Python<'_>,
        device: &str,
        owner: Option<&str>,
        ino: u64,
        since: Option<u64>,
    ) -> PyResult<()> {
        let device: DeviceName = parsed("device", device)?;
        let owner: Option<Owner> = owner.map(|owner| parsed("owner", owner)).transpose()?;
        let registered = self.ask(py, |registry| {
            registry.register(&device, ino, since, owner.as_ref(), &[])
        })?;
        match registered {
            Registered::Owned | Registered::Unowned => Ok(()),
            Registered::OwnedBy(other) => Err(owned_by(py, &device, &other)),
        }
    }

    /// Makes a controller nobody's that is `owner`'s.
    ///
    /// True: it was; False: it was nobody's before. Raises OwnedByOther.
    fn release(&self, py: Python<'_>, device: &str, owner: &str) -> PyResult<bool> {
        let device: DeviceName = parsed("device", device)?;
        let owner: Owner = parsed("owner", owner)?;
        match self.ask(py, |registry| registry.release(&device, &owner))? {
            Release::Released => Ok(true),
            Release::NotOwned => Ok(false),
            Release::OwnedBy(other) => Err(owned_by(py, &device, &other)),
        }
    }

    /// Disconnects exactly the controller `ino` if it is `owner`'s at that moment: neither its
    /// successor under the name nor what somebody else took over can be hit. Waits until the kernel
    /// is done.
    ///
    /// True; False: it is nobody's, and stays. Raises OwnedByOther, NoSuchController if it was gone
    /// already, OperationFailed if it is still connecting.
    #[pyo3(signature = (device, owner, *, ino))]
    fn disconnect(&self, py: Python<'_>, device: &str, owner: &str, ino: u64) -> PyResult<bool> {
        let device: DeviceName = parsed("device", device)?;
        let owner: Owner = parsed("owner", owner)?;
        let held = py.detach(|| Held::open(&self.root, &device));
        let held = held.map_err(|e| of_sysfs(py, &e))?;
        let held = held.filter(|held| held.sysfs_ino() == ino);
        let held = held.ok_or_else(|| no_controller(py, &device))?;
        let goes = |other: Option<&Owner>| other == Some(&owner);
        match py.detach(|| disconnect_if(&self.root, &held, goes, PATIENCE)) {
            Ok(Disconnect::Deleted(Deleted::Yes)) => Ok(true),
            Ok(Disconnect::Deleted(Deleted::AlreadyGone)) => Err(no_controller(py, &device)),
            Ok(Disconnect::Kept(None)) => Ok(false),
            Ok(Disconnect::Kept(Some(other))) => Err(owned_by(py, &device, &other)),
            Ok(Disconnect::UnderWay) => {
                let message = format!("the controller `{device}` is still connecting");
                Err(failed(py, message, None))
            }
            Err(DisconnectError::Owner(error)) => Err(of_registry(py, &error)),
            Err(DisconnectError::Kernel(error)) => Err(of_sysfs(py, &error)),
        }
    }

    /// One attribute of a controller's entry; None: there is none.
    fn get(&self, py: Python<'_>, device: &str, attribute: &str) -> PyResult<Option<String>> {
        let device: DeviceName = parsed("device", device)?;
        let attribute: AttrName = parsed("attribute", attribute)?;
        self.ask(py, |registry| registry.attribute(&device, &attribute))
    }

    /// Sets an attribute to one line of text; None: removes it. The owner, too, whoever that is:
    /// who wants to own a controller claims it.
    ///
    /// Raises NoSuchController, NoSuchEntry if there is nothing to remove.
    fn set(
        &self,
        py: Python<'_>,
        device: &str,
        attribute: &str,
        value: Option<&str>,
    ) -> PyResult<()> {
        let device: DeviceName = parsed("device", device)?;
        let attribute: AttrName = parsed("attribute", attribute)?;
        self.ask(py, |registry| match value {
            Some(value) => registry.set(&device, &attribute, value),
            None => registry.remove(&device, &attribute),
        })
    }

    /// The entries of the controllers that there are, in the order of their numbers.
    fn entries(&self, py: Python<'_>) -> PyResult<Vec<Entry>> {
        let entries = self.ask(py, nvmf::registry::Registry::entries)?;
        let entries = entries.into_iter().map(|entry| Entry {
            device: entry.device.to_string(),
            owner: entry.attributes.get("owner").cloned(),
            attributes: entry.attributes,
        });
        Ok(entries.collect())
    }

    /// Follows the registry from now on.
    fn watch(&self, py: Python<'_>) -> PyResult<Watch> {
        Ok(Watch::new(self.ask(py, nvmf::registry::Registry::watch)?))
    }
}

impl Registry {
    fn ask<T: Send>(
        &self,
        py: Python<'_>,
        question: impl FnOnce(&nvmf::registry::Registry) -> Result<T, RegistryError> + Send,
    ) -> PyResult<T> {
        py.detach(|| question(&self.registry))
            .map_err(|e| of_registry(py, &e))
    }
}

#[pymethods]
impl Entry {
    fn __repr__(&self) -> String {
        let owner = self.owner.as_deref().unwrap_or("nobody");
        format!("<nvmf.Entry {} of {owner}>", self.device)
    }
}
