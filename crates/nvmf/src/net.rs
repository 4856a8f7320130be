//! Network interfaces.

mod changes;

use std::io;
use std::path::Path;

use nvmf_types::nbft::BootInterface;
use rustix::net::{AddressFamily, SocketType, netdevice};

pub use changes::Changes;

use crate::{Root, sysfs};

/// The name of the interface with an Ethernet address and VLAN id; `None`: there is none.
///
/// Several interfaces can have one address: VLANs and bridges take that of what is below them, and
/// the members of a bond that of the bond. An interface that another one rules over comes last, as
/// it has no IP address of its own.
///
/// # Errors
/// `/sys/class/net` is there and cannot be read. An interface that vanishes meanwhile is left out.
pub fn interface(root: &Root, wanted: &BootInterface) -> io::Result<Option<String>> {
    let class = root.sys().join("class/net");
    let mut found = Vec::new();
    for name in sysfs::names(&class).map_err(|error| error.source)? {
        if has_mac(&class.join(&name), wanted) && vlan(root, &name) == Some(wanted.vlan) {
            let ruled = class.join(&name).join("master").exists();
            found.push((ruled, name));
        }
    }
    Ok(found.into_iter().min().map(|(_, name)| name))
}

/// The name of the interface of that number.
///
/// # Errors
/// There is none.
pub fn interface_name(number: u32) -> io::Result<String> {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    Ok(netdevice::index_to_name(socket, number)?)
}

fn has_mac(device: &Path, wanted: &BootInterface) -> bool {
    let text = std::fs::read_to_string(device.join("address"));
    text.is_ok_and(|text| text.trim_end().parse() == Ok(wanted.mac))
}

/// The VLAN id of an interface, 0 if it is none of a VLAN. Only `/proc/net/vlan` has the number;
/// `None`: it is one of a VLAN, but of which cannot be read.
fn vlan(root: &Root, name: &str) -> Option<u16> {
    let uevent = root.sys().join("class/net").join(name).join("uevent");
    let uevent = std::fs::read_to_string(uevent).unwrap_or_default();
    if !uevent.lines().any(|line| line == "DEVTYPE=vlan") {
        return Some(0);
    }
    let text = std::fs::read_to_string(root.proc().join("net/vlan").join(name)).ok()?;
    let mut words = text.split_whitespace();
    words.find(|word| *word == "VID:")?;
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    fn device(host: &FakeHost, name: &str, mac: &str, kind: &str) {
        let folder = host.path("sys/class/net").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("address"), format!("{mac}\n")).unwrap();
        let uevent = format!("{kind}INTERFACE={name}\nIFINDEX=2\n");
        std::fs::write(folder.join("uevent"), uevent).unwrap();
    }

    fn vlan_of(host: &FakeHost, name: &str, id: u16) {
        let folder = host.path("proc/net/vlan");
        std::fs::create_dir_all(&folder).unwrap();
        let text =
            format!("{name}  VID: {id}\t REORDER_HDR: 1  dev->priv_flags: 1021\nDevice: eth0\n");
        std::fs::write(folder.join(name), text).unwrap();
    }

    fn find(host: &FakeHost, mac: &str, vlan: u16) -> Option<String> {
        let mac = mac.parse().unwrap();
        interface(&host.root(), &BootInterface { mac, vlan }).unwrap()
    }

    #[test]
    fn by_address_and_vlan() {
        let host = FakeHost::new();
        device(&host, "lo", "00:00:00:00:00:00", "");
        device(
            &host,
            "ib0",
            "80:00:02:08:fe:80:00:00:00:00:00:00:e4:1d:2d:03:00:4b:7b:40",
            "",
        );
        device(&host, "eth0", "52:54:00:00:00:01", "");
        device(&host, "eth0.100", "52:54:00:00:00:01", "DEVTYPE=vlan\n");
        vlan_of(&host, "eth0.100", 100);
        device(&host, "storage", "52:54:00:00:00:01", "DEVTYPE=vlan\n");
        vlan_of(&host, "storage", 200);
        device(&host, "unknown", "52:54:00:00:00:01", "DEVTYPE=vlan\n");
        assert_eq!(find(&host, "52:54:00:00:00:01", 0).as_deref(), Some("eth0"));
        assert_eq!(
            find(&host, "52:54:00:00:00:01", 100).as_deref(),
            Some("eth0.100")
        );
        assert_eq!(
            find(&host, "52:54:00:00:00:01", 200).as_deref(),
            Some("storage")
        );
        assert_eq!(find(&host, "52:54:00:00:00:01", 300), None);
        assert_eq!(find(&host, "52:54:00:00:00:02", 0), None);
    }

    #[test]
    fn what_is_ruled_over_comes_last() {
        let host = FakeHost::new();
        device(&host, "eth0", "52:54:00:00:00:01", "");
        device(&host, "zbond", "52:54:00:00:00:01", "DEVTYPE=bond\n");
        let master = host.path("sys/class/net/eth0/master");
        std::os::unix::fs::symlink("../zbond", master).unwrap();
        assert_eq!(
            find(&host, "52:54:00:00:00:01", 0).as_deref(),
            Some("zbond")
        );
        std::fs::remove_dir_all(host.path("sys/class/net/zbond")).unwrap();
        assert_eq!(find(&host, "52:54:00:00:00:01", 0).as_deref(), Some("eth0"));
    }
}
