//! The guest: a disk image, a kernel and an initramfs, kept outside the tree under a key of the
//! recipe they were made by.

mod build;
mod initramfs;
mod recipe;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};

use crate::{host, out};

pub(crate) use build::build_into;

/// A built guest.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    dir: PathBuf,
}

impl Image {
    /// The image of this recipe; built first if it is not in the cache.
    pub(crate) fn ensure() -> anyhow::Result<Self> {
        let cache = host::cache()?;
        fs::create_dir_all(&cache)
            .with_context(|| format!("cannot create `{}`", cache.display()))?;
        let dir = cache.join(key());
        let image = Self { dir };
        if image.is_there() {
            return Ok(image);
        }
        let lock = File::create(cache.join("lock"))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            out::line("another xtask builds an image; waiting for it");
            flock(&lock, FlockOperation::LockExclusive)?;
        }
        if !image.is_there() {
            build::build(&cache, &image.dir)?;
        }
        Ok(image)
    }

    /// The root file system, raw. Never written to: machines run on an overlay.
    pub(crate) fn disk(&self) -> PathBuf {
        self.dir.join("disk.img")
    }

    /// The kernel.
    pub(crate) fn kernel(&self) -> PathBuf {
        self.dir.join("vmlinuz")
    }

    /// The initramfs.
    pub(crate) fn initrd(&self) -> PathBuf {
        self.dir.join("initrd")
    }

    /// The folder of all three, for what else is known about this image.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    fn is_there(&self) -> bool {
        [self.disk(), self.kernel(), self.initrd()]
            .iter()
            .all(|file| file.is_file())
    }
}

/// Truncated hash of all that makes the image.
fn key() -> String {
    let mut hash = Sha256::new();
    let mut add = |kind: &str, items: &[&str]| {
        for item in items {
            for part in [kind, item] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
        }
    };
    add(
        "version",
        &[recipe::VERSION, recipe::SUITE, recipe::DISK_SIZE],
    );
    add("package", recipe::PACKAGES);
    add("dpkg", recipe::DPKG_OPTIONS);
    add("early", recipe::EARLY_MODULES);
    add("dropped", recipe::DROPPED_MODULES);
    add("unit", recipe::MASKED_UNITS);
    add("generator", recipe::MASKED_GENERATORS);
    add("rules", recipe::MASKED_RULES);
    add("removed", recipe::REMOVED);
    for (path, content) in recipe::LINKS.iter().chain(recipe::FILES) {
        add("file", &[path, content]);
    }
    add("init", &[recipe::INIT]);
    hash.finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_64_bits_in_hex_and_repeats() {
        assert_eq!(key(), key());
        assert_eq!(key().len(), 16);
    }

    #[test]
    fn an_image_is_there_only_when_all_of_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let image = Image {
            dir: dir.path().to_owned(),
        };
        fs::write(image.disk(), "").unwrap();
        fs::write(image.kernel(), "").unwrap();
        assert!(!image.is_there());
        fs::write(image.initrd(), "").unwrap();
        assert!(image.is_there());
    }
}
