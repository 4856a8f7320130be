//! What one process should find in a registry after what it did.

use std::collections::BTreeMap;
use std::fs;

use nvmf::registry::{Claim, Reaped, Registered, Registry, RegistryErrorKind, Release};
use nvmf_types::{AttrName, DeviceName, Owner};

use crate::host::{Host, attr, device};

/// An operation of the kernel or the process.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Connect,
    Disconnect,
    Claim(Owner),
    ClaimOf(Owner, bool),
    Register(Option<Owner>, Option<String>),
    Release(Owner),
    SetOwner(Owner),
    Set(AttrName, String),
    Remove(AttrName),
    Delete,
    Reap,
    Collect,
}

/// An entry as it should be: the incarnation that it is about, and what it says.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    ino: u64,
    said: BTreeMap<String, String>,
}

/// A host, and what should be in its registry.
pub(crate) struct World {
    host: Host,
    registry: Registry,
    current: BTreeMap<DeviceName, u64>,
    entries: BTreeMap<DeviceName, Entry>,
}

impl Default for World {
    fn default() -> Self {
        let host = Host::new();
        let registry = host.registry();
        // so that it is there
        fs::create_dir_all(host.path("run/nvme/registry")).unwrap();
        Self {
            host,
            registry,
            current: BTreeMap::new(),
            entries: BTreeMap::new(),
        }
    }
}

impl World {
    fn live(&mut self, device: &DeviceName) -> Option<&mut Entry> {
        let current = self.current.get(device).copied();
        let entry = self.entries.get_mut(device);
        entry.filter(|entry| Some(entry.ino) == current)
    }

    fn owner(&mut self, device: &DeviceName) -> Option<Owner> {
        let owner = self.live(device)?.said.get("owner")?.clone();
        Some(owner.parse().unwrap())
    }

    /// Says something in the live entry, or in a new one.
    fn say(&mut self, device: &DeviceName, name: &str, value: &str) {
        let ino = self.current[device];
        if self.live(device).is_none() {
            let said = BTreeMap::new();
            self.entries.insert(device.clone(), Entry { ino, said });
        }
        let entry = self.live(device).unwrap();
        entry.said.insert(name.to_owned(), value.to_owned());
    }

    /// Does it, and compares what comes back and what is there with what should be.
    pub(crate) fn perform(&mut self, (device, op): &(DeviceName, Op)) {
        let current = self.current.get(device).copied();
        let before = self.owner(device);
        match op {
            Op::Connect if current.is_none() => {
                let ino = self.host.connect(device.as_str());
                self.current.insert(device.clone(), ino);
            }
            Op::Disconnect if current.is_some() => {
                self.host.disconnect(device.as_str());
                self.current.remove(device);
            }
            Op::Connect | Op::Disconnect => {}
            Op::Claim(by) => {
                let claim = self.registry.claim(device, by).unwrap();
                self.claimed(device, by, current.is_some(), before, &claim);
            }
            Op::ClaimOf(by, right) => {
                let ino = current.filter(|_| *right).unwrap_or(7);
                let claim = self.registry.claim_of(device, ino, by).unwrap();
                self.claimed(device, by, current.is_some() && *right, before, &claim);
            }
            Op::Register(by, note) => self.register(device, by.as_ref(), note.as_deref()),
            Op::Release(by) => {
                let expected = match before {
                    None => Release::NotOwned,
                    Some(owner) if owner == *by => Release::Released,
                    Some(other) => Release::OwnedBy(other),
                };
                assert_eq!(self.registry.release(device, by).unwrap(), expected);
                if expected == Release::Released {
                    self.live(device).unwrap().said.remove("owner");
                }
            }
            Op::SetOwner(by) => self.set(device, &attr("owner"), by.as_str()),
            Op::Set(name, value) => self.set(device, name, value),
            Op::Remove(name) => {
                let live = self.live(device);
                let removed = live.and_then(|entry| entry.said.remove(name.as_str()));
                match self.registry.remove(device, name) {
                    Ok(()) => assert!(removed.is_some()),
                    Err(e) => {
                        assert!(removed.is_none());
                        assert!(matches!(e.kind, RegistryErrorKind::NoSuchAttribute(_)));
                    }
                }
            }
            Op::Delete => {
                let deleted = self.registry.delete(device).is_ok();
                assert_eq!(deleted, self.entries.remove(device).is_some());
            }
            Op::Reap => {
                let is_live = self.live(device).is_some();
                let expected = match self.entries.contains_key(device) {
                    false => Reaped::NoEntry,
                    true if is_live => Reaped::Kept,
                    true => Reaped::Removed,
                };
                assert_eq!(
                    self.registry.reap(device, Some(u64::MAX)).unwrap(),
                    expected
                );
                if !is_live {
                    self.entries.remove(device);
                }
            }
            Op::Collect => {
                let current = self.current.clone();
                let is_stale = |d: &DeviceName, e: &Entry| current.get(d) != Some(&e.ino);
                let collected = self.registry.collect_garbage().unwrap();
                let stale = self.entries.iter().filter(|(d, e)| is_stale(d, e));
                let stale: Vec<DeviceName> = stale.map(|(device, _)| device.clone()).collect();
                assert_eq!(collected.stale, stale);
                self.entries
                    .retain(|device, entry| !is_stale(device, entry));
            }
        }
        self.compare();
    }

    fn claimed(
        &mut self,
        device: &DeviceName,
        by: &Owner,
        possible: bool,
        before: Option<Owner>,
        claim: &Claim,
    ) {
        let expected = match before {
            _ if !possible => Claim::NoSuchController,
            None => Claim::Granted,
            Some(owner) if owner == *by => Claim::AlreadyMine,
            Some(other) => Claim::OwnedBy(other),
        };
        assert_eq!(*claim, expected);
        if expected == Claim::Granted {
            self.say(device, "owner", by.as_str());
        }
    }

    fn register(&mut self, device: &DeviceName, by: Option<&Owner>, note: Option<&str>) {
        let Some(ino) = self.current.get(device).copied() else {
            return;
        };
        let notes: Vec<_> = note
            .iter()
            .map(|text| (attr("note"), (*text).to_owned()))
            .collect();
        let registered = self
            .registry
            .register(device, ino, None, by, &notes)
            .unwrap();
        match self.owner(device) {
            Some(other) if Some(&other) != by => {
                assert_eq!(registered, Registered::OwnedBy(other));
                return;
            }
            _ if by.is_some() => assert_eq!(registered, Registered::Owned),
            _ => assert_eq!(registered, Registered::Unowned),
        }
        if self.live(device).is_none() {
            self.entries.remove(device);
        }
        if let Some(by) = by {
            self.say(device, "owner", by.as_str());
        }
        for (name, value) in notes {
            self.say(device, name.as_str(), &value);
        }
    }

    fn set(&mut self, device: &DeviceName, name: &AttrName, value: &str) {
        match self.registry.set(device, name, value) {
            Ok(()) => self.say(device, name.as_str(), value),
            Err(e) => {
                assert!(matches!(e.kind, RegistryErrorKind::NoSuchController(_)));
                assert!(!self.current.contains_key(device));
            }
        }
    }

    /// Whether the registry says what it should.
    fn compare(&mut self) {
        let mut found = BTreeMap::new();
        for mut entry in self.registry.all_entries().unwrap() {
            let ino = entry
                .attributes
                .remove("sysfs-ino")
                .unwrap()
                .parse()
                .unwrap();
            assert_eq!(entry.attributes.remove("seqnum").unwrap(), "4711");
            assert_eq!(entry.stale, self.current.get(&entry.device) != Some(&ino));
            let said = entry.attributes;
            found.insert(entry.device, Entry { ino, said });
        }
        assert_eq!(found, self.entries);
        for device in ["nvme0", "nvme10"].map(device) {
            assert_eq!(self.registry.owner(&device).unwrap(), self.owner(&device));
            let note = self
                .live(&device)
                .and_then(|entry| entry.said.get("note").cloned());
            assert_eq!(
                self.registry.attribute(&device, &attr("note")).unwrap(),
                note
            );
        }
    }
}
