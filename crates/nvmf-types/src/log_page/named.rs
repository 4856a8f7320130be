//! What a whole log page means for the host that reads it.

use crate::config::Persistence;
use crate::{ControllerClass, Traddr, TransportId};

use super::{DiscoveryLog, LogEntry, Sectype, Subtype};

/// A connection that a discovery log page names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// I/O for an NVM subsystem, discovery for a referral.
    pub class: ControllerClass,
    /// Where it leads, and as whom; see [`LogEntry::connection`].
    pub tid: TransportId,
    /// Whether it has to be secured.
    pub tls: TlsUse,
}

/// What an entry says about TLS (Base Specification 2.x, discovery log page entry, TREQ bits 1:0;
/// NVMe/TCP Transport Specification, TSAS SECTYPE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsUse {
    /// The port has none, or the transport is not tcp.
    No,
    /// The host may choose.
    Possible,
    /// Nothing else is accepted.
    Required,
}

impl LogEntry {
    /// Whether the connection is to be secured by TLS. A port that requires a secure channel gets
    /// it, whatever security type it names; an unknown type is left to the host's choice.
    #[must_use]
    pub fn tls(&self) -> TlsUse {
        match (self.sectype(), self.treq & 3) {
            (None, _) => TlsUse::No,
            (Some(_), 1) => TlsUse::Required,
            (Some(Sectype::None), _) => TlsUse::No,
            (Some(_), _) => TlsUse::Possible,
        }
    }
}

impl DiscoveryLog {
    /// The connections that the page names, read from a discovery controller that was reached as
    /// `via`, in the order of the page; and a line for each entry that names none although it
    /// should, those of [`Self::ignored`] first.
    ///
    /// No entry is left out for its DUPRETINFO: that flag is defined for the entries in which the
    /// controller speaks of itself, and those name no connection to make.
    #[must_use]
    pub fn connections(&self, via: &TransportId) -> (Vec<Named>, Vec<String>) {
        let mut named = Vec::new();
        let mut problems = self.ignored.clone();
        for entry in &self.entries {
            match entry.connection(via) {
                Ok(Some((class, tid))) => named.push(Named {
                    class,
                    tid,
                    tls: entry.tls(),
                }),
                Ok(None) => {}
                Err(error) => problems.push(format!("the entry of `{}`: {error}", entry.subnqn)),
            }
        }
        (named, problems)
    }

    /// The entry in which the discovery controller speaks of the port that was reached as `via`.
    /// One with several ports has an entry for each; where none has the port's address, because it
    /// was translated on the way, the first one counts.
    #[must_use]
    pub fn current_at(&self, via: &TransportId) -> Option<&LogEntry> {
        let here = |entry: &&LogEntry| {
            entry.subtype == Subtype::Current
                && entry.trtype.as_str() == via.transport.as_str()
                && leads_to(entry, via)
        };
        self.entries.iter().find(here).or_else(|| self.current())
    }

    /// Whether the discovery controller that was reached as `via` stays connected. With `auto` it
    /// does unless it says that it supports no explicit persistent connections (EFLAGS.EPCSD of
    /// its own entry); one that has no such entry does not say.
    #[must_use]
    pub fn stays(&self, persistence: Persistence, via: &TransportId) -> bool {
        match persistence {
            Persistence::No => false,
            Persistence::Force => true,
            Persistence::Auto => self
                .current_at(via)
                .is_none_or(LogEntry::explicit_persistent),
        }
    }
}

fn leads_to(entry: &LogEntry, via: &TransportId) -> bool {
    let traddr = Traddr::parse(via.transport, &entry.traddr).ok();
    let same_address = match (&traddr, &via.traddr) {
        (Some(a), Some(b)) => a.same_address(b),
        // loop reports no address
        (a, b) => a.is_none() && b.is_none(),
    };
    let port = via
        .port(ControllerClass::Discovery)
        .map(|port| port.to_string());
    same_address && port.is_none_or(|port| entry.trsvcid == port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Nqn;
    use crate::log_page::log::tests::bytes_of;

    const VIA: &str = "transport=tcp;traddr=192.0.2.1;nqn=nqn.2014-08.org.nvmexpress.discovery";

    fn via() -> TransportId {
        VIA.parse().unwrap()
    }

    fn entry(trtype: u8, subtype: u8, treq: u8, sectype: u8) -> LogEntry {
        let nqn = "nqn.2014-08.org.example:a";
        let mut bytes = bytes_of(trtype, subtype, "8009", nqn, "192.0.2.1");
        bytes[3] = treq;
        bytes[768] = sectype;
        LogEntry::decode(&bytes).unwrap()
    }

    fn own(traddr: &str, trsvcid: &str, eflags: u16) -> LogEntry {
        LogEntry {
            traddr: traddr.to_owned(),
            trsvcid: trsvcid.to_owned(),
            eflags,
            ..entry(3, 3, 0, 0)
        }
    }

    fn log(entries: Vec<LogEntry>) -> DiscoveryLog {
        DiscoveryLog {
            genctr: 1,
            entries,
            ignored: Vec::new(),
        }
    }

    #[test]
    fn tls_by_treq_and_sectype() {
        for (trtype, treq, sectype, expected) in [
            (3, 0, 0, TlsUse::No),
            (3, 2, 0, TlsUse::No),
            (3, 4, 0, TlsUse::No),
            (3, 0, 2, TlsUse::Possible),
            (3, 2, 2, TlsUse::Possible),
            (3, 6, 1, TlsUse::Possible),
            (3, 3, 9, TlsUse::Possible),
            (3, 1, 2, TlsUse::Required),
            (3, 5, 2, TlsUse::Required),
            (3, 1, 0, TlsUse::Required),
            (1, 1, 2, TlsUse::No),
            (2, 0, 2, TlsUse::No),
        ] {
            let have = entry(trtype, 2, treq, sectype).tls();
            assert_eq!(
                have, expected,
                "trtype {trtype} treq {treq} sectype {sectype}"
            );
        }
    }

    #[test]
    fn every_entry_but_its_own_names_a_connection() {
        let mut page = log(vec![
            own("192.0.2.1", "8009", 3),
            entry(3, 1, 0, 0),
            entry(3, 2, 1, 2),
            entry(0, 2, 0, 0),
        ]);
        // DUPRETINFO means nothing on a referral
        page.entries[1].eflags = 1;
        page.ignored.push("discovery log entry 4: x".to_owned());
        let (named, problems) = page.connections(&via());
        let named: Vec<_> = named.iter().map(|n| (n.class, n.tls)).collect();
        assert_eq!(
            named,
            [
                (ControllerClass::Discovery, TlsUse::No),
                (ControllerClass::Io, TlsUse::Required)
            ]
        );
        assert_eq!(
            problems,
            [
                "discovery log entry 4: x",
                "the entry of `nqn.2014-08.org.example:a`: transport type `0` is unknown"
            ]
        );
    }

    #[test]
    fn what_stays() {
        let says = |entries: Vec<LogEntry>, persistence| log(entries).stays(persistence, &via());
        let (yes, no) = (2, 0);
        for (entries, auto) in [
            (vec![], true),
            (vec![own("192.0.2.1", "8009", yes)], true),
            (vec![own("192.0.2.1", "8009", no)], false),
            (
                vec![own("192.0.2.2", "8009", yes), own("192.0.2.1", "8009", no)],
                false,
            ),
            (
                vec![own("192.0.2.1", "8010", no), own("192.0.2.1", "8009", yes)],
                true,
            ),
            // an address that was translated on the way
            (vec![own("10.0.0.1", "8009", no)], false),
            (vec![entry(3, 2, 0, 0)], true),
        ] {
            let text = format!("{entries:?}");
            assert_eq!(says(entries.clone(), Persistence::Auto), auto, "{text}");
            assert!(says(entries.clone(), Persistence::Force));
            assert!(!says(entries, Persistence::No));
        }
    }

    #[test]
    fn loop_has_no_address() {
        let via = TransportId::new(crate::Transport::Loop, None, Nqn::discovery());
        let mut page = log(vec![own("", "", 2), own("", "", 0)]);
        page.entries[1].trtype = super::super::Trtype::Loop;
        assert!(!page.stays(Persistence::Auto, &via));
    }
}
