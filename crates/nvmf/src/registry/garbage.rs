//! What dead writers and dead controllers leave behind.

use std::time::{Duration, SystemTime};

use nvmf_types::DeviceName;
use rustix::fs::AtFlags;
use rustix::io::Errno;

use super::disk::{Locked, Step, inode};
use super::{Collected, Registry, RegistryError};
use crate::fs;

/// Leftovers younger than this may be another tool's work in progress.
const PATIENCE: Duration = Duration::from_secs(60);

impl Registry {
    /// Removes stale entries, and leftovers of killed writers that are a minute old.
    ///
    /// # Errors
    /// The registry cannot be written.
    pub fn collect_garbage(&self) -> Result<Collected, RegistryError> {
        self.collect(SystemTime::now())
    }

    pub(super) fn collect(&self, now: SystemTime) -> Result<Collected, RegistryError> {
        let failed = |e: Errno| self.io("clean up", None, e);
        let Some(locked) = Locked::existing(&self.dir).map_err(failed)? else {
            return Ok(Collected::default());
        };
        let mut collected = Collected::default();
        for name in fs::names(&locked.dir).map_err(failed)? {
            if !is_leftover(&name) {
                continue;
            }
            if is_old(&locked, &name, now) {
                fs::remove_tree_at(&locked.dir, &name).map_err(failed)?;
                collected.leftovers += 1;
            } else {
                collected.young += 1;
            }
        }
        // The inode before the verdict: what is put there after it is not what was judged.
        let mut inodes = std::collections::BTreeMap::new();
        for name in fs::names(&locked.dir).map_err(failed)? {
            if let Ok(device) = name.parse::<DeviceName>() {
                inodes.insert(device, inode(&locked.dir, &name).map_err(failed)?);
            }
        }
        for entry in self.all_entries()?.into_iter().filter(|entry| entry.stale) {
            if let Some(Some(ino)) = inodes.get(&entry.device)
                && locked.discard(&entry.device, *ino).map_err(failed)? == Step::Done
            {
                collected.stale.push(entry.device);
            }
        }
        Ok(collected)
    }
}

/// `.nvme3.tmp.XXXXXX` or `.trash.XXXXXX`.
fn is_leftover(name: &str) -> bool {
    name.starts_with(".trash.") || (name.starts_with(".nvme") && name.contains(".tmp."))
}

fn is_old(locked: &Locked, name: &str, now: SystemTime) -> bool {
    let Ok(stat) = rustix::fs::statat(&locked.dir, name, AtFlags::SYMLINK_NOFOLLOW) else {
        return false;
    };
    let changed = u64::try_from(stat.st_ctime).unwrap_or_default();
    let now = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    now.as_secs() >= changed.saturating_add(PATIENCE.as_secs())
}
