//! The controllers that were connected when the walk began.

use std::collections::BTreeMap;

use nvmf_types::{
    ControllerState, HostIdentity, LiveController, Owner, Traddr, Transport, TransportId,
};

use super::Wish;

/// Live controllers, found by where they lead.
#[derive(Debug, Default)]
pub(super) struct Live {
    by_place: BTreeMap<(Transport, Option<Traddr>), Vec<LiveController>>,
}

impl Live {
    pub(super) fn new(controllers: Vec<LiveController>) -> Self {
        let mut live = Self::default();
        for controller in controllers {
            let going = [ControllerState::Deleting, ControllerState::Dead];
            if !going.contains(&controller.state) {
                let place = place(&controller.tid);
                live.by_place.entry(place).or_default().push(controller);
            }
        }
        live
    }

    /// A controller that is what the wish asks for, at any of its addresses: one that its owner
    /// may use before another's, one that is live before one that is being reconnected.
    pub(super) fn find(&self, wish: &Wish, default: &HostIdentity) -> Option<&LiveController> {
        let at_its_places = wish.addresses.iter().flat_map(|tid| {
            let there = self.by_place.get(&place(tid)).into_iter().flatten();
            there.filter(move |live| tid.is_satisfied_by(wish.class, live, default))
        });
        at_its_places.min_by_key(|live| {
            let foreign = is_foreign(live, wish.owner.as_ref());
            (foreign, live.state != ControllerState::Live)
        })
    }
}

/// Whether the controller is somebody's, and not `owner`'s.
pub(super) fn is_foreign(live: &LiveController, owner: Option<&Owner>) -> bool {
    live.owner.is_some() && live.owner.as_ref() != owner
}

/// Without what may be left open: loop reports no address, and a scope may be missing.
fn place(tid: &TransportId) -> (Transport, Option<Traddr>) {
    let traddr = match &tid.traddr {
        Some(Traddr::Ip { addr, .. }) => Some(Traddr::from_ip(*addr)),
        Some(Traddr::Text(_)) | None => None,
        other => other.clone(),
    };
    (tid.transport, traddr)
}
