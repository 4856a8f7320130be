//! Reading controllers.

use nvmf_types::{
    ControllerClass, ControllerState, DeviceName, LiveController, Nqn, Transport, TransportId,
};

use super::address::Address;
use super::{ControllerDir, SysfsError, devices};
use crate::Root;
use crate::registry::Registry;

/// Any NVMe controller of this host, those of PCIe drives too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControllerInfo {
    /// The kernel's name for it.
    pub device: DeviceName,
    /// sysfs `transport`: `pcie`, `tcp`, …
    pub transport: String,
    /// sysfs `address`, in the transport's own form.
    pub address: String,
    /// Name of its subsystem.
    pub subsysnqn: String,
    /// sysfs `state`.
    pub state: ControllerState,
    /// Model number.
    pub model: String,
    /// Serial number.
    pub serial: String,
    /// Firmware revision.
    pub firmware: String,
    /// What it is connected to; `None`: no fabrics controller, managed by the kernel.
    pub fabrics: Option<LiveController>,
}

/// All fabrics controllers, in the order of their numbers, with their owners.
///
/// # Errors
/// sysfs or the registry cannot be read; a controller that vanishes meanwhile is left out.
pub fn controllers(root: &Root) -> Result<Vec<LiveController>, SysfsError> {
    each(root, live_controller)
}

/// The fabrics controller that has the name `device` now; `None`: there is none, or it is no
/// fabrics controller.
///
/// # Errors
/// sysfs or the registry cannot be read.
pub fn controller(root: &Root, device: &DeviceName) -> Result<Option<LiveController>, SysfsError> {
    match ControllerDir::open(root, device)? {
        Some(dir) => live_controller(root, &dir),
        None => Ok(None),
    }
}

/// The state of the controller that has the name `device` now; `None`: there is none.
///
/// # Errors
/// sysfs cannot be read.
pub fn state(root: &Root, device: &DeviceName) -> Result<Option<ControllerState>, SysfsError> {
    let Some(dir) = ControllerDir::open(root, device)? else {
        return Ok(None);
    };
    let word = dir.attribute("state")?;
    Ok(word.map(|word| ControllerState::from_sysfs(&word)))
}

/// All controllers, in the order of their numbers.
///
/// # Errors
/// sysfs or the registry cannot be read; a controller that vanishes meanwhile is left out.
pub fn all(root: &Root) -> Result<Vec<ControllerInfo>, SysfsError> {
    each(root, |root, dir| {
        let text = |name| dir.attribute(name).map(Option::unwrap_or_default);
        let Some(transport) = dir.attribute("transport")? else {
            return Ok(None);
        };
        Ok(Some(ControllerInfo {
            device: dir.device.clone(),
            transport,
            address: text("address")?,
            subsysnqn: text("subsysnqn")?,
            state: ControllerState::from_sysfs(&text("state")?),
            model: text("model")?,
            serial: text("serial")?,
            firmware: text("firmware_rev")?,
            fabrics: live_controller(root, dir)?,
        }))
    })
}

/// `None`: gone meanwhile, or no fabrics controller.
pub(super) fn live_controller(
    root: &Root,
    dir: &ControllerDir,
) -> Result<Option<LiveController>, SysfsError> {
    let transport = dir.attribute("transport")?;
    let Some(transport) = transport.and_then(|word| word.parse::<Transport>().ok()) else {
        return Ok(None);
    };
    let nqn = dir.attribute("subsysnqn")?;
    let Some(nqn) = nqn.and_then(|name| Nqn::reported(&name).ok()) else {
        return Ok(None);
    };
    let class = class_of(dir, || Ok(Some(nqn.clone())))?;
    let address = dir.attribute("address")?.unwrap_or_default();
    let address = Address::parse(transport, &address);
    let tid = TransportId {
        transport,
        traddr: address.traddr,
        trsvcid: address.trsvcid,
        nqn,
        host_traddr: address.host_traddr,
        host_iface: address.host_iface,
        hostnqn: dir
            .attribute("hostnqn")?
            .and_then(|name| Nqn::reported(&name).ok()),
        hostid: dir.attribute("hostid")?.and_then(|id| id.parse().ok()),
    };
    // The last attribute read: if it is there, so was the controller all the time.
    let Some(state) = dir.attribute("state")? else {
        return Ok(None);
    };
    let cntlid = dir.attribute("cntlid")?.and_then(|id| id.parse().ok());
    Ok(Some(LiveController {
        device: dir.device.clone(),
        sysfs_ino: dir.ino,
        tid,
        class,
        state: ControllerState::from_sysfs(&state),
        src_addr: address.src_addr,
        cntlid: cntlid.filter(|id| *id != u16::MAX),
        owner: Registry::open(root).owner_of(&dir.device, dir.ino)?,
    }))
}

/// What kind of controller it is; `None`: its first connect is under way.
pub(super) fn class(dir: &ControllerDir) -> Result<Option<ControllerClass>, SysfsError> {
    class_of(dir, || {
        let nqn = dir.attribute("subsysnqn")?;
        Ok(nqn.and_then(|name| Nqn::reported(&name).ok()))
    })
}

fn class_of(
    dir: &ControllerDir,
    nqn: impl FnOnce() -> Result<Option<Nqn>, SysfsError>,
) -> Result<Option<ControllerClass>, SysfsError> {
    Ok(match dir.attribute("cntrltype")?.as_deref() {
        Some("io") => Some(ControllerClass::Io),
        Some("discovery") => Some(ControllerClass::Discovery),
        Some(_) => None,
        // Linux before 5.17 has no such attribute
        None => nqn()?.map(|nqn| match nqn.is_discovery() {
            true => ControllerClass::Discovery,
            false => ControllerClass::Io,
        }),
    })
}

fn each<T>(
    root: &Root,
    read: impl Fn(&Root, &ControllerDir) -> Result<Option<T>, SysfsError>,
) -> Result<Vec<T>, SysfsError> {
    let mut found = Vec::new();
    for device in devices(root)? {
        if let Some(dir) = ControllerDir::open(root, &device)? {
            found.extend(read(root, &dir)?);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    #[test]
    fn fabrics_controllers_by_number_with_owner() {
        let host = FakeHost::new();
        host.tcp("nvme10", "nqn.2014-08.org.example:b");
        let nine = host.tcp("nvme9", "nqn.2014-08.org.example:a");
        host.pcie("nvme0");
        host.subsystem_noise();
        let _ = Registry::open(&host.root())
            .claim(&nine, &"stas".parse().unwrap())
            .unwrap();

        let found = controllers(&host.root()).unwrap();
        let names: Vec<_> = found.iter().map(|c| c.device.as_str()).collect();
        assert_eq!(names, ["nvme9", "nvme10"]);
        assert_eq!(found[0].owner, Some("stas".parse().unwrap()));
        assert_eq!(found[1].owner, None);
        assert_eq!(
            found[0].tid.to_string(),
            "transport=tcp;traddr=192.0.2.10;trsvcid=4420;nqn=nqn.2014-08.org.example:a;\
             hostnqn=nqn.2014-08.org.example:host;hostid=f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
        );
        assert_eq!(found[0].class, Some(ControllerClass::Io));
        assert_eq!(found[0].cntlid, Some(7));
        assert_eq!(found[0].src_addr, Some("192.0.2.1".parse().unwrap()));

        let everything = all(&host.root()).unwrap();
        assert_eq!(everything[0].transport, "pcie");
        assert!(everything[0].fabrics.is_none());
        assert_eq!(everything[1].fabrics.as_ref(), Some(&found[0]));
    }

    #[test]
    fn a_controller_in_its_first_connect() {
        let host = FakeHost::new();
        let device = host.tcp("nvme1", "(efault)");
        host.attribute("nvme1", "cntrltype", "reserved\n");
        host.attribute("nvme1", "state", "connecting\n");
        host.attribute("nvme1", "cntlid", "65535\n");
        let live = controller(&host.root(), &device).unwrap().unwrap();
        assert_eq!((live.class, live.cntlid), (None, None));
        assert_eq!(live.state, ControllerState::Connecting);
    }

    #[test]
    fn no_driver_and_half_a_controller_are_no_errors() {
        let host = FakeHost::new();
        assert_eq!(controllers(&host.root()).unwrap(), []);
        let device = host.tcp("nvme1", "nqn.2014-08.org.example:a");
        for gone in ["state", "subsysnqn", "transport"] {
            host.remove_attribute("nvme1", gone);
            assert_eq!(controller(&host.root(), &device).unwrap(), None, "{gone}");
        }
        host.remove_controller("nvme1");
        assert_eq!(controller(&host.root(), &device).unwrap(), None);
    }
}
