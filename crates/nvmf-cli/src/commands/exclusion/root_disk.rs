//! Which controllers the root file system stands on.

use std::collections::BTreeSet;

use nvmf::Root;
use nvmf_types::DeviceName;

/// The controllers that the root file system is reached through. Empty: none, or it cannot be told.
pub(super) fn controllers(root: &Root) -> BTreeSet<DeviceName> {
    nvmf::mounts::root_controllers(root)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::testing::FakeHost;

    fn host() -> FakeHost {
        let host = FakeHost::new();
        for controller in ["nvme1", "nvme2", "nvme3"] {
            host.tcp(controller, "nqn.2014-08.org.example:a");
        }
        host.namespace("nvme1n1", &["nvme1", "nvme2"]);
        host.namespace("nvme3n1", &["nvme3"]);
        host
    }

    /// A device made of others: `dm-0`, or a partition with its disk.
    fn device(host: &FakeHost, place: &str, slaves: &[&str]) {
        let file = host.file(&format!("sys/devices/{place}/dev"), "");
        let folder = file.parent().unwrap();
        let class = file.ancestors().find(|a| a.ends_with("sys")).unwrap();
        let class = class.join("class/block");
        let name = folder.file_name().unwrap();
        symlink(folder, class.join(name)).unwrap();
        fs::create_dir_all(folder.join("slaves")).unwrap();
        for slave in slaves {
            let target = class.join(slave).canonicalize().unwrap();
            symlink(target, folder.join("slaves").join(slave)).unwrap();
        }
    }

    fn numbered(host: &FakeHost, number: &str, name: &str) {
        let link = host.file(&format!("sys/dev/block/{number}"), "");
        fs::remove_file(&link).unwrap();
        let class = link.ancestors().find(|a| a.ends_with("sys")).unwrap();
        let target = class.join("class/block").join(name);
        symlink(target.canonicalize().unwrap(), link).unwrap();
    }

    fn mounted(host: &FakeHost, lines: &str) -> Vec<String> {
        host.file("proc/self/mountinfo", lines);
        let found = controllers(&host.root());
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_namespace_and_all_its_paths() {
        let host = host();
        numbered(&host, "259:1", "nvme1n1");
        let line = "27 1 259:1 / / rw,relatime shared:1 master:2 - ext4 /dev/nvme1n1 rw\n";
        assert_eq!(mounted(&host, line), ["nvme1", "nvme2"]);
        // what was mounted over it counts, and what is mounted elsewhere does not
        let initrd = "1 1 0:2 / / rw - rootfs rootfs rw\n";
        assert_eq!(
            mounted(&host, &format!("{initrd}{line}")),
            ["nvme1", "nvme2"]
        );
        assert_eq!(mounted(&host, &format!("{line}{initrd}")), [""; 0]);
        let data = line.replace(" / / ", " / /srv ");
        assert_eq!(mounted(&host, &data), [""; 0]);
        assert_eq!(mounted(&host, "junk\n\n - x\n"), [""; 0]);
        assert_eq!(controllers(&FakeHost::new().root()), BTreeSet::new());
    }

    #[test]
    fn through_partitions_and_mappers() {
        let host = host();
        device(&host, "virtual/block/dm-0", &["nvme1n1", "nvme3n1"]);
        device(&host, "virtual/block/md0", &["dm-0"]);
        device(&host, "virtual/block/md0/md0p2", &[]);
        host.file("sys/devices/virtual/block/md0/md0p2/partition", "2\n");
        device(&host, "virtual/block/dm-1", &["md0p2"]);
        numbered(&host, "253:1", "dm-1");
        let line = "27 1 253:1 / / rw - xfs /dev/mapper/root rw\n";
        assert_eq!(mounted(&host, line), ["nvme1", "nvme2", "nvme3"]);
        // a circle is no reason to go round for ever
        let class = host.file("sys/class/block/x", "");
        let class = class.parent().unwrap();
        let md0 = class.join("md0").canonicalize().unwrap();
        symlink(class.join("dm-1"), md0.join("slaves/dm-1")).unwrap();
        assert_eq!(mounted(&host, line), ["nvme1", "nvme2", "nvme3"]);
    }

    #[test]
    fn btrfs_by_name_and_on_several_devices() {
        let host = host();
        let node = host.file("dev/nvme1n1", "");
        host.file("dev/disk/x", "");
        symlink(&node, node.with_file_name("disk").join("root")).unwrap();
        let line = "27 1 0:25 /@ / rw - btrfs /dev/disk/root rw,subvol=/@\n";
        assert_eq!(mounted(&host, line), ["nvme1", "nvme2"]);
        let devices = host.file("sys/fs/btrfs/4711/devices/x", "");
        let class = devices.ancestors().find(|a| a.ends_with("sys")).unwrap();
        for name in ["nvme1n1", "nvme3n1"] {
            let target = class.join("class/block").join(name);
            symlink(target, devices.with_file_name(name)).unwrap();
        }
        assert_eq!(mounted(&host, line), ["nvme1", "nvme2", "nvme3"]);
    }
}
