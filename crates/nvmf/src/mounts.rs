//! File systems that stand on controllers, by any stack of partitions, LVM, encryption, RAID and
//! multipath, and by btrfs on several devices. What cannot be told (overlays, ZFS) stands on none.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use nvmf_types::{DeviceName, Owner};

use crate::Root;
use crate::registry::Registry;
use crate::sysfs::{self, BlockName, ControllerKind};

/// A file system on NVMe over Fabrics whose mount does not say that it needs the network, so that at
/// shutdown nothing unmounts it before its controllers are disconnected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unordered {
    /// Where it is mounted.
    pub place: String,
    /// What it stands on.
    pub controllers: Vec<DeviceName>,
}

/// One line of `mountinfo` (proc(5)).
#[derive(Debug)]
struct Mount<'a> {
    number: &'a str,
    place: String,
    source: String,
}

/// Mounted by the initramfs and unmounted by it: these outlive all units.
const OF_THE_INITRAMFS: [&str; 2] = ["/", "/usr"];

/// The controllers that the root file system is reached through, or a `/usr` of its own.
#[must_use]
pub fn root_controllers(root: &Root) -> BTreeSet<DeviceName> {
    let mounts = read(root, "self/mountinfo");
    let at = |place: &str| {
        // what was mounted last hides the others
        let last = mounts
            .lines()
            .filter_map(mount)
            .rfind(|it| it.place == place);
        device(root, &last?)
    };
    let devices = OF_THE_INITRAMFS.into_iter().filter_map(at);
    devices.flat_map(|it| controllers(root, it)).collect()
}

/// The file systems on controllers over fabrics that are mounted without `_netdev`, by what mount(8)
/// noted down and by `/etc/fstab`. Controllers of the boot, and those of the root file system, stay
/// connected at shutdown, so what stands on nothing else is in order.
#[must_use]
pub fn without_netdev(root: &Root) -> Vec<Unordered> {
    let utab = fs::read_to_string(root.run().join("mount/utab")).unwrap_or_default();
    let fstab = fs::read_to_string(root.etc().join("fstab")).unwrap_or_default();
    let ordered: BTreeSet<String> = utab
        .lines()
        .filter_map(noted)
        .chain(fstab.lines().filter_map(listed))
        .collect();
    let mounts = read(root, "self/mountinfo");
    let stay = root_controllers(root);
    let mut found: Vec<Unordered> = mounts
        .lines()
        .filter_map(mount)
        .filter(|mount| !OF_THE_INITRAMFS.contains(&mount.place.as_str()))
        .filter(|mount| !ordered.contains(&mount.place))
        .filter_map(|mount| {
            let below = controllers(root, device(root, &mount)?);
            let below = below.into_iter().filter(|it| !stay.contains(it));
            let controllers: Vec<DeviceName> = below.filter(|it| goes_early(root, it)).collect();
            (!controllers.is_empty()).then_some(Unordered {
                place: mount.place,
                controllers,
            })
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Whether a controller is disconnected while the system goes down.
fn goes_early(root: &Root, device: &DeviceName) -> bool {
    let fabrics = Ok(Some(ControllerKind::Fabrics));
    let owner = Registry::open(root).owner(device).ok().flatten();
    sysfs::kind(root, device).map_err(|_| ()) == fabrics && owner != Some(Owner::nbft())
}

fn read(root: &Root, name: &str) -> String {
    fs::read_to_string(root.proc().join(name)).unwrap_or_default()
}

fn mount(line: &str) -> Option<Mount<'_>> {
    let (mount, file_system) = line.split_once(" - ")?;
    let mut mount = mount.split(' ').skip(2);
    let (number, _, place) = (mount.next()?, mount.next()?, mount.next()?);
    Some(Mount {
        number,
        place: unescaped(place),
        source: unescaped(file_system.split(' ').nth(1)?),
    })
}

/// The place of a line of mount(8)'s notes that has `_netdev`.
fn noted(line: &str) -> Option<String> {
    let value = |key: &str| line.split(' ').find_map(|field| field.strip_prefix(key));
    has_netdev(value("OPTS=")?).then_some(())?;
    value("TARGET=").map(unescaped)
}

/// The place of a line of fstab(5) that has `_netdev`.
fn listed(line: &str) -> Option<String> {
    let mut fields = line.split_whitespace();
    let (source, place, _, options) = (
        fields.next()?,
        fields.next()?,
        fields.next()?,
        fields.next()?,
    );
    (!source.starts_with('#') && has_netdev(options)).then(|| unescaped(place))
}

fn has_netdev(options: &str) -> bool {
    options.split(',').any(|option| option == "_netdev")
}

/// `\040` for a blank, and so on.
fn unescaped(text: &str) -> String {
    let mut pieces = text.split('\\');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let code = piece.get(..3).and_then(|it| u8::from_str_radix(it, 8).ok());
        match code.zip(piece.get(3..)) {
            Some((code, rest)) => {
                plain.push(char::from(code));
                plain.push_str(rest);
            }
            None => {
                plain.push('\\');
                plain.push_str(piece);
            }
        }
    }
    plain
}

/// The folder in sysfs of what is mounted: by its number, or where that is not a block device's
/// (btrfs), by its name.
fn device(root: &Root, mount: &Mount<'_>) -> Option<PathBuf> {
    let by_number = root
        .sys()
        .join("dev/block")
        .join(mount.number)
        .canonicalize();
    by_number.ok().or_else(|| {
        let node = root.dev().join(mount.source.strip_prefix("/dev/")?);
        let node = node.canonicalize().ok()?;
        let name = node.file_name()?;
        root.sys()
            .join("class/block")
            .join(name)
            .canonicalize()
            .ok()
    })
}

/// Everything that a block device stands on.
fn controllers(root: &Root, device: PathBuf) -> BTreeSet<DeviceName> {
    let mut waiting = vec![device];
    let mut seen = BTreeSet::new();
    let mut found = BTreeSet::new();
    while let Some(device) = waiting.pop() {
        if !seen.insert(device.clone()) {
            continue;
        }
        let name = device.file_name().and_then(|name| name.to_str());
        let block = name.and_then(|name| name.parse::<BlockName>().ok());
        match block {
            Some(block) => {
                let controllers = sysfs::controllers_of(root, &block).ok().flatten();
                found.extend(controllers.unwrap_or_default());
            }
            None => waiting.extend(below(&device)),
        }
        waiting.extend(btrfs_siblings(root, &device));
    }
    found
}

/// What a block device is made of: the disk of a partition, the slaves of all else.
fn below(device: &Path) -> Vec<PathBuf> {
    let mut below = links_in(&device.join("slaves"));
    if device.join("partition").exists() {
        below.extend(device.parent().map(Path::to_path_buf));
    }
    below
}

/// The other devices of the btrfs that `device` is part of.
fn btrfs_siblings(root: &Root, device: &PathBuf) -> Vec<PathBuf> {
    let all = root.sys().join("fs/btrfs");
    let Ok(ids) = sysfs::names(&all) else {
        return Vec::new();
    };
    let mut all = ids.map(|id| links_in(&all.join(id).join("devices")));
    all.find(|devices| devices.contains(device))
        .unwrap_or_default()
}

/// Where the links in a folder lead.
fn links_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(links) = sysfs::names(folder) else {
        return Vec::new();
    };
    links
        .filter_map(|link| folder.join(link).canonicalize().ok())
        .collect()
}

#[cfg(test)]
mod tests;
