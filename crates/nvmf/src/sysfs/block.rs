//! Which controllers a namespace's block device belongs to.
//!
//! With native multipathing a namespace of subsystem 3 is one disk, `nvme3n1`, in the folder of the
//! subsystem, and a hidden disk for each path, `nvme3c4n1`, in the folder of the path's controller
//! (Linux `drivers/nvme/host/core.c`, `nvme_alloc_ns`, and `multipath.c`, `nvme_mpath_alloc_disk`).
//! The subsystem has the number of its first controller, which may be gone. Without multipathing
//! the disk is in the folder of its only controller. So the place tells, and the name does not.

use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;

use nvmf_types::DeviceName;
use thiserror::Error;

use super::SysfsError;
use super::listing::names;
use crate::Root;

/// The kernel's name for a namespace as a block device (`nvme3n1`), for one path of it
/// (`nvme3c4n1`) or for a partition of it (`nvme3n1p2`). `/dev/nvme3n1` parses as `nvme3n1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockName(String);

/// Not such a name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{}` is not a namespace: expected nvmeNnM or /dev/nvmeNnM", .0.escape_debug())]
pub struct BlockNameError(pub String);

impl BlockName {
    /// The name as text, without `/dev/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BlockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for BlockName {
    type Err = BlockNameError;

    fn from_str(text: &str) -> Result<Self, BlockNameError> {
        let name = text.strip_prefix("/dev/").unwrap_or(text);
        let well_formed = || {
            let rest = number(name.strip_prefix("nvme")?)?;
            let rest = match rest.strip_prefix('c') {
                Some(path) => number(path)?,
                None => rest,
            };
            let rest = number(rest.strip_prefix('n')?)?;
            match rest.strip_prefix('p') {
                Some(partition) => number(partition),
                None => Some(rest),
            }
        };
        match well_formed() {
            Some("") => Ok(Self(name.to_owned())),
            _ => Err(BlockNameError(text.to_owned())),
        }
    }
}

/// What follows a decimal number of at most ten digits.
fn number(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    (1..=10)
        .contains(&(text.len() - rest.len()))
        .then_some(rest)
}

/// The controllers that `block` is reached through, in the order of their numbers: one, or with
/// native multipathing as many as there are paths. `None`: there is no such block device.
///
/// # Errors
/// sysfs cannot be read.
pub fn controllers_of(
    root: &Root,
    block: &BlockName,
) -> Result<Option<Vec<DeviceName>>, SysfsError> {
    let link = root.sys().join("class/block").join(block.as_str());
    let place = match link.canonicalize() {
        Ok(place) => place,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(SysfsError {
                operation: "read",
                path: link,
                source,
            });
        }
    };
    let mut disk = block.as_str();
    for folder in place.ancestors() {
        let name = folder.file_name().and_then(|name| name.to_str());
        let name = name.unwrap_or_default();
        if let Ok(controller) = name.parse() {
            return Ok(Some(vec![controller]));
        }
        if name.starts_with("nvme-subsys") {
            return paths(folder, disk).map(Some);
        }
        disk = name;
    }
    Ok(Some(Vec::new()))
}

/// The controllers of the subsystem in `folder` that have a path to `disk`.
fn paths(folder: &Path, disk: &str) -> Result<Vec<DeviceName>, SysfsError> {
    let Some((subsystem, namespace)) = disk.rsplit_once('n') else {
        return Ok(Vec::new());
    };
    let is_path = |name: String| {
        let rest = name.strip_prefix(subsystem);
        let rest = rest.and_then(|rest| number(rest.strip_prefix('c')?));
        rest.and_then(|rest| rest.strip_prefix('n')) == Some(namespace)
    };
    let mut controllers = Vec::new();
    for name in names(folder)? {
        if let Ok(controller) = name.parse::<DeviceName>()
            && names(&folder.join(name))?.any(is_path)
        {
            controllers.push(controller);
        }
    }
    controllers.sort();
    Ok(controllers)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::testing::FakeHost;

    const NQN: &str = "nqn.2014-08.org.example:a";

    fn link(host: &FakeHost, name: &str, target: &str) {
        let path = host.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(host.path(target), path).unwrap();
    }

    /// A block device that is in the folder of `controller`.
    fn disk(host: &FakeHost, controller: &str, name: &str) {
        let place = format!("sys/class/nvme/{controller}/{name}");
        fs::create_dir_all(host.path(&place)).unwrap();
        link(host, &format!("sys/class/block/{name}"), &place);
    }

    fn found(host: &FakeHost, name: &str) -> Option<Vec<String>> {
        let found = controllers_of(&host.root(), &name.parse().unwrap()).unwrap();
        found.map(|found| found.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn names() {
        for good in ["nvme3n1", "/dev/nvme3n1", "nvme10c4n21", "nvme3n1p128"] {
            assert!(good.parse::<BlockName>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "nvme3",
            "nvme3n",
            "nvmen1",
            "nvme3c4",
            "nvme3cn1",
            "nvme3n1p",
            "nvme3n1p1p1",
            "nvme3n1/",
            "../nvme3n1",
            "nvme3n12345678901",
            "ng3n1",
            "sda1",
        ] {
            assert_eq!(bad.parse::<BlockName>(), Err(BlockNameError(bad.into())));
        }
    }

    /// As in Linux 6.12 after `nvme1` and `nvme2` were connected to one subsystem, and then `nvme1`
    /// was disconnected and `nvme3` and `nvme10` were connected.
    #[test]
    fn with_multipathing_the_paths_tell() {
        let host = FakeHost::new();
        let subsystem = "sys/devices/virtual/nvme-subsystem/nvme-subsys1";
        for head in ["nvme1n1", "nvme1n2"] {
            let place = format!("{subsystem}/{head}");
            fs::create_dir_all(host.path(&place)).unwrap();
            link(&host, &format!("sys/class/block/{head}"), &place);
        }
        let partition = format!("{subsystem}/nvme1n1/nvme1n1p2");
        fs::create_dir_all(host.path(&partition)).unwrap();
        link(&host, "sys/class/block/nvme1n1p2", &partition);
        for controller in ["nvme2", "nvme3", "nvme10"] {
            host.tcp(controller, NQN);
            let path = format!("nvme1c{}n1", &controller[4..]);
            disk(&host, controller, &path);
            let target = format!("sys/class/nvme/{controller}");
            link(&host, &format!("{subsystem}/{controller}"), &target);
        }
        link(
            &host,
            &format!("{subsystem}/nvme11"),
            "sys/class/nvme/nvme11",
        );
        disk(&host, "nvme3", "nvme1c3n2");

        let paths = |names: &[&str]| Some(names.iter().map(ToString::to_string).collect());
        for (name, controllers) in [
            ("nvme1n1", paths(&["nvme2", "nvme3", "nvme10"])),
            ("nvme1n1p2", paths(&["nvme2", "nvme3", "nvme10"])),
            ("nvme1n2", paths(&["nvme3"])),
            ("nvme1c10n1", paths(&["nvme10"])),
            ("nvme2n1", None),
        ] {
            assert_eq!(found(&host, name), controllers, "{name}");
        }
        host.remove_controller("nvme3");
        assert_eq!(found(&host, "nvme1n2"), paths(&[]), "no path is left");
    }

    #[test]
    fn without_multipathing_the_controller_is_the_parent() {
        let host = FakeHost::new();
        host.tcp("nvme4", NQN);
        // a namespace of its own in a subsystem that got its number from nvme3
        disk(&host, "nvme4", "nvme3n1");
        let partition = "sys/class/nvme/nvme4/nvme3n1/nvme3n1p1";
        fs::create_dir_all(host.path(partition)).unwrap();
        link(&host, "sys/class/block/nvme3n1p1", partition);
        for name in ["nvme3n1", "nvme3n1p1"] {
            assert_eq!(found(&host, name), Some(vec!["nvme4".to_owned()]));
        }
        host.remove_controller("nvme4");
        assert_eq!(found(&host, "nvme3n1"), None);
        assert_eq!(found(&FakeHost::new(), "nvme3n1"), None);
    }
}
