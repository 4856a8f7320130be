//! The steps of a connect.

use std::io;

use nvmf_types::{
    ConnectOptions, ConnectString, ControllerClass, DeviceName, HostIdentity, Owner, Transport,
    TransportId,
};
use rustix::io::Errno;

use super::existing::find_existing;
use super::fabrics::{Device, Fabrics};
use super::under_way::{PATIENCE, UnderWay};
use super::{ConnectError, ConnectErrorKind, Reason, fc};
use crate::kernel_log::KernelLog;
use crate::registry::{Registered, Registry, RegistryErrorKind};
use crate::sysfs::{Pinned, SysfsError};
use crate::{Root, references};

/// A new controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// The kernel's name for it.
    pub device: DeviceName,
    /// Inode of its sysfs directory.
    pub sysfs_ino: u64,
    /// Controller id.
    pub cntlid: u16,
    /// Who owns it by the registry: not the one asked for if another tool claimed it first.
    pub owner: Option<Owner>,
    /// Why the registry does not show the owner that was asked for, although the controller is
    /// connected.
    pub warning: Option<String>,
}

/// Connects `tid` and registers the new controller for `owner`; without one, what a predecessor
/// left in the registry goes. Secrets and keys that the options refer to are looked up here. Blocks
/// as long as the kernel does. The kernel refuses a second equal connection for I/O controllers,
/// except on loop.
///
/// # Errors
/// It is not connected, and nothing of it is left but for [`ConnectErrorKind::Unfinished`].
pub fn connect(
    root: &Root,
    tid: &TransportId,
    class: ControllerClass,
    options: &ConnectOptions,
    owner: Option<&Owner>,
) -> Result<Connected, ConnectError> {
    let order = Order {
        root,
        tid,
        class,
        options,
        owner,
    };
    order.explained(|| {
        let _under_way = UnderWay::begin_another(root, tid);
        order.connect()
    })
}

/// Like [`connect`], but not if it is connected already, or while another process of ours connects
/// it: that is waited for. Where `tid` names no host, it is the `default` one.
///
/// # Errors
/// [`ConnectErrorKind::AlreadyConnected`], also where the kernel would not mind; and as
/// [`connect`].
pub fn connect_once(
    root: &Root,
    tid: &TransportId,
    class: ControllerClass,
    options: &ConnectOptions,
    owner: Option<&Owner>,
    default: &HostIdentity,
) -> Result<Connected, ConnectError> {
    let order = Order {
        root,
        tid,
        class,
        options,
        owner,
    };
    order.explained(|| {
        // Where there is no room for a mark there is none for an entry either, and that is said.
        let under_way = UnderWay::begin(root, tid, PATIENCE);
        if matches!(under_way, Ok(None)) {
            return Err(ConnectErrorKind::UnderWay(PATIENCE));
        }
        let io = |e: SysfsError| ConnectErrorKind::Io(e.source);
        if !kernel_refuses_a_second(tid.transport, class)
            && find_existing(root, tid, class, default)
                .map_err(io)?
                .is_some()
        {
            return Err(ConnectErrorKind::AlreadyConnected);
        }
        order.connect()
    })
}

/// Whether the kernel itself says EALREADY (Linux `nvmf_ip_options_match`; a discovery controller
/// has `duplicate_connect` set for it, and loop does not look).
const fn kernel_refuses_a_second(transport: Transport, class: ControllerClass) -> bool {
    matches!(class, ControllerClass::Io) && !matches!(transport, Transport::Loop)
}

/// What is to be connected.
struct Order<'a> {
    root: &'a Root,
    tid: &'a TransportId,
    class: ControllerClass,
    options: &'a ConnectOptions,
    owner: Option<&'a Owner>,
}

impl Order<'_> {
    fn connect(&self) -> Result<Connected, ConnectErrorKind> {
        // one that is no secret the kernel would write to its log, which many may read
        let options = references::resolve(self.root, self.options)?;
        let line = options.connect_string(self.tid, self.class)?;
        let mut device = Device::open(self.root, self.tid.transport)?;
        connect_through(
            &mut device,
            self.root,
            (self.tid.transport, &line),
            self.owner,
        )
    }

    /// Adds what the kernel's log says to an error.
    fn explained(
        &self,
        connect: impl FnOnce() -> Result<Connected, ConnectErrorKind>,
    ) -> Result<Connected, ConnectError> {
        let log = KernelLog::follow(self.root);
        connect().map_err(|kind| {
            let errno = kind.io().and_then(io::Error::raw_os_error);
            let errno = errno.map(Errno::from_raw_os_error);
            let ours = match &kind {
                ConnectErrorKind::Unfinished { device } => Some(device.as_str()),
                _ => None,
            };
            let others = |device: &str| {
                let dir = self.root.sys().join("class/nvme").join(device);
                Some(device) != ours && dir.exists()
            };
            let reason = kind
                .is_in_the_log()
                .then(|| Reason::find(&log.messages(), self.tid, errno, others))
                .flatten();
            ConnectError {
                tid: self.tid.log_form(),
                kind,
                reason,
            }
        })
    }
}

fn connect_through(
    fabrics: &mut impl Fabrics,
    root: &Root,
    (transport, line): (Transport, &ConnectString),
    owner: Option<&Owner>,
) -> Result<Connected, ConnectErrorKind> {
    let registry = Registry::open(root);
    let since = registry.seqnum();
    let answer = fabrics.write(line)?;
    let (device, mut cntlid) = parse(&answer).ok_or(ConnectErrorKind::Answer(answer))?;
    let incarnation = || registry.incarnation(&device).map_err(ConnectErrorKind::Io);
    let sysfs_ino = incarnation()?.ok_or(ConnectErrorKind::Vanished)?;
    if cntlid == u16::MAX || transport == Transport::Fc {
        cntlid = settled(root, &device)?;
    }
    let mut connected = Connected {
        device: device.clone(),
        sysfs_ino,
        cntlid,
        owner: None,
        warning: None,
    };
    match registry.register(&device, sysfs_ino, since, owner, &[]) {
        Ok(Registered::Owned) => connected.owner = owner.cloned(),
        Ok(Registered::Unowned) => {}
        Ok(Registered::OwnedBy(other)) => {
            connected.warning = owner.map(|_| format!("claimed by `{other}` meanwhile"));
            connected.owner = Some(other);
        }
        Err(e) if matches!(e.kind, RegistryErrorKind::NoSuchController(_)) => {
            return Err(ConnectErrorKind::Vanished);
        }
        Err(e) => connected.warning = Some(e.to_string()),
    }
    // The number cannot be anybody else's yet: the device that made it is still open.
    if incarnation()? != Some(sysfs_ino) {
        let _ = registry.reap(&device, None);
        return Err(ConnectErrorKind::Vanished);
    }
    Ok(connected)
}

/// The controller id of a new controller that may not be connected yet, once it is.
fn settled(root: &Root, device: &DeviceName) -> Result<u16, ConnectErrorKind> {
    let open = || Pinned::open(root, device).map_err(|e| ConnectErrorKind::Io(e.source));
    fc::settle(&open()?.ok_or(ConnectErrorKind::Vanished)?)?;
    let live = open()?.ok_or(ConnectErrorKind::Vanished)?;
    live.controller().cntlid.ok_or(ConnectErrorKind::Vanished)
}

/// `instance=N,cntlid=M`
fn parse(answer: &str) -> Option<(DeviceName, u16)> {
    let (mut instance, mut cntlid) = (None, None);
    for (key, value) in answer
        .trim()
        .split(',')
        .filter_map(|field| field.split_once('='))
    {
        match key {
            "instance" => instance = value.parse().ok(),
            "cntlid" => cntlid = value.parse().ok(),
            _ => {}
        }
    }
    Some((DeviceName::from_number(instance?), cntlid?))
}

#[cfg(test)]
mod tests;
