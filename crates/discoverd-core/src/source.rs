//! Who desires a connection, and why: chains of sources.

use std::fmt;

use nvmf_types::nbft::BootOrigin;
use nvmf_types::{FcName, Origin, TransportId};

/// One reason for which a connection is desired. What a discovery log page names has the reason of
/// its discovery controller behind it, and so on to something that needs no reason.
///
/// `Display`: the chain in one line, nearest first, joined by `, from `.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Source {
    /// An entry of a boot table.
    BootTable(BootOrigin),
    /// A line of the configuration.
    Configuration(Origin),
    /// The log page of a discovery controller that is desired itself.
    LogPage {
        /// The discovery controller.
        dc: TransportId,
        /// Why that one is desired, by the shortest way; `None`: it is not any more.
        from: Option<Box<Self>>,
    },
    /// A Fibre Channel port of this host announced it (`FC_EVENT=nvmediscovery`).
    FcAnnouncement {
        /// The port of this host.
        host_traddr: FcName,
        /// The port of the discovery controller.
        traddr: FcName,
    },
    /// An mDNS service of that name (TP8009).
    Service(String),
}

impl Source {
    /// The chain, this one first.
    pub fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |source| match source {
            Self::LogPage { from, .. } => from.as_deref(),
            _ => None,
        })
    }

    /// Where the chain begins.
    #[must_use]
    pub fn root(&self) -> &Self {
        self.chain().last().unwrap_or(self)
    }

    /// Whether it may vanish by itself, as announcements and log pages do, and so is given up some
    /// day. Boot tables and the configuration stay until a person changes them.
    #[must_use]
    pub const fn is_dynamic(&self) -> bool {
        !matches!(self, Self::BootTable(_) | Self::Configuration(_))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BootTable(origin) => write!(f, "boot table {origin}"),
            Self::Configuration(origin) => origin.fmt(f),
            Self::LogPage { dc, from } => {
                write!(f, "discovery log page of {}", dc.log_form())?;
                from.iter().try_for_each(|from| write!(f, ", from {from}"))
            }
            Self::FcAnnouncement {
                host_traddr,
                traddr,
            } => write!(f, "FC announcement of {traddr} at {host_traddr}"),
            Self::Service(name) => write!(f, "mDNS service `{}`", name.escape_debug()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_one_line() {
        let dc = |n: u8| {
            let nqn = nvmf_types::Nqn::DISCOVERY;
            let text = format!("transport=tcp;traddr=192.0.2.{n};trsvcid=8009;nqn={nqn}");
            text.parse::<TransportId>().unwrap()
        };
        let root = Source::Configuration(Origin::new("f.conf", 4));
        let near = Source::LogPage {
            dc: dc(1),
            from: Some(Box::new(root.clone())),
        };
        let far = Source::LogPage {
            dc: dc(2),
            from: Some(Box::new(near.clone())),
        };
        assert_eq!(
            far.to_string(),
            "discovery log page of (tcp, 192.0.2.2, 8009, nqn.2014-08.org.nvmexpress.discovery), from \
             discovery log page of (tcp, 192.0.2.1, 8009, nqn.2014-08.org.nvmexpress.discovery), from \
             f.conf:4"
        );
        assert_eq!(far.root(), &root);
        assert_eq!(far.chain().collect::<Vec<_>>(), [&far, &near, &root]);
        assert!(far.is_dynamic() && !root.is_dynamic());
    }
}
