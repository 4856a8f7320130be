//! What the command line names.

use std::path::Path;

use anyhow::bail;
use nvmf::Root;
use nvmf::sysfs;
use nvmf_types::config::{Config, Connection, Persistence, Scope};
use nvmf_types::{ConnectOptions, ControllerClass, HostIdentity, LiveController, Nqn, TransportId};

use super::{Wishes, tune};
use crate::args::{DeviceArg, WalkArgs, identify};
use crate::walk::Wish;

/// The discovery controller that the options name.
pub(super) fn typed(root: &Root, args: &WalkArgs) -> anyhow::Result<Wishes> {
    let base = Base::load(root, args.config.as_deref())?;
    let addresses = match args.target.transport {
        Some(_) => args.target.alternatives(Some(Nqn::discovery()))?,
        None => Vec::new(),
    };
    let device = connected(root, args.device(), &addresses, &base.identity)?;
    let found = addresses.iter().find_map(|tid| base.find(tid));
    let mut wish = Wish {
        addresses,
        class: ControllerClass::Discovery,
        options: ConnectOptions::default(),
        scope: Scope::default(),
        persistent: args.persistent().unwrap_or(Persistence::No),
        owner: args.owner.clone(),
        source: "command line".to_owned(),
        typed: true,
        device: device.map(Box::new),
    };
    for tid in &mut wish.addresses {
        if let (None, Some(found)) = (&tid.hostnqn, found) {
            tid.hostnqn.clone_from(&found.tid.hostnqn);
            tid.hostid = tid.hostid.or(found.tid.hostid);
        }
        identify(tid, &base.identity);
    }
    if let Some(found) = found {
        wish.options = found.options.clone();
        wish.scope.io = found.inherits.io.clone();
        wish.scope.dc = found.inherits.dc.clone();
    }
    tune(args, &mut wish)?;
    let mut wanted = Wishes::none(base.identity);
    wanted.wishes.push(wish);
    Ok(wanted)
}

/// The controller that `-d` names. Beside `-t` it is only a hint: the number may be another
/// controller's by now.
fn connected(
    root: &Root,
    device: Option<&DeviceArg>,
    addresses: &[TransportId],
    identity: &HostIdentity,
) -> anyhow::Result<Option<LiveController>> {
    let Some(device) = device else {
        return Ok(None);
    };
    let class = ControllerClass::Discovery;
    if !addresses.is_empty() {
        let live = device.resolve(root).ok();
        let live = live.map(|device| sysfs::controller(root, &device));
        let live = live.transpose()?.flatten();
        let is_it = |live: &LiveController| {
            let mut addresses = addresses.iter();
            addresses.any(|tid| tid.is_satisfied_by(class, live, identity))
        };
        return Ok(live.filter(is_it));
    }
    let device = device.resolve(root)?;
    match sysfs::controller(root, &device)? {
        None => bail!("{device} is no fabrics controller: see nvmf list"),
        Some(live) if live.class == Some(ControllerClass::Io) => {
            bail!("{device} is an I/O controller: it has no discovery log page")
        }
        live => Ok(live),
    }
}

/// What holds where the command line says nothing.
struct Base {
    identity: HostIdentity,
    /// Of the file that `-J` names.
    config: Option<Config>,
}

impl Base {
    fn load(root: &Root, file: Option<&Path>) -> anyhow::Result<Self> {
        let config = file.map(|file| nvmf::config::load(root, Some(file)));
        let config = config.transpose()?;
        Ok(Self {
            identity: match &config {
                Some(config) => config.host.clone(),
                None => nvmf::config::host_identity(root)?,
            },
            config,
        })
    }

    /// The discovery controller in the file.
    fn find(&self, tid: &TransportId) -> Option<&Connection> {
        let class = ControllerClass::Discovery;
        let same = |other: &TransportId| {
            other.transport == tid.transport
                && other.traddr == tid.traddr
                && other.port(class) == tid.port(class)
                && other.nqn == tid.nqn
                && other.host_traddr == tid.host_traddr
                && other.host_iface == tid.host_iface
        };
        let mut connections = self.config.as_ref()?.connections.iter();
        connections.find(|c| c.class == class && same(&c.tid))
    }
}
