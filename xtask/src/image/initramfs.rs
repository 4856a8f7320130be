//! The initramfs: busybox, a handful of kernel modules and a short script, as an uncompressed cpio
//! archive in the "newc" format (kernel documentation, `driver-api/early-userspace/buffer-format`).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, anyhow, bail};

use super::recipe;

/// Builds the archive from a guest's tree whose kernel modules are not compressed.
///
/// # Errors
/// A file of the tree is missing, or a module is unknown to `modules.dep`.
pub(crate) fn build(tree: &Path, kernel: &str) -> anyhow::Result<Vec<u8>> {
    let modules = tree.join("usr/lib/modules").join(kernel);
    let read =
        |path: &Path| fs::read(path).with_context(|| format!("cannot read `{}`", path.display()));
    let dep = String::from_utf8(read(&modules.join("modules.dep"))?)?;
    let order = load_order(&dep, recipe::EARLY_MODULES)?;

    let mut archive = Archive::default();
    for folder in ["bin", "dev", "modules", "root"] {
        archive.folder(folder)?;
    }
    archive.file("init", 0o755, recipe::INIT.as_bytes())?;
    archive.file("bin/busybox", 0o755, &read(&tree.join("usr/bin/busybox"))?)?;
    let mut list = String::new();
    for path in order {
        let name = file_name(&path);
        archive.file(
            &format!("modules/{name}"),
            0o644,
            &read(&modules.join(&path))?,
        )?;
        list.push_str(name);
        list.push('\n');
    }
    archive.file("modules.list", 0o644, list.as_bytes())?;
    archive.finish()
}

fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Paths of `wanted` and all they need, each after what it needs.
fn load_order(modules_dep: &str, wanted: &[&str]) -> anyhow::Result<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut order = Vec::new();
    for name in wanted {
        let line = modules_dep.lines().find_map(|line| {
            let (path, needs) = line.split_once(':')?;
            let stem = file_name(path).strip_suffix(".ko")?;
            (stem.replace('-', "_") == *name).then_some((path, needs))
        });
        let (path, needs) =
            line.ok_or_else(|| anyhow!("kernel module `{name}` is not in modules.dep"))?;
        // depmod lists a module's needs in the order in which they must be removed.
        for path in needs.split_whitespace().rev().chain([path]) {
            if seen.insert(path) {
                order.push(path.to_owned());
            }
        }
    }
    Ok(order)
}

/// A cpio archive in the making.
#[derive(Debug, Default)]
struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    fn folder(&mut self, name: &str) -> anyhow::Result<()> {
        self.entry(name, 0o040_755, &[])
    }

    fn file(&mut self, name: &str, mode: u32, data: &[u8]) -> anyhow::Result<()> {
        self.entry(name, 0o100_000 | mode, data)
    }

    fn finish(mut self) -> anyhow::Result<Vec<u8>> {
        self.entry("TRAILER!!!", 0, &[])?;
        Ok(self.bytes)
    }

    /// Header (magic and 13 numbers of 8 hexadecimal digits), name with its NUL, data; the last
    /// two padded to 4 bytes.
    fn entry(&mut self, name: &str, mode: u32, data: &[u8]) -> anyhow::Result<()> {
        let Ok(size) = u32::try_from(data.len()) else {
            bail!("`{name}` is too big for cpio")
        };
        let name_size = u32::try_from(name.len() + 1)?;
        self.entries += 1;
        let links = if mode & 0o040_000 == 0 { 1 } else { 2 };
        let numbers = [
            self.entries,
            mode,
            0,
            0,
            links,
            0,
            size,
            0,
            0,
            0,
            0,
            name_size,
            0,
        ];
        self.bytes.extend_from_slice(b"070701");
        for number in numbers {
            self.bytes
                .extend_from_slice(format!("{number:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(data);
        self.pad();
        Ok(())
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEP: &str = "kernel/fs/ext4/ext4.ko: kernel/fs/mbcache.ko kernel/fs/jbd2/jbd2.ko\n\
                       kernel/fs/mbcache.ko:\n\
                       kernel/fs/jbd2/jbd2.ko:\n\
                       kernel/net/9p/9pnet_virtio.ko: kernel/net/9p/9pnet.ko kernel/fs/netfs/netfs.ko\n\
                       kernel/fs/9p/9p.ko: kernel/net/9p/9pnet.ko kernel/fs/netfs/netfs.ko\n\
                       kernel/drivers/nvme/host/nvme-tcp.ko:\n";

    #[test]
    fn what_is_needed_comes_first_and_once() {
        let order = load_order(DEP, &["ext4", "9pnet_virtio", "9p", "nvme_tcp"]).unwrap();
        let names: Vec<_> = order.iter().map(|path| file_name(path)).collect();
        assert_eq!(
            names,
            [
                "jbd2.ko",
                "mbcache.ko",
                "ext4.ko",
                "netfs.ko",
                "9pnet.ko",
                "9pnet_virtio.ko",
                "9p.ko",
                "nvme-tcp.ko"
            ]
        );
    }

    #[test]
    fn an_unknown_module_is_named() {
        let error = load_order(DEP, &["btrfs"]).unwrap_err().to_string();
        assert!(error.contains("`btrfs`"), "{error}");
    }

    #[test]
    fn the_archive_is_what_newc_says() {
        let mut archive = Archive::default();
        archive.file("init", 0o755, b"hello").unwrap();
        let bytes = archive.finish().unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.starts_with("07070100000001000081ed"), "{text}");
        assert_eq!(bytes.get(54..62), Some(b"00000005".as_slice()), "file size");
        assert_eq!(bytes.get(110..115), Some(b"init\0".as_slice()));
        assert_eq!(
            bytes.get(116..121),
            Some(b"hello".as_slice()),
            "data starts on 4 bytes"
        );
        assert_eq!(
            bytes.get(124..130),
            Some(b"070701".as_slice()),
            "and so does the next entry"
        );
        assert!(text.contains("TRAILER!!!") && bytes.len().is_multiple_of(4));
    }
}
