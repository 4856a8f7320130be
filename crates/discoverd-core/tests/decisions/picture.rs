//! What somebody shows who follows what is new in the status.

use std::collections::BTreeMap;

use discoverd_core::{ConnectionStatus, Core, StatusId, Timestamp};

#[derive(Default)]
pub(crate) struct Picture(BTreeMap<StatusId, ConnectionStatus>);

impl Picture {
    /// Takes in what is new.
    pub(crate) fn update(&mut self, core: &mut Core, now: u64) {
        let now = Timestamp(now);
        let changes = core.status_changes(now);
        for (id, status) in changes.connections {
            match status {
                Some(status) => self.0.insert(id, status),
                None => self.0.remove(&id),
            };
        }
        assert_eq!(changes.counts, core.status(now).counts);
    }

    /// Who shows what is new when there is something new shows everything.
    pub(crate) fn check(&self, core: &Core, now: u64) {
        let mut shown: Vec<ConnectionStatus> = self.0.values().cloned().collect();
        let mut status = core.status(Timestamp(now)).connections;
        for connection in shown.iter_mut().chain(&mut status) {
            // it is seen from `since_ms` and `retry_at_ms`
            connection.for_ms = 0;
            connection.next_retry_ms = None;
        }
        assert_eq!(shown, status, "the status changed unseen");
    }
}
