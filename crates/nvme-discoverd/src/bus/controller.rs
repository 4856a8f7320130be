//! One connection on the bus.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use discoverd_core::{ConnectionStatus, UnitState};
use nvmf_types::ControllerClass;
use zbus::{Variant, interface};

use crate::clock::Clock;
use crate::unit_spec;

/// `org.nvmexpress.Discoverd1.Controller`: a desired connection, or a controller of ours that
/// nobody desires any more. Unset texts are empty.
#[derive(Clone, Debug)]
pub(crate) struct Controller(pub(crate) Arc<Mutex<View>>);

/// The values of its properties.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    transport: String,
    traddr: String,
    trsvcid: String,
    nqn: String,
    host_traddr: String,
    host_iface: String,
    hostnqn: String,
    hostid: String,
    class: String,
    state: String,
    reason: String,
    since: u64,
    owner: String,
    device: String,
    sysfs_ino: u64,
    sources: Vec<String>,
    last_error: String,
    next_retry: u64,
    unit: String,
    unit_state: String,
    attempts: u32,
}

impl View {
    /// What a status says.
    pub(crate) fn new(status: &ConnectionStatus, clock: &Clock) -> Self {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let device = status.device.as_deref().and_then(|it| it.parse().ok());
        let unit = match (&status.unit, device, status.sysfs_ino) {
            (Some(_), Some(device), Some(ino)) => unit_spec::name(&device, ino),
            _ => String::new(),
        };
        Self {
            transport: status.transport.clone(),
            traddr: text(&status.traddr),
            trsvcid: text(&status.trsvcid),
            nqn: status.nqn.clone(),
            host_traddr: text(&status.host_traddr),
            host_iface: text(&status.host_iface),
            hostnqn: text(&status.hostnqn),
            hostid: text(&status.hostid),
            class: match status.class {
                ControllerClass::Discovery => "discovery".to_owned(),
                ControllerClass::Io => "io".to_owned(),
            },
            state: status.state.to_string(),
            reason: status.reason.clone(),
            since: clock.monotonic_usec(status.since_ms),
            owner: text(&status.owner),
            device: text(&status.device),
            sysfs_ino: status.sysfs_ino.unwrap_or_default(),
            sources: status.sources.clone(),
            last_error: text(&status.last_error),
            next_retry: status.retry_at_ms.map_or(0, |at| clock.monotonic_usec(at)),
            unit,
            unit_state: match status.unit {
                None => "",
                Some(UnitState::Starting) => "starting",
                Some(UnitState::Active) => "active",
                Some(UnitState::Failed) => "failed",
                Some(UnitState::Refused) => "refused",
            }
            .to_owned(),
            attempts: status.attempts,
        }
    }

    /// What makes it this connection, the same as long as somebody desires it.
    pub(crate) fn identity(&self) -> [&str; 9] {
        [
            &self.transport,
            &self.traddr,
            &self.trsvcid,
            &self.nqn,
            &self.host_traddr,
            &self.host_iface,
            &self.hostnqn,
            &self.hostid,
            &self.class,
        ]
    }

    /// The controller, for what is no connection of its own.
    pub(crate) fn incarnation(&self) -> String {
        format!("{}_{}", self.device, self.sysfs_ino)
    }

    /// The properties that are other than `before`.
    pub(crate) fn changed_since(&self, before: &Self) -> HashMap<&'static str, Variant<'static>> {
        let mut changed = HashMap::new();
        macro_rules! compare {
            ($($property:literal $field:ident)*) => {$(
                if self.$field != before.$field {
                    changed.insert($property, Variant::new(self.$field.clone()));
                }
            )*};
        }
        compare! {
            "State" state
            "Reason" reason
            "SinceMonotonicUSec" since
            "Owner" owner
            "Device" device
            "SysfsIno" sysfs_ino
            "Sources" sources
            "LastError" last_error
            "NextRetryMonotonicUSec" next_retry
            "Unit" unit
            "UnitState" unit_state
            "Attempts" attempts
        }
        changed
    }
}

impl Controller {
    fn with<T>(&self, read: impl FnOnce(&View) -> T) -> T {
        read(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[interface(name = "org.nvmexpress.Discoverd1.Controller")]
impl Controller {
    /// The fabric: `tcp`, `rdma`, `fc`, `loop`.
    #[zbus(property(emits_changed_signal = "const"))]
    fn transport(&self) -> String {
        self.with(|view| view.transport.clone())
    }

    /// The target's address.
    #[zbus(property(emits_changed_signal = "const"))]
    fn traddr(&self) -> String {
        self.with(|view| view.traddr.clone())
    }

    /// The target's port.
    #[zbus(property(emits_changed_signal = "const"))]
    fn trsvcid(&self) -> String {
        self.with(|view| view.trsvcid.clone())
    }

    /// The subsystem.
    #[zbus(property(emits_changed_signal = "const"))]
    fn nqn(&self) -> String {
        self.with(|view| view.nqn.clone())
    }

    /// The host's address, if one is asked for.
    #[zbus(property(emits_changed_signal = "const"))]
    fn host_traddr(&self) -> String {
        self.with(|view| view.host_traddr.clone())
    }

    /// The host's interface, if one is asked for.
    #[zbus(property(emits_changed_signal = "const"))]
    fn host_iface(&self) -> String {
        self.with(|view| view.host_iface.clone())
    }

    /// The host's name, if it is not the default one.
    #[zbus(property(emits_changed_signal = "const"))]
    fn hostnqn(&self) -> String {
        self.with(|view| view.hostnqn.clone())
    }

    /// The host's identifier, if it is not the default one.
    #[zbus(property(emits_changed_signal = "const"))]
    fn hostid(&self) -> String {
        self.with(|view| view.hostid.clone())
    }

    /// `io` or `discovery`.
    #[zbus(property(emits_changed_signal = "const"))]
    fn class(&self) -> String {
        self.with(|view| view.class.clone())
    }

    /// `waiting`, `starting`, `connected`, `lost`, `retrying`, `excluded`, `foreign`, `idle`,
    /// `gave-up`.
    #[zbus(property)]
    fn state(&self) -> String {
        self.with(|view| view.state.clone())
    }

    /// Why it is in that state.
    #[zbus(property)]
    fn reason(&self) -> String {
        self.with(|view| view.reason.clone())
    }

    /// Since when, in microseconds of CLOCK_MONOTONIC.
    #[zbus(property, name = "SinceMonotonicUSec")]
    fn since(&self) -> u64 {
        self.with(|view| view.since)
    }

    /// Who owns the controller.
    #[zbus(property)]
    fn owner(&self) -> String {
        self.with(|view| view.owner.clone())
    }

    /// The controller: `nvme3`.
    #[zbus(property)]
    fn device(&self) -> String {
        self.with(|view| view.device.clone())
    }

    /// Its incarnation: the inode of its folder in sysfs; 0: there is none.
    #[zbus(property)]
    fn sysfs_ino(&self) -> u64 {
        self.with(|view| view.sysfs_ino)
    }

    /// Who asks for it, one chain each; empty: nobody any more.
    #[zbus(property)]
    fn sources(&self) -> Vec<String> {
        self.with(|view| view.sources.clone())
    }

    /// What went wrong last.
    #[zbus(property)]
    fn last_error(&self) -> String {
        self.with(|view| view.last_error.clone())
    }

    /// When it is tried again, in microseconds of CLOCK_MONOTONIC; 0: no attempt is due.
    #[zbus(property, name = "NextRetryMonotonicUSec")]
    fn next_retry(&self) -> u64 {
        self.with(|view| view.next_retry)
    }

    /// The unit that orders its disconnect at shutdown.
    #[zbus(property)]
    fn unit(&self) -> String {
        self.with(|view| view.unit.clone())
    }

    /// `starting`, `active`, `failed`, `refused`.
    #[zbus(property)]
    fn unit_state(&self) -> String {
        self.with(|view| view.unit_state.clone())
    }

    /// Attempts to connect since it was last connected for a while.
    #[zbus(property)]
    fn attempts(&self) -> u32 {
        self.with(|view| view.attempts)
    }
}
