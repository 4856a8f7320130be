//! Namespaces of a controller.

use nvmf_types::DeviceName;

use super::SysfsError;
use super::listing::names;
use crate::Root;

/// A namespace that a controller gives access to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// The block device: `nvme3n1`. With native multipathing it is shared by several controllers.
    pub name: String,
    /// Namespace id, where the kernel tells.
    pub nsid: Option<u32>,
    /// Capacity in bytes.
    pub size: u64,
    /// With native multipathing, the hidden disk that is this controller's path: `nvme3c4n1`.
    pub path: Option<String>,
    /// Asymmetric namespace access state of the path (Base Specification 2.x §8.1.2), where the
    /// kernel tells: `optimized`, `non-optimized`, `inaccessible`, …
    pub ana_state: Option<String>,
}

/// The namespaces of `device`, in the order of their names; none if it is gone.
///
/// # Errors
/// sysfs cannot be read.
pub fn namespaces(root: &Root, device: &DeviceName) -> Result<Vec<Namespace>, SysfsError> {
    let path = root.sys().join("class/nvme").join(device.as_str());
    let mut found = Vec::new();
    for entry in names(&path)? {
        let Some((name, number)) = block_device(&entry) else {
            continue;
        };
        let read = |file| std::fs::read_to_string(path.join(&entry).join(file)).ok();
        let nsid = read("nsid").and_then(|text| text.trim().parse().ok());
        let sectors: Option<u64> = read("size").and_then(|text| text.trim().parse().ok());
        let size = sectors.unwrap_or_default().saturating_mul(512);
        let ana_state = read("ana_state").map(|text| text.trim().to_owned());
        let namespace = Namespace {
            path: (name != entry).then(|| entry.clone()),
            name,
            nsid,
            size,
            ana_state,
        };
        found.push((number, namespace));
    }
    found.sort_by(|a, b| (a.0, &a.1.name).cmp(&(b.0, &b.1.name)));
    Ok(found.into_iter().map(|(_, namespace)| namespace).collect())
}

/// `nvme3n1`, or `nvme3c5n1` (one path of `nvme3n1`): the block device's name and number.
fn block_device(entry: &str) -> Option<(String, u32)> {
    let (instance, number) = entry.strip_prefix("nvme")?.split_once('n')?;
    let subsystem = match instance.split_once('c') {
        Some((subsystem, path)) => path.parse::<u32>().ok().map(|_| subsystem)?,
        None => instance,
    };
    let (subsystem, number) = (subsystem.parse::<u32>().ok()?, number.parse::<u32>().ok()?);
    Some((format!("nvme{subsystem}n{number}"), number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    #[test]
    fn with_and_without_multipathing() {
        let host = FakeHost::new();
        let device = host.tcp("nvme3", "nqn.2014-08.org.example:a");
        host.attribute("nvme3", "nvme2c3n10/size", "2048\n");
        host.attribute("nvme3", "nvme2c3n10/nsid", "10\n");
        host.attribute("nvme3", "nvme2c3n10/ana_state", "non-optimized\n");
        host.attribute("nvme3", "nvme3n2/size", "16\n");
        host.attribute("nvme3", "ng3n1/dev", "1:1\n");
        host.attribute("nvme3", "power/nsid", "1\n");
        let found = namespaces(&host.root(), &device).unwrap();
        assert_eq!(
            found,
            [
                Namespace {
                    name: "nvme3n2".into(),
                    nsid: None,
                    size: 8192,
                    path: None,
                    ana_state: None,
                },
                Namespace {
                    name: "nvme2n10".into(),
                    nsid: Some(10),
                    size: 1_048_576,
                    path: Some("nvme2c3n10".into()),
                    ana_state: Some("non-optimized".into()),
                },
            ]
        );
        assert_eq!(
            namespaces(&host.root(), &DeviceName::from_number(9)).unwrap(),
            []
        );
    }
}
