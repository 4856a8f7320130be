//! In which order sysfs is read.
//!
//! Results reach the core in the order of the reads: one read at a time for one device, and
//! neither a read beside a listing nor a listing beside a read, because the older of two answers
//! must not arrive last. An event that comes in between asks for another read afterwards; several
//! for one device are one. So that they are, what can wait is read a moment after its event: a connect alone
//! makes three, and its result has told the core all of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use nvmf_types::DeviceName;
use tokio::time::Instant;

/// How long what can wait does.
const MOMENT: Duration = Duration::from_millis(100);

/// A read to start now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// All controllers.
    List,
    /// One.
    Read(DeviceName),
}

/// What is being read and what is to be read next.
#[derive(Debug, Default)]
pub(crate) struct Devices {
    /// Being read; whether its log page changed.
    reading: BTreeMap<DeviceName, bool>,
    queued: BTreeMap<DeviceName, bool>,
    /// To be read later; read earlier they leave the set.
    later: BTreeSet<DeviceName>,
    /// When, the first first.
    due: VecDeque<(Instant, DeviceName)>,
    listing: bool,
    list_wanted: bool,
}

impl Devices {
    /// Something happened to a device, and perhaps its discovery log page changed.
    pub(crate) fn touched(&mut self, device: DeviceName, discovery_changed: bool) {
        *self.queued.entry(device).or_default() |= discovery_changed;
    }

    /// Something happened to a device of which nobody need know at once.
    pub(crate) fn touched_lightly(&mut self, device: DeviceName, now: Instant) {
        if !self.queued.contains_key(&device) && self.later.insert(device.clone()) {
            self.due.push_back((now + MOMENT, device));
        }
    }

    /// When to call [`Self::due`].
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.front().map(|(at, _)| *at)
    }

    /// What has waited for long enough is to be read.
    pub(crate) fn due(&mut self, now: Instant) {
        while let Some((_, device)) = self.due.pop_front_if(|(at, _)| *at <= now) {
            if self.later.remove(&device) {
                self.touched(device, false);
            }
        }
    }

    /// All are to be listed.
    pub(crate) fn list(&mut self) {
        self.list_wanted = true;
    }

    /// The reads that may start now.
    pub(crate) fn next(&mut self) -> Vec<Work> {
        if self.listing {
            return Vec::new();
        }
        if self.list_wanted {
            if !self.reading.is_empty() {
                return Vec::new();
            }
            self.list_wanted = false;
            self.listing = true;
            self.later.clear();
            self.due.clear();
            return vec![Work::List];
        }
        let free: Vec<DeviceName> = self
            .queued
            .keys()
            .filter(|device| !self.reading.contains_key(*device))
            .cloned()
            .collect();
        for device in &free {
            if let Some(changed) = self.queued.remove(device) {
                self.reading.insert(device.clone(), changed);
            }
            self.later.remove(device);
        }
        free.into_iter().map(Work::Read).collect()
    }

    /// A listing is done.
    pub(crate) fn listed(&mut self) {
        self.listing = false;
    }

    /// A read is done; whether the device's log page changed before it began.
    pub(crate) fn read(&mut self, device: &DeviceName) -> bool {
        self.reading.remove(device).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DeviceName {
        text.parse().unwrap()
    }

    fn read(text: &str) -> Work {
        Work::Read(name(text))
    }

    #[test]
    fn one_read_a_device_at_a_time() {
        let mut devices = Devices::default();
        devices.touched(name("nvme1"), false);
        devices.touched(name("nvme2"), false);
        assert_eq!(devices.next(), [read("nvme1"), read("nvme2")]);
        devices.touched(name("nvme1"), false);
        devices.touched(name("nvme1"), true);
        assert_eq!(devices.next(), [], "it is being read");
        assert!(!devices.read(&name("nvme1")), "the change came after");
        assert_eq!(devices.next(), [read("nvme1")], "once for both events");
        assert!(devices.read(&name("nvme1")));
        assert_eq!(devices.next(), []);
    }

    #[test]
    fn what_can_wait_is_read_once_and_with_what_cannot() {
        let (mut devices, now) = (Devices::default(), Instant::now());
        assert_eq!(devices.next_due(), None);
        devices.touched_lightly(name("nvme1"), now);
        devices.touched_lightly(name("nvme2"), now + MOMENT / 2);
        devices.touched_lightly(name("nvme1"), now + MOMENT / 2);
        devices.due(now);
        assert_eq!(devices.next(), [], "not yet");
        assert_eq!(devices.next_due(), Some(now + MOMENT));
        devices.due(now + MOMENT);
        assert_eq!(devices.next(), [read("nvme1")]);
        devices.touched(name("nvme2"), false);
        assert_eq!(devices.next(), [read("nvme2")], "at once");
        devices.due(now + MOMENT * 2);
        devices.read(&name("nvme2"));
        assert_eq!(devices.next(), [], "that saw what could wait");
        assert_eq!(devices.next_due(), None);
        devices.touched_lightly(name("nvme1"), now);
        devices.due(now + MOMENT);
        assert_eq!(devices.next(), [], "it is being read");
        devices.read(&name("nvme1"));
        assert_eq!(devices.next(), [read("nvme1")]);
    }

    #[test]
    fn a_listing_and_reads_exclude_each_other() {
        let mut devices = Devices::default();
        devices.touched(name("nvme1"), false);
        assert_eq!(devices.next(), [read("nvme1")]);
        devices.list();
        devices.touched(name("nvme2"), true);
        assert_eq!(devices.next(), [], "the read comes first");
        devices.read(&name("nvme1"));
        assert_eq!(devices.next(), [Work::List]);
        devices.list();
        assert_eq!(devices.next(), [], "the listing is under way");
        devices.listed();
        assert_eq!(devices.next(), [Work::List], "asked again while it ran");
        devices.listed();
        assert_eq!(devices.next(), [read("nvme2")]);
    }
}
