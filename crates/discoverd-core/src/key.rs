//! Names of connections.

use std::cmp::Reverse;
use std::sync::Arc;

use nvmf_types::{ControllerClass, TransportId, Trsvcid};

/// Names one desired connection: its transport id with the port spelled out, and its class.
/// Discovery controllers order first. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(Arc<(Reverse<ControllerClass>, TransportId)>);

impl Key {
    /// The name of the connection to `tid`.
    pub(crate) fn new(class: ControllerClass, mut tid: TransportId) -> Self {
        let port = tid.port(class);
        tid.trsvcid = port.and_then(|port| Trsvcid::from_port(port).ok());
        Self(Arc::new((Reverse(class), tid)))
    }

    /// What kind of controller it is.
    pub(crate) fn class(&self) -> ControllerClass {
        self.0.0.0
    }

    /// Whether it is a discovery controller.
    pub(crate) fn is_discovery(&self) -> bool {
        self.class() == ControllerClass::Discovery
    }

    /// The transport id.
    pub(crate) fn tid(&self) -> &TransportId {
        &self.0.1
    }
}
