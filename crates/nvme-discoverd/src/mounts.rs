//! File systems that would lose their disk at shutdown, as a problem that the status shows.

use std::fs::File;
use std::io;
use std::sync::Arc;

use nvmf::Root;
use nvmf::mounts::{Unordered, without_netdev};
use nvmf_types::DeviceName;
use tokio::io::Interest;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use zbus::Connection;

use crate::burst::Burst;
use crate::inputs::{Input, Inputs, Trouble, put};
use crate::mount_units::unordered;
use crate::ready;

/// Has the mounts looked at again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Again(Arc<Notify>);

impl Again {
    /// Because `/etc/fstab` may say something else now.
    pub(crate) fn look(&self) {
        self.0.notify_one();
    }
}

/// Looks at the start, when something is mounted or unmounted, and when asked; forwards what is wrong
/// as [`Input::Trouble`], on a task of its own.
///
/// # Errors
/// The mounts cannot be followed.
pub(crate) fn forward(root: Root, bus: Connection, inputs: Inputs) -> io::Result<Again> {
    // proc(5): an exceptional condition for each change
    let mounts = File::open(root.proc().join("self/mountinfo"))?;
    let mounts = ready::when(mounts, Interest::PRIORITY)?;
    let again = Again::default();
    let asked = again.clone();
    tokio::spawn(async move {
        let mut burst = Burst::default();
        burst.changed();
        let mut before = None;
        loop {
            tokio::select! {
                changed = mounts.ready(Interest::PRIORITY) => match changed {
                    Ok(mut guard) => {
                        guard.clear_ready();
                        burst.changed();
                    }
                    // without it the problems that are known stay
                    Err(_) => return,
                },
                () = asked.0.notified() => burst.changed(),
                () = burst.over() => {
                    burst.looked();
                    let root = root.clone();
                    let found = spawn_blocking(move || without_netdev(&root)).await;
                    let found = unordered(&bus, found.unwrap_or_default()).await;
                    let trouble = lines(&found);
                    // mount(8) notes `_netdev` after it has mounted: what is new must be so twice
                    if trouble.is_none() || trouble == before {
                        put(&inputs, Input::Trouble(Trouble::Mounts, trouble.clone()));
                    } else {
                        burst.changed();
                    }
                    before = trouble;
                }
            }
        }
    });
    Ok(again)
}

fn lines(found: &[Unordered]) -> Option<String> {
    let line = |it: &Unordered| {
        let below: Vec<&str> = it.controllers.iter().map(DeviceName::as_str).collect();
        format!(
            "`{}` is on NVMe over Fabrics ({}) and mounted without `_netdev`: at shutdown it loses its \
             disk before it is unmounted; add `_netdev` to its options in /etc/fstab and mount it anew",
            it.place.escape_debug(),
            below.join(", ")
        )
    };
    let lines: Vec<String> = found.iter().map(line).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_each() {
        let one = |place: &str| Unordered {
            place: place.to_owned(),
            controllers: vec![DeviceName::from_number(1), DeviceName::from_number(2)],
        };
        assert_eq!(lines(&[]), None);
        let said = lines(&[one("/a\nb"), one("/c")]).unwrap();
        let lines: Vec<&str> = said.lines().collect();
        assert!(lines[0].starts_with("`/a\\nb` is on NVMe over Fabrics (nvme1, nvme2) and"));
        assert_eq!(lines.len(), 2);
    }
}
