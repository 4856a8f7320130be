//! Controllers that are read once.

use std::collections::BTreeMap;

use nvmf_types::{DeviceName, LiveController};

use super::{SysfsError, controller, listing};
use crate::Root;

/// The controllers that were seen already. A look before each of many connects then costs what has
/// appeared since the last one, and not all that is connected.
#[derive(Debug, Default)]
pub struct Known(BTreeMap<DeviceName, u64>);

impl Known {
    /// The fabrics controllers that appeared since the last call, or all at the first one, in the
    /// order of their numbers and with their owners. One whose first connect is still under way
    /// appears when that is over.
    ///
    /// # Errors
    /// sysfs or the registry cannot be read.
    pub fn newcomers(&mut self, root: &Root) -> Result<Vec<LiveController>, SysfsError> {
        let listed = incarnations(root)?;
        self.0.retain(|device, ino| listed.get(device) == Some(ino));
        let mut newcomers = Vec::new();
        for (device, ino) in listed {
            if self.0.contains_key(&device) {
                continue;
            }
            if let Some(live) = controller(root, &device)?
                && live.class.is_some()
            {
                newcomers.push(live);
                self.0.insert(device, ino);
            }
        }
        Ok(newcomers)
    }

    /// Counts a controller as seen that the caller has just made; `false`: it was seen before, or is
    /// gone.
    pub fn add(&mut self, root: &Root, device: &DeviceName) -> bool {
        let entry = root.sys().join("class/nvme").join(device.as_str());
        match rustix::fs::lstat(entry) {
            Ok(stat) => self.0.insert(device.clone(), stat.st_ino) != Some(stat.st_ino),
            Err(_) => false,
        }
    }
}

/// The names of all NVMe controllers, local ones too, in the order of their numbers.
///
/// # Errors
/// sysfs cannot be read.
pub fn devices(root: &Root) -> Result<Vec<DeviceName>, SysfsError> {
    Ok(incarnations(root)?.into_keys().collect())
}

/// The entries of `/sys/class/nvme` and their inodes. On a host they are links, and their inodes
/// not those of the controllers; they are as new as those for every incarnation.
fn incarnations(root: &Root) -> Result<BTreeMap<DeviceName, u64>, SysfsError> {
    let entries = listing::entries(&root.sys().join("class/nvme"))?.into_iter();
    Ok(entries
        .filter_map(|(name, ino)| Some((name.parse().ok()?, ino)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    fn names(known: &mut Known, host: &FakeHost) -> Vec<String> {
        let newcomers = known.newcomers(&host.root()).unwrap();
        newcomers.iter().map(|it| it.device.to_string()).collect()
    }

    #[test]
    fn each_incarnation_once() {
        let (host, mut known) = (FakeHost::new(), Known::default());
        assert!(names(&mut known, &host).is_empty(), "no driver");
        host.subsystem_noise();
        host.pcie("nvme0");
        host.tcp("nvme10", "nqn.2014-08.org.example:a");
        host.tcp("nvme2", "nqn.2014-08.org.example:b");
        assert_eq!(names(&mut known, &host), ["nvme2", "nvme10"]);
        let all = devices(&host.root()).unwrap();
        assert_eq!(
            all,
            ["nvme0", "nvme2", "nvme10"].map(|it| it.parse().unwrap())
        );
        assert!(names(&mut known, &host).is_empty());

        host.replace_tcp("nvme2", "nqn.2014-08.org.example:c");
        assert_eq!(names(&mut known, &host), ["nvme2"]);
        host.remove_controller("nvme10");
        assert!(names(&mut known, &host).is_empty());
        host.tcp("nvme10", "nqn.2014-08.org.example:a");
        assert_eq!(names(&mut known, &host), ["nvme10"]);
    }

    #[test]
    fn not_before_its_first_connect_is_over() {
        let (host, mut known) = (FakeHost::new(), Known::default());
        host.tcp("nvme1", "(efault)");
        host.attribute("nvme1", "cntrltype", "reserved\n");
        assert!(names(&mut known, &host).is_empty());
        host.attribute("nvme1", "cntrltype", "io\n");
        assert_eq!(names(&mut known, &host), ["nvme1"]);
    }
}
