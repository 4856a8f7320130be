//! What Fibre Channel ports announced, and what nobody announces any more.

use std::collections::BTreeMap;

use discoverd_core::Timestamp;

use super::super::name::{Name, Names};

/// How long what the ports announce when they are asked may be on its way; then what none announced is forgotten.
pub(in super::super) const ARRIVED_MS: u64 = 10_000;

/// Who was announced when, and since when everybody was.
#[derive(Debug, Default)]
pub(in super::super) struct Announced {
    heard: BTreeMap<Name, Timestamp>,
    kicked: Timestamp,
    due: Option<Timestamp>,
}

impl Announced {
    /// A port announced one.
    pub(super) fn heard(&mut self, name: Name, now: Timestamp) {
        self.heard.insert(name, now);
    }

    /// All ports announced all that they see since `began`.
    pub(super) fn kicked(&mut self, began: Timestamp, now: Timestamp) {
        let still = self.names(now);
        self.heard.retain(|name, _| still.has(*name));
        self.kicked = began;
        self.due = Some(now.after_ms(ARRIVED_MS));
    }

    /// Who is announced.
    pub(in super::super) fn names(&self, now: Timestamp) -> Names {
        let over = self.due.is_some_and(|due| due <= now);
        let still = |(_, at): &(&Name, &Timestamp)| !over || **at >= self.kicked;
        Names::of(self.heard.iter().filter(still).map(|(name, _)| *name))
    }
}
