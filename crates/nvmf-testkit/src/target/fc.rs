//! Fibre Channel without hardware: `nvme-fcloop` joins a host port and a target port of this
//! machine.

use std::fs;
use std::path::Path;

use super::port::Address;
use crate::files::put;

const CONTROL: &str = "/sys/class/fcloop/ctl";

/// The links that there are, one line each: their numbers. It outlives the program that made them.
const MADE: &str = "/run/nvmf-testkit.fc";

/// The modules that are needed.
pub(super) const MODULES: &[&str] = &["nvmet", "nvmet-fc", "nvme-fc", "nvme-fcloop"];

/// Node and port names of one link. No link gets the names of one before it: the target side keeps
/// what it knows of a host's port for a while, and then refuses ("Association Allocation Failed").
struct Link {
    host: (String, String),
    target: (String, String),
}

impl Link {
    fn new(number: u32) -> Self {
        let names = |kind: &str| {
            (
                format!("0x10001100{kind}{number:06x}"),
                format!("0x20001100{kind}{number:06x}"),
            )
        };
        Self {
            host: names("aa"),
            target: names("ab"),
        }
    }
}

/// Makes another link and returns where its target port is.
#[track_caller]
pub(super) fn link() -> Address {
    let link = Link::new(another());
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

/// The host's port does not see the target port at `traddr` any more.
#[track_caller]
pub(super) fn unlink(traddr: &str) {
    let names = traddr.replace("nn-", "wwnn=").replace(":pn-", ",wwpn=");
    control("del_remote_port", &names);
}

/// The number of a link that was not there since the machine was started, noted as there.
#[track_caller]
fn another() -> u32 {
    let mut made = fs::read_to_string(MADE).unwrap_or_default();
    let last = made.lines().last().and_then(|line| line.parse().ok());
    let number = last.unwrap_or(0) + 1;
    made.push_str(&format!("{number}\n"));
    put(MADE, &made);
    number
}

/// Removes all links that there are. Controllers and target ports must be gone.
pub(super) fn remove_all() {
    let Ok(made) = fs::read_to_string(MADE) else {
        return;
    };
    let numbers: Vec<u32> = made.lines().filter_map(|line| line.parse().ok()).collect();
    for number in &numbers {
        let Link { host, target } = Link::new(*number);
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
    // The last number is not given again.
    if let Some(last) = numbers.last() {
        put(MADE, format!("{last}\n"));
    }
}

#[track_caller]
fn control(attribute: &str, text: &str) {
    put(Path::new(CONTROL).join(attribute), text);
}
