//! The kernel's uevents as inputs.

use std::io;

use discoverd_core::Event;
use nvmf::uevent::{Received, Socket, Uevent};
use nvmf_types::DeviceName;
use tracing::debug;

use crate::inputs::{Input, Inputs, put};
use crate::ready;

/// Discovery Log Page Change, as the kernel spells the asynchronous event (Base Specification,
/// Asynchronous Event Information: notice, log page 70h).
const DISCOVERY_LOG_CHANGED: &str = "0x70f002";

/// Forwards the events of NVMe controllers from a socket opened before, on a task of its own.
///
/// # Errors
/// The socket cannot be awaited.
pub(crate) fn forward(socket: Socket, inputs: Inputs) -> io::Result<()> {
    let socket = ready::readable(socket)?;
    tokio::spawn(async move {
        let error = loop {
            let mut guard = match socket.readable().await {
                Ok(guard) => guard,
                Err(error) => break error,
            };
            match guard.try_io(|socket| socket.get_ref().recv()) {
                // nothing more for now
                Err(_) => {}
                Ok(Ok(Received::Event(event))) => forward_event(event, &inputs),
                Ok(Ok(Received::Overflow)) => put(&inputs, Input::UeventsLost),
                Ok(Ok(Received::Foreign)) => debug!("a message that is no kernel uevent: ignored"),
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(error)) => break error,
            }
        };
        put(
            &inputs,
            Input::Fatal(format!("cannot receive uevents: {error}")),
        );
    });
    Ok(())
}

fn forward_event(event: Uevent, inputs: &Inputs) {
    if controller(&event).is_some() {
        put(inputs, Input::Uevent(event));
    } else if let Some(announced) = fc_announcement(&event) {
        put(inputs, announced);
    }
}

/// The discovery controller that a Fibre Channel port announces (Linux `drivers/nvme/host/fc.c`,
/// `nvme_fc_signal_discovery_scan`).
fn fc_announcement(event: &Uevent) -> Option<Event> {
    if event.subsystem != "fc" || event.prop("FC_EVENT")? != "nvmediscovery" {
        return None;
    }
    let host_traddr = event.prop("NVMEFC_HOST_TRADDR")?.parse().ok()?;
    let traddr = event.prop("NVMEFC_TRADDR")?.parse().ok()?;
    Some(Event::FcAnnounced {
        host_traddr,
        traddr,
    })
}

/// The controller that an event is about: of subsystem `nvme` with a `DEVNAME` of `nvmeN`, not a
/// namespace or a subsystem.
pub(crate) fn controller(event: &Uevent) -> Option<DeviceName> {
    let name = event.props.get("DEVNAME")?;
    (event.subsystem == "nvme")
        .then(|| name.parse().ok())
        .flatten()
}

/// Whether the kernel removed the event's device; nothing went if somebody only asked for the event
/// (`udevadm trigger --action=remove`).
pub(crate) fn removed(event: &Uevent) -> bool {
    event.action == "remove" && !event.props.contains_key("SYNTH_UUID")
}

/// Whether the event says that a discovery log page is to be read: it changed, or its controller
/// is back.
pub(crate) fn discovery_changed(event: &Uevent) -> bool {
    let is = |key: &str, value: &str| {
        event
            .props
            .get(key)
            .is_some_and(|v| v.eq_ignore_ascii_case(value))
    };
    is("NVME_AEN", DISCOVERY_LOG_CHANGED) || is("NVME_EVENT", "rediscover")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn event(subsystem: &str, props: &[(&str, &str)]) -> Uevent {
        Uevent {
            action: "change".into(),
            devpath: "/devices/virtual/nvme-fabrics/ctl/nvme3".into(),
            subsystem: subsystem.into(),
            seqnum: 1,
            props: props
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn only_controllers_count() {
        let of = |subsystem, name| controller(&event(subsystem, &[("DEVNAME", name)]));
        assert_eq!(of("nvme", "nvme3"), "nvme3".parse().ok());
        assert_eq!(of("block", "nvme3n1"), None);
        assert_eq!(of("nvme-generic", "ng3n1"), None);
        assert_eq!(of("nvme", "../nvme3"), None);
        assert_eq!(controller(&event("nvme-subsystem", &[])), None);
    }

    #[test]
    fn fibre_channel_announces_discovery_controllers() {
        let (host, target) = (
            "nn-0x10001100aa000001:pn-0x20001100aa000001",
            "nn-0x10001100ab000001:pn-0x20001100ab000001",
        );
        let of = |subsystem, kind, target| {
            let props = [
                ("FC_EVENT", kind),
                ("NVMEFC_HOST_TRADDR", host),
                ("NVMEFC_TRADDR", target),
            ];
            match fc_announcement(&event(subsystem, &props)) {
                Some(Event::FcAnnounced {
                    host_traddr,
                    traddr,
                }) => Some((host_traddr.to_string(), traddr.to_string())),
                _ => None,
            }
        };
        let told = Some((host.to_owned(), target.to_owned()));
        assert_eq!(of("fc", "nvmediscovery", target), told);
        assert_eq!(of("fc", "other", target), None);
        assert_eq!(of("nvme", "nvmediscovery", target), None);
        assert_eq!(of("fc", "nvmediscovery", "none"), None);
        assert_eq!(of("fc", "nvmediscovery", "pn-0x1"), None);
    }

    #[test]
    fn only_the_kernel_removes() {
        for (action, props, expected) in [
            ("remove", &[][..], true),
            ("change", &[], false),
            ("remove", &[("SYNTH_UUID", "0")], false),
        ] {
            let event = Uevent {
                action: action.into(),
                ..event("nvme", props)
            };
            assert_eq!(removed(&event), expected, "{event:?}");
        }
    }

    #[test]
    fn log_page_changes() {
        for (key, value, expected) in [
            ("NVME_AEN", "0x70f002", true),
            ("NVME_AEN", "0x70F002", true),
            ("NVME_AEN", "0x0c0002", false),
            ("NVME_EVENT", "rediscover", true),
            ("NVME_EVENT", "connected", false),
        ] {
            assert_eq!(
                discovery_changed(&event("nvme", &[(key, value)])),
                expected,
                "{key}={value}"
            );
        }
    }
}
