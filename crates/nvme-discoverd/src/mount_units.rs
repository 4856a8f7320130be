//! Mounts whose units have the right order without `_netdev`, because somebody wrote it there.

use std::fmt::Write;

use nvmf::mounts::Unordered;
use zbus::Connection;
use zbus::proxy::CacheProperties;

use crate::units::SystemdProxy;

/// What is unmounted before what the daemon connects is disconnected is ordered after it.
const TARGET: &str = "remote-fs-pre.target";

/// The part of `org.freedesktop.systemd1.Unit` that is used.
#[zbus::proxy(
    interface = "org.freedesktop.systemd1.Unit",
    default_service = "org.freedesktop.systemd1"
)]
trait Unit {
    #[zbus(property)]
    fn after(&self) -> zbus::Result<Vec<String>>;
}

/// Those of the mounts that systemd does not unmount in time either. Where it does not answer, or has no unit, it
/// does not.
pub(crate) async fn unordered(bus: &Connection, found: Vec<Unordered>) -> Vec<Unordered> {
    let mut left = Vec::new();
    for mount in found {
        let after = after(bus, &name(&mount.place)).await.unwrap_or_default();
        if !after.iter().any(|unit| unit == TARGET) {
            left.push(mount);
        }
    }
    left
}

async fn after(bus: &Connection, unit: &str) -> zbus::Result<Vec<String>> {
    // nothing of it is to be kept up to date
    let systemd = SystemdProxy::builder(bus)
        .cache_properties(CacheProperties::No)
        .build()
        .await?;
    let unit = UnitProxy::builder(bus)
        .cache_properties(CacheProperties::No)
        .path(systemd.get_unit(unit).await?)
        .build()
        .await?;
    unit.after().await
}

/// The name of a mount's unit (systemd.unit(5), "String Escaping for Inclusion in Unit Names").
fn name(place: &str) -> String {
    let parts: Vec<&str> = place.split('/').filter(|part| !part.is_empty()).collect();
    let mut name = String::new();
    for (at, byte) in parts.join("/").bytes().enumerate() {
        match byte {
            b'/' => name.push('-'),
            b'.' if at > 0 => name.push('.'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b':' | b'_' => name.push(char::from(byte)),
            // a String takes everything
            byte => drop(write!(name, "\\x{byte:02x}")),
        }
    }
    if name.is_empty() {
        name.push('-');
    }
    name + ".mount"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_named_as_systemd_does() {
        // as `systemd-escape --path --suffix=mount` says
        for (place, unit) in [
            ("/", "-.mount"),
            ("/srv/a", "srv-a.mount"),
            ("/srv//a-b/", r"srv-a\x2db.mount"),
            ("/.hidden/.too", r"\x2ehidden-.too.mount"),
            ("/with space/ä", r"with\x20space-\xc3\xa4.mount"),
            ("/a:b_c.d\\e", r"a:b_c.d\x5ce.mount"),
        ] {
            assert_eq!(name(place), unit, "{place}");
        }
    }
}
