//! Places, and whether anybody answers there.

use std::collections::BTreeMap;

use nvmf_types::{ControllerClass, Traddr, Transport, TransportId};

use super::walker::TargetId;

/// A place by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PlaceId(usize);

/// Where a connection goes, and where from; and whether with TLS, which is asked for otherwise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Where {
    transport: Transport,
    traddr: Option<Traddr>,
    port: Option<u16>,
    host_traddr: Option<Traddr>,
    host_iface: Option<String>,
    tls: bool,
}

/// What is known about a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing: it is to be probed.
    Unasked,
    /// It is being probed.
    Asked,
    /// It answers.
    Yes,
    /// It does not, and why.
    No(String),
}

#[derive(Debug)]
struct Place {
    answer: Answer,
    waiting: Vec<TargetId>,
    /// The kernel has connected something there.
    proven: bool,
}

/// The places that were asked about.
#[derive(Debug, Default)]
pub(super) struct Places {
    ids: BTreeMap<Where, PlaceId>,
    places: Vec<Place>,
}

impl Places {
    /// The place of a connection. Only tcp can be asked from user space.
    pub(super) fn of(&mut self, tid: &TransportId, class: ControllerClass, tls: bool) -> PlaceId {
        let place = Where {
            transport: tid.transport,
            traddr: tid.traddr.clone(),
            port: tid.port(class),
            host_traddr: tid.host_traddr.clone(),
            host_iface: tid.host_iface.clone(),
            tls,
        };
        let places = &mut self.places;
        *self.ids.entry(place).or_insert_with(|| {
            let answer = match tid.transport {
                Transport::Tcp => Answer::Unasked,
                _ => Answer::Yes,
            };
            places.push(Place {
                answer,
                waiting: Vec::new(),
                proven: false,
            });
            PlaceId(places.len() - 1)
        })
    }

    pub(super) fn answer(&self, id: PlaceId) -> Answer {
        let place = self.places.get(id.0);
        place.map_or(Answer::Unasked, |place| place.answer.clone())
    }

    /// Lets a target wait for the answer; `true`: it has to be asked for.
    pub(super) fn wait(&mut self, id: PlaceId, target: TargetId) -> bool {
        let Some(place) = self.places.get_mut(id.0) else {
            return false;
        };
        place.waiting.push(target);
        let first = place.answer == Answer::Unasked;
        place.answer = Answer::Asked;
        first
    }

    /// Takes the answer, and gives back who waited for it.
    pub(super) fn set(&mut self, id: PlaceId, answer: Answer) -> Vec<TargetId> {
        let Some(place) = self.places.get_mut(id.0) else {
            return Vec::new();
        };
        place.answer = answer;
        std::mem::take(&mut place.waiting)
    }

    /// The kernel has connected something there.
    pub(super) fn prove(&mut self, id: PlaceId) {
        if let Some(place) = self.places.get_mut(id.0) {
            place.proven = true;
        }
    }

    /// Whether the kernel has connected something there.
    pub(super) fn is_proven(&self, id: PlaceId) -> bool {
        self.places.get(id.0).is_some_and(|place| place.proven)
    }

    /// What was known is doubtful.
    pub(super) fn doubt(&mut self, id: PlaceId) {
        if let Some(place) = self.places.get_mut(id.0)
            && place.answer == Answer::Yes
        {
            place.answer = Answer::Unasked;
        }
    }
}
