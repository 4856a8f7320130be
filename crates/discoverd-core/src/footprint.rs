//! How much the core remembers.

use std::fmt;

use crate::core::Core;

/// Counts of what the core remembers. All are bounded by what is known of the world: what sources
/// name, and the controllers that the kernel has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// What boot tables, configuration, announcements and log pages name, each as often as it is
    /// named.
    pub named: usize,
    /// Connections of the table: at most one for each that is named, and those whose attempt has
    /// still to end.
    pub connections: usize,
    /// Controllers.
    pub controllers: usize,
    /// Deadlines: at most three for a connection, three for a controller, and three more.
    pub timers: usize,
    /// Actions whose result is awaited: at most two for a connection and two for a controller.
    pub awaited: usize,
    /// Actions and changes that were not polled.
    pub unpolled: usize,
}

impl Core {
    /// How much the core remembers now.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        Footprint {
            named: self.desired.size(),
            connections: self.connections.len(),
            controllers: self.live.len(),
            timers: self.timers.len(),
            awaited: self.flights.len(),
            unpolled: self.outbox.len(),
        }
    }
}

impl fmt::Display for Footprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} named, {} connections, {} controllers, {} timers, {} awaited, {} unpolled",
            self.named,
            self.connections,
            self.controllers,
            self.timers,
            self.awaited,
            self.unpolled
        )
    }
}
