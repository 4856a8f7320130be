//! Keeps the desired and the connected NVMe over Fabrics controllers of a host in agreement.
//!
//! The shell around `discoverd-core`: it turns the world into events and actions into calls, and
//! decides nothing. One task, [`daemon`], owns the core; everything that can block runs beside it:
//!
//! ```text
//! uevents  ┐                                ┌─ workers   sysfs, log pages, claims, files
//! inotify  ┤   inputs   ┌────────┐  actions ├─ connector connects and disconnects (a process)
//! network  ┼──────────→ │ daemon │ ───────→ ├─ units     systemd's transient units
//! mDNS     ┤            │ (core) │          └─ notify    READY, STATUS
//! signals  ┤            └────────┘               │
//! D-Bus    ┘                                     │
//!     ↑                                          │
//!     └── results come back as inputs ───────────┘
//! ```

mod burst;
mod bus;
mod clock;
mod command_line;
mod connector_client;
mod daemon;
mod devices;
mod exclusion_watch;
mod inputs;
mod logging;
mod mdns;
mod metrics;
mod mount_units;
mod mounts;
mod network;
mod notify;
mod ownership;
mod reading;
mod ready;
mod report;
mod signals;
mod startup;
mod streams;
#[cfg(test)]
mod testing;
mod uevents;
mod unit_spec;
mod units;
mod workers;

fn main() -> std::process::ExitCode {
    command_line::run()
}
