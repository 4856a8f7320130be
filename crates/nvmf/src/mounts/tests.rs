//! What is warned about.

use std::os::unix::fs::symlink;

use super::*;
use crate::testing::FakeHost;

fn file(host: &FakeHost, name: &str, text: &str) {
    let path = host.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Two controllers over tcp, one drive, a namespace each: 259:1, 259:2, 259:3.
fn host() -> FakeHost {
    let host = FakeHost::new();
    host.tcp("nvme1", "nqn.2014-08.org.example:a");
    host.tcp("nvme2", "nqn.2014-08.org.example:b");
    host.pcie("nvme3");
    for number in 1..=3 {
        let name = format!("nvme{number}n1");
        let place = host.path(&format!("sys/class/nvme/nvme{number}/{name}"));
        fs::create_dir_all(&place).unwrap();
        for link in [
            format!("class/block/{name}"),
            format!("dev/block/259:{number}"),
        ] {
            let link = host.path("sys").join(link);
            fs::create_dir_all(link.parent().unwrap()).unwrap();
            symlink(&place, link).unwrap();
        }
    }
    let lines = [
        (3, "/", "nvme3n1"),
        (1, "/srv/a\\040b", "nvme1n1"),
        (2, "/data", "nvme2n1"),
        (3, "/local", "nvme3n1"),
    ];
    let all: String = lines.into_iter().map(mounted).collect();
    file(&host, "proc/self/mountinfo", &all);
    host
}

fn mounted((number, place, source): (u8, &str, &str)) -> String {
    format!("27 1 259:{number} / {place} rw,relatime shared:1 - ext4 /dev/{source} rw\n")
}

fn places(host: &FakeHost) -> Vec<String> {
    let found = without_netdev(&host.root());
    found.into_iter().map(|it| it.place).collect()
}

#[test]
fn what_says_that_it_needs_the_network_is_in_order() {
    let host = host();
    assert_eq!(places(&host), ["/data", "/srv/a b"]);
    let found = without_netdev(&host.root());
    assert_eq!(found[0].controllers, [DeviceName::from_number(2)]);

    let fstab = "# /dev/nvme2n1 /data ext4 _netdev\nUUID=1 /srv/a\\040b ext4 ro,_netdev 0 2\nUUID=2 /data ext4 x_netdev\n";
    file(&host, "etc/fstab", fstab);
    assert_eq!(places(&host), ["/data"]);
    let utab = "ID=9 SRC=/dev/nvme2n1 TARGET=/data ROOT=/ OPTS=_netdev,nofail\n";
    file(&host, "run/mount/utab", utab);
    assert_eq!(places(&host), [""; 0]);
}

#[test]
fn what_stays_connected_at_shutdown_is_in_order() {
    let host = host();
    file(&host, "run/nvme/registry/nvme2/owner", "nbft\n");
    assert_eq!(places(&host), ["/srv/a b"]);
    let beside = [(1, "/usr", "nvme1n1"), (1, "/srv", "nvme1n1")];
    let beside: String = beside.into_iter().map(mounted).collect();
    file(&host, "proc/self/mountinfo", &beside);
    assert_eq!(places(&host), [""; 0]);
    let nvme1 = BTreeSet::from([DeviceName::from_number(1)]);
    assert_eq!(root_controllers(&host.root()), nvme1);
}

#[test]
fn text_of_any_kind() {
    assert_eq!(unescaped("a\\040b\\134c"), "a b\\c");
    assert_eq!(unescaped("\\04\\9zz\\"), "\\04\\9zz\\");
    let host = FakeHost::new();
    file(
        &host,
        "proc/self/mountinfo",
        "\n - \n1 2 3\n1 2 3 4 5 6\n1 2 3 4 5 - \n",
    );
    file(&host, "etc/fstab", "x\n/a /b\n");
    assert_eq!(places(&host), [""; 0]);
}
