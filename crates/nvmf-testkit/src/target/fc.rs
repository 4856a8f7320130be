//! Fibre Channel without hardware: `nvme-fcloop` joins a host port and a target port of this
//! machine.

use std::fs;
use std::path::Path;

use super::port::Address;
use crate::files::put;

const CONTROL: &str = "/sys/class/fcloop/ctl";

/// How many links there can be: their names are fixed, so that every one can be removed.
const LINKS: u8 = 4;

/// The modules that are needed.
pub(super) const MODULES: &[&str] = &["nvmet", "nvmet-fc", "nvme-fc", "nvme-fcloop"];

/// Node and port names of one link.
struct Link {
    host: (String, String),
    target: (String, String),
}

impl Link {
    fn new(number: u8) -> Self {
        let names = |kind: &str| {
            (
                format!("0x10001100{kind}0000{number:02x}"),
                format!("0x20001100{kind}0000{number:02x}"),
            )
        };
        Self {
            host: names("aa"),
            target: names("ab"),
        }
    }
}

/// Makes the link `number` (from 1) and returns where its target port is.
#[track_caller]
pub(super) fn link(number: u8) -> Address {
    assert!((1..=LINKS).contains(&number), "no FC link {number}");
    let link = Link::new(number);
    let ((host_node, host_port), (node, port)) = (&link.host, &link.target);
    let names = format!("wwnn={node},wwpn={port}");
    let to_host = format!("lpwwnn={host_node},lpwwpn={host_port},roles=0x60");
    control("add_target_port", &names);
    control(
        "add_local_port",
        &format!("wwnn={host_node},wwpn={host_port}"),
    );
    control("add_remote_port", &format!("{names},{to_host}"));
    Address {
        transport: "fc",
        traddr: format!("nn-{node}:pn-{port}"),
        trsvcid: String::new(),
        host_traddr: Some(format!("nn-{host_node}:pn-{host_port}")),
    }
}

/// Removes all links that there are. Controllers and target ports must be gone.
pub(super) fn remove_all() {
    if !Path::new(CONTROL).is_dir() {
        return;
    }
    for number in 1..=LINKS {
        let Link { host, target } = Link::new(number);
        for (name, (node, port)) in [
            ("del_remote_port", &target),
            ("del_local_port", &host),
            ("del_target_port", &target),
        ] {
            // Not there is as good as removed.
            let _ = fs::write(
                Path::new(CONTROL).join(name),
                format!("wwnn={node},wwpn={port}"),
            );
        }
    }
}

#[track_caller]
fn control(attribute: &str, text: &str) {
    put(Path::new(CONTROL).join(attribute), text);
}
