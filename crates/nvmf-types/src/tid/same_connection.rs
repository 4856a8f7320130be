//! When a live controller is a wanted connection.

use crate::{ControllerClass, HostIdentity, LiveController, Transport, TransportId};

impl TransportId {
    /// Whether `live` is the connection that this id, of a controller of `class`, asks for.
    ///
    /// Not equality: what the id leaves open, the live controller may have any value for (a pinned
    /// host-traddr is also satisfied by an equal source address), and an unset host identity is
    /// the host's `default` one. The well-known discovery name is satisfied by any discovery
    /// controller at the address, because a target may answer to it with a unique name.
    #[must_use]
    pub fn is_satisfied_by(
        &self,
        class: ControllerClass,
        live: &LiveController,
        default: &HostIdentity,
    ) -> bool {
        let have = &live.tid;
        let same_nqn = self.nqn == have.nqn
            || (self.nqn.is_discovery() && live.class == Some(ControllerClass::Discovery));
        let same_target = self.transport == have.transport
            && match (&self.traddr, &have.traddr) {
                (Some(a), Some(b)) => a.same_address(b),
                // loop reports no address
                (None, _) | (_, None) => self.transport == Transport::Loop,
            }
            && self.port(class) == have.port(live.class.unwrap_or(class));
        let same_path = match &self.host_traddr {
            None => true,
            Some(want) => {
                have.host_traddr
                    .as_ref()
                    .is_some_and(|a| want.same_address(a))
                    || (want.ip().is_some() && want.ip() == live.src_addr)
            }
        } && (self.host_iface.is_none() || self.host_iface == have.host_iface);
        let hostnqn = self.hostnqn.as_ref().or(default.hostnqn.as_ref());
        let hostid = self.hostid.or(if self.hostnqn.is_none() {
            default.hostid
        } else {
            None
        });
        let same_host =
            (hostnqn.is_none() || have.hostnqn.is_none() || hostnqn == have.hostnqn.as_ref())
                && (hostid.is_none() || have.hostid.is_none() || hostid == have.hostid);
        same_nqn && same_target && same_path && same_host
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ControllerState;

    const IOC: &str = "transport=tcp;traddr=192.0.2.10;trsvcid=4420;nqn=nqn.2014-08.org.example:a";

    fn tid(text: &str) -> TransportId {
        text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    fn live(text: &str, class: ControllerClass) -> LiveController {
        LiveController {
            device: "nvme0".parse().unwrap(),
            sysfs_ino: 1,
            tid: tid(text),
            class: Some(class),
            state: ControllerState::Live,
            src_addr: Some("192.0.2.1".parse().unwrap()),
            cntlid: Some(1),
            owner: None,
        }
    }

    #[test]
    fn same_connection() {
        let default = HostIdentity {
            hostnqn: Some("nqn.2014-08.org.example:h".parse().unwrap()),
            hostid: None,
        };
        let io = ControllerClass::Io;
        let reported = format!(
            "{IOC};host-traddr=192.0.2.7;host-iface=eth0;hostnqn=nqn.2014-08.org.example:h;hostid=f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
        );
        let is = |want: &str| tid(want).is_satisfied_by(io, &live(&reported, io), &default);
        assert!(is(IOC), "what is not pinned may be anything");
        assert!(
            is("transport=tcp;traddr=192.0.2.10;nqn=nqn.2014-08.org.example:a"),
            "default port"
        );
        assert!(is(&format!("{IOC};host-traddr=192.0.2.7")));
        assert!(
            is(&format!("{IOC};host-traddr=192.0.2.1")),
            "the source address"
        );
        assert!(!is(&format!("{IOC};host-traddr=192.0.2.8")));
        assert!(!is(&format!("{IOC};host-iface=eth1")));
        assert!(!is(&format!("{IOC};hostnqn=nqn.2014-08.org.example:other")));
        assert!(!is(&IOC.replace("4420", "4421")));
        assert!(!is(&IOC.replace(":a", ":b")));
        assert!(!is(&IOC.replace("tcp", "rdma")));
        let other_default = HostIdentity {
            hostnqn: Some("nqn.2014-08.org.example:x".parse().unwrap()),
            hostid: None,
        };
        assert!(
            !tid(IOC).is_satisfied_by(io, &live(&reported, io), &other_default),
            "unset is the default identity"
        );
    }

    #[test]
    fn well_known_discovery_name_matches_a_unique_one() {
        let dc = ControllerClass::Discovery;
        let want = tid("transport=tcp;traddr=::1;nqn=nqn.2014-08.org.nvmexpress.discovery");
        let have = "transport=tcp;traddr=::1;trsvcid=8009;nqn=nqn.2014-08.org.example:dc";
        assert!(want.is_satisfied_by(dc, &live(have, dc), &HostIdentity::default()));
        assert!(!want.is_satisfied_by(
            dc,
            &live(have, ControllerClass::Io),
            &HostIdentity::default()
        ));
    }

    #[test]
    fn the_default_port_is_that_of_the_class() {
        let (io, dc) = (ControllerClass::Io, ControllerClass::Discovery);
        let text = "transport=tcp;traddr=::1;nqn=nqn.2014-08.org.example:dc";
        let default = HostIdentity::default();
        assert!(tid(text).is_satisfied_by(dc, &live(text, dc), &default));
        assert!(!tid(text).is_satisfied_by(dc, &live(text, io), &default));
    }
}
