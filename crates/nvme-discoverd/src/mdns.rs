//! Discovery controllers that announce themselves by mDNS (TP8009), as Avahi finds them.
//!
//! [`avahi`] talks to avahi-daemon on the system bus: one browser for the service, one resolver for
//! each instance on each interface, which tells of later changes, too. When avahi-daemon goes, what
//! it said stays until it is back and has said everything anew.

mod avahi;
mod service;

use discoverd_core::Event;
use tokio::task::AbortHandle;
use zbus::Connection;

use crate::inputs::{Input, Inputs, Trouble, put};

/// The source, on or off.
#[derive(Debug)]
pub(crate) struct Mdns {
    bus: Connection,
    inputs: Inputs,
    task: Option<AbortHandle>,
}

impl Mdns {
    /// A source that is off.
    pub(crate) const fn new(bus: Connection, inputs: Inputs) -> Self {
        Self {
            bus,
            inputs,
            task: None,
        }
    }

    /// Switches it. Off, nothing is desired because of it.
    pub(crate) fn set(&mut self, on: bool) {
        if on == self.task.is_some() {
            return;
        }
        if let Some(task) = self.task.take() {
            task.abort();
            put(&self.inputs, Event::ServicesFound(Vec::new()));
            put(&self.inputs, Input::Trouble(Trouble::Mdns, None));
            return;
        }
        let (bus, inputs) = (self.bus.clone(), self.inputs.clone());
        self.task = Some(tokio::spawn(avahi::follow(bus, inputs)).abort_handle());
    }
}

impl Drop for Mdns {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}
