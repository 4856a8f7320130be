//! Names of connections.

use std::cmp::{Ordering, Reverse};
use std::net::IpAddr;
use std::sync::Arc;

use nvmf_types::{ControllerClass, Traddr, Transport, TransportId, Trsvcid};

/// Names one desired connection: its transport id with the port spelled out, and its class.
/// Discovery controllers order first. Cheap to clone, and to compare where they lead to different
/// places.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// What decides most comparisons without a look at the heap.
    prefix: u64,
    full: Arc<(Reverse<ControllerClass>, TransportId)>,
}

impl Key {
    /// The name of the connection to `tid`.
    pub(crate) fn new(class: ControllerClass, mut tid: TransportId) -> Self {
        let port = tid.port(class);
        tid.trsvcid = port.and_then(|port| Trsvcid::from_port(port).ok());
        Self {
            prefix: prefix(class, &tid, port.unwrap_or(0)),
            full: Arc::new((Reverse(class), tid)),
        }
    }

    /// What kind of controller it is.
    pub(crate) fn class(&self) -> ControllerClass {
        self.full.0.0
    }

    /// Whether it is a discovery controller.
    pub(crate) fn is_discovery(&self) -> bool {
        self.class() == ControllerClass::Discovery
    }

    /// The transport id.
    pub(crate) fn tid(&self) -> &TransportId {
        &self.full.1
    }
}

/// The class, and then most of what the place consists of: it orders as people would.
fn prefix(class: ControllerClass, tid: &TransportId, port: u16) -> u64 {
    let class = match class {
        ControllerClass::Discovery => 0,
        ControllerClass::Io => 1_u64 << 63,
    };
    let transport = match tid.transport {
        Transport::Tcp => 0,
        Transport::Rdma => 1,
        Transport::Fc => 2,
        Transport::Loop => 3,
    };
    let place = match &tid.traddr {
        Some(Traddr::Ip { addr, .. }) => match addr {
            IpAddr::V4(addr) => u64::from(addr.to_bits()),
            // hosts of one network differ at the end
            IpAddr::V6(addr) => {
                let [.., a, b, c, d] = addr.octets();
                1 << 32 | u64::from(u32::from_be_bytes([a, b, c, d]))
            }
        },
        Some(Traddr::Fc(name)) => name.port & 0xffff_ffff,
        Some(Traddr::Text(_)) | None => 0,
    };
    class | transport << 60 | place << 16 | u64::from(port)
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        let prefixes = self.prefix.cmp(&other.prefix);
        prefixes.then_with(|| {
            if Arc::ptr_eq(&self.full, &other.full) {
                Ordering::Equal
            } else {
                self.full.cmp(&other.full)
            }
        })
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Key {}
