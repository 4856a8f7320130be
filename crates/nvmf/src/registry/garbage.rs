//! What dead writers and dead controllers leave behind.

use std::os::fd::AsFd;
use std::time::{Duration, SystemTime};

use rustix::fs::AtFlags;
use rustix::io::Result;

use super::disk::Disk;
use super::name::{is_hidden_attribute, is_hidden_entry};
use super::protocol::{self, Kind};
use super::steps::Steps;
use super::{Collected, Registry, RegistryError, read};
use crate::connect::under_way;
use crate::{Root, fs};

/// Leftovers younger than this may be another tool's work in progress.
const PATIENCE: Duration = Duration::from_secs(60);

impl Registry {
    /// Removes stale entries, and leftovers of killed writers that are a minute old.
    ///
    /// # Errors
    /// The registry cannot be written.
    pub fn collect_garbage(&self) -> std::result::Result<Collected, RegistryError> {
        self.collect_garbage_at(SystemTime::now())
    }

    /// [`Registry::collect_garbage`] as it would be at the time `now`: with one in the future,
    /// leftovers that are not a minute old go too. They must not be another tool's work then.
    ///
    /// # Errors
    /// The registry cannot be written.
    pub fn collect_garbage_at(
        &self,
        now: SystemTime,
    ) -> std::result::Result<Collected, RegistryError> {
        collect(&self.root, &self.disk(), now).map_err(|kind| self.error("clean up", None, kind))
    }
}

fn collect(root: &Root, disk: &Disk<'_>, now: SystemTime) -> Kind<Collected> {
    let mut collected = Collected {
        leftovers: under_way::collect(root)?,
        ..Collected::default()
    };
    let Some(_lock) = disk.lock_existing()? else {
        return Ok(collected);
    };
    let Some(dir) = disk.dir()? else {
        return Ok(collected);
    };
    for name in fs::names(dir)?.iter().filter(|name| is_hidden_entry(name)) {
        leftover(dir, name, now, &mut collected)?;
    }
    for device in read::devices(disk)? {
        if protocol::remove_if_stale(disk, &device)? {
            collected.stale.push(device);
        } else if let Some(entry) = disk.open(&device)? {
            let entry = Disk::entry_dir(&entry);
            let hidden = fs::names(entry)?;
            for name in hidden.iter().filter(|name| is_hidden_attribute(name)) {
                leftover(entry, name, now, &mut collected)?;
            }
        }
    }
    Ok(collected)
}

/// Removes a leftover if it is old enough.
fn leftover(dir: impl AsFd, name: &str, now: SystemTime, collected: &mut Collected) -> Result<()> {
    if !is_old(&dir, name, now) {
        collected.young += 1;
        return Ok(());
    }
    collected.leftovers += 1;
    fs::remove_at(dir, name)
}

fn is_old(dir: impl AsFd, name: &str, now: SystemTime) -> bool {
    let Ok(stat) = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) else {
        return false;
    };
    let changed = u64::try_from(stat.st_ctime).unwrap_or_default();
    let now = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    now.as_secs() >= changed.saturating_add(PATIENCE.as_secs())
}
