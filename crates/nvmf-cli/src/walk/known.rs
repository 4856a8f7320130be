//! What was asked for already, so that each target is walked to once.

use std::collections::{BTreeMap, BTreeSet};

use nvmf_types::{ControllerClass, Nqn, TransportId, Trsvcid};

use super::Wish;

/// The targets that there are.
#[derive(Debug, Default)]
pub(super) struct Known {
    io: BTreeSet<TransportId>,
    /// Discovery controllers by their place and the host's identity, with their names.
    dc: BTreeMap<TransportId, BTreeSet<Nqn>>,
}

impl Known {
    /// Notes all addresses of a wish; `false`: one of them leads to a known target.
    ///
    /// Under the well-known name and under its own a discovery controller is the same one.
    pub(super) fn insert(&mut self, wish: &Wish) -> bool {
        let device = wish.device.iter().map(|live| &live.tid);
        let addresses = wish.addresses.iter().chain(device);
        let ids: Vec<TransportId> = addresses.map(|tid| spelled_out(tid, wish.class)).collect();
        match wish.class {
            ControllerClass::Io => {
                if ids.iter().any(|id| self.io.contains(id)) {
                    return false;
                }
                self.io.extend(ids);
            }
            ControllerClass::Discovery => {
                if ids.iter().any(|id| self.has_dc(id)) {
                    return false;
                }
                for id in ids {
                    let (place, name) = nameless(id);
                    self.dc.entry(place).or_default().insert(name);
                }
            }
        }
        true
    }

    fn has_dc(&self, id: &TransportId) -> bool {
        let (place, name) = nameless(id.clone());
        let names = self.dc.get(&place);
        names.is_some_and(|names| {
            name.is_discovery() || names.contains(&name) || names.iter().any(Nqn::is_discovery)
        })
    }
}

/// With its port, given or not.
fn spelled_out(tid: &TransportId, class: ControllerClass) -> TransportId {
    let mut tid = tid.clone();
    let port = tid.port(class).map(|port| port.to_string());
    tid.trsvcid = port.and_then(|port| port.parse::<Trsvcid>().ok());
    tid
}

fn nameless(mut id: TransportId) -> (TransportId, Nqn) {
    let name = std::mem::replace(&mut id.nqn, Nqn::discovery());
    (id, name)
}
