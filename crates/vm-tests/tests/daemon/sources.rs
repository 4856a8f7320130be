//! All that something asks for, over all fabrics, as whom it says.

use std::path::Path;

use nvmf_testkit::host::DISCOVERY_NQN;
use nvmf_testkit::target::{AllowedHost, HOST_KEY, Target};
use nvmf_testkit::{LATER, OrFail, SOON, World};

#[test]
fn all_fabrics_at_once() {
    let world = World::new("all_fabrics_at_once");
    let tcp = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.tcp:", 2);
    let rdma = Target::rdma("192.0.2.1", 4420).subsystems("nqn.2026-11.rdma:", 2);
    let looped = Target::looped().subsystems("nqn.2026-11.loop:", 2);
    // Nobody configures this one: its port announces it.
    let fc = Target::fc().subsystems("nqn.2026-11.fc:", 2);
    let targets = [&tcp, &rdma, &looped, &fc];
    let all: Vec<&str> = targets
        .iter()
        .flat_map(|it| it.nqns())
        .map(String::as_str)
        .collect();
    let text = [
        tcp.as_discovery_controller(),
        rdma.as_discovery_controller(),
        looped.as_subsystems(),
    ];
    world.config(&text.concat());
    world.start();
    world.wait_connected(&all, LATER);
    let discovery = || {
        let controllers = world.controllers().into_iter();
        let mut discovery = controllers.filter(|it| it.is_discovery() && it.is_live());
        let mut over: Vec<String> = discovery.by_ref().map(|it| it.transport).collect();
        over.sort();
        over
    };
    world.wait_for("their discovery controllers are", SOON, || {
        discovery() == ["fc", "rdma", "tcp"]
    });
    assert_eq!(world.status().problems(), "");
    let before = world.controllers();
    let old: Vec<_> = before.iter().map(|it| it.incarnation()).collect();
    for lost in before.iter().filter(|it| !it.is_discovery()) {
        lost.delete();
    }
    world.wait_for("others are connected in their place", LATER, || {
        let now = world.controllers();
        let mut now = now.iter().filter(|it| !it.is_discovery());
        now.clone().count() == all.len()
            && now.all(|it| {
                it.is_live() && it.is_owned_by("discoverd") && !old.contains(&it.incarnation())
            })
    });
}

#[test]
fn as_the_host_that_the_configuration_names_and_with_its_key() {
    let world = World::new("as_the_host_that_the_configuration_names_and_with_its_key");
    let (nqn, host) = ("nqn.2026-11.keyed:1", "nqn.2026-11.host:keyed");
    let id = "0c7f6c52-38d2-4e50-b7ad-7c4f6d2f4b11";
    let target = Target::tcp("127.0.0.1", 4420).subsystem(nqn);
    target.allow(nqn, &AllowedHost::new(host).key(HOST_KEY));
    world.etc("host.key", &format!("{HOST_KEY}\n"));
    world
        .run("chmod", &["600", "/etc/nvme/host.key"])
        .expect_success();
    world.config(&format!(
        "[Host]\nhostnqn = {host}\nhostid = {id}\nkxchap-secret = file:/etc/nvme/host.key\n{}",
        target.as_subsystems()
    ));
    world.start();
    world.wait_connected(target.nqns(), SOON);
    let made = world.controller(nqn);
    let folder = Path::new("/sys/class/nvme").join(&made.device);
    let says = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name)).or_fail("read who the host is");
        text.trim().to_owned()
    };
    assert_eq!((says("hostnqn"), says("hostid")), (host.into(), id.into()));
    // The key is nowhere where others can see it.
    let unit = format!("nvmf-{}-{}.service", made.device, made.ino);
    world.wait_for("it has a unit", SOON, || {
        world
            .run("systemctl", &["is-active", &unit])
            .status
            .success()
    });
    let shown = world.run("systemctl", &["show", &unit]).expect_success();
    let status = world.nvmf(&["status", "-o", "json"]).expect_success();
    let processes = world.run("ps", &["axww", "-o", "args"]).expect_success();
    for text in [shown, status, processes, world.journal()] {
        assert!(!text.contains(HOST_KEY), "{text}");
    }
}

#[test]
fn a_page_that_becomes_empty_asks_for_nothing_and_takes_nothing_away() {
    let world = World::new("a_page_that_becomes_empty_asks_for_nothing_and_takes_nothing_away");
    let mut target = Target::tcp("127.0.0.1", 8009)
        .subsystem("nqn.2026-11.page:kept")
        .subsystem("nqn.2026-11.page:gone");
    // one more way to a subsystem that the page ceases to name
    let other = Target::tcp("127.0.0.1", 4421).subsystem("nqn.2026-11.page:other");
    world.config(&target.as_discovery_controller());
    world.start();
    world.wait_connected(target.nqns(), SOON);
    world.nvme_connect(&other, "nqn.2026-11.page:other");
    target.remove_subsystem("nqn.2026-11.page:gone");
    world.wait_for("nothing asks for it any more", LATER, || {
        world.status().state("nqn.2026-11.page:gone").is_empty()
    });
    let nobodys = world.controller("nqn.2026-11.page:other");
    assert!(nobodys.is_live() && nobodys.owner.is_none(), "{nobodys}");
    let kept = world.controller("nqn.2026-11.page:kept");
    assert!(kept.is_live() && kept.is_owned_by("discoverd"), "{kept}");
    assert!(world.controller(DISCOVERY_NQN).is_live());
}
