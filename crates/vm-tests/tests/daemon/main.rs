//! The daemon in its place: what it hears, what it may, what it shows.

mod asked;
mod boot;
mod mounted;
mod sources;
mod stas;
mod trouble;
mod visits;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nvmf_testkit::host::DISCOVERY_NQN;
use nvmf_testkit::target::Target;
use nvmf_testkit::{LATER, SOON, World};

const NAME: &str = "org.nvmexpress.Discoverd1";
const PATH: &str = "/org/nvmexpress/discoverd";

fn call(world: &World, user: &str, interface: &str, method: &[&str]) -> nvmf_testkit::Ran {
    let mut arguments = vec!["-u", user, "--", "busctl", "call", NAME, PATH, interface];
    arguments.extend(method);
    world.run("runuser", &arguments)
}

#[test]
fn it_may_little_and_needs_no_more() {
    let world = World::new("it_may_little_and_needs_no_more");
    let target = Target::tcp("127.0.0.1", 8009).subsystems("nqn.2026-11.confined:", 2);
    world.config(&target.as_discovery_controller());
    world.start();
    world.wait_connected(target.nqns(), SOON);
    for (most, unit) in [
        ("--threshold=30", "nvme-discoverd.service"),
        ("--threshold=40", "nvmf-connector.service"),
    ] {
        let arguments = ["security", "--no-pager", most, unit];
        world.run("systemd-analyze", &arguments).expect_success();
    }
    // claims are written, too
    world.stop();
    world.run("rm", &["-rf", "/run/nvme"]).expect_success();
    world.start();
    world.wait_for("all are claimed", SOON, || {
        let listed = world.nvmf(&["registry", "list"]).expect_success();
        listed.matches("discoverd").count() == 3
    });
    world.reload();
    let journal = world.journal();
    for refused in ["not permitted", "ermission denied", "ead-only file system"] {
        assert!(!journal.contains(refused), "{journal}");
    }
}

#[test]
fn everybody_may_look_and_root_may_act() {
    let world = World::new("everybody_may_look_and_root_may_act");
    let target = Target::tcp("127.0.0.1", 4420).subsystems("nqn.2026-11.bus:", 1);
    world.config(&target.as_subsystems());
    world.start();
    world.wait_connected(target.nqns(), SOON);
    let manager = "org.nvmexpress.Discoverd1.Manager";
    let objects = "org.freedesktop.DBus.ObjectManager";
    let all = call(&world, "nobody", objects, &["GetManagedObjects"]).expect_success();
    assert!(all.contains("nqn.2026-11.bus:1"), "{all}");
    call(&world, "nobody", manager, &["Status"]).expect_success();
    let explain = ["Explain", "s", "nqn.2026-11.bus:1"];
    let said = call(&world, "nobody", manager, &explain).expect_success();
    assert!(said.contains("nvme-fabrics.conf:"), "{said}");
    for act in [&["Reload"][..], &["RetryNow", "s", ""]] {
        call(&world, "nobody", manager, act).expect_failure(1);
        call(&world, "root", manager, act).expect_success();
    }
}

#[test]
fn changes_of_state_are_found_in_the_journal_and_counted() {
    let world = World::new("changes_of_state_are_found_in_the_journal_and_counted");
    let target = Target::tcp("127.0.0.1", 4420).subsystems("nqn.2026-11.fields:", 1);
    world.config(&target.as_subsystems());
    world.start();
    world.wait_connected(target.nqns(), SOON);
    let device = world.controller("nqn.2026-11.fields:1").device;
    let found = || {
        world.run("journalctl", &["--sync"]).expect_success();
        let matches = [
            "--quiet".to_owned(),
            "--output=cat".to_owned(),
            "MESSAGE_ID=6a0a3f1be9c34d7c9f5e1d0c8b7a1f03".to_owned(),
            "NVME_NQN=nqn.2026-11.fields:1".to_owned(),
            "NVME_TRADDR=127.0.0.1".to_owned(),
            "OWNER=discoverd".to_owned(),
            format!("NVME_DEVICE={device}"),
        ];
        world.run("journalctl", &matches).expect_success()
    };
    world.wait_for("the journal has it", SOON, || {
        found().contains(&format!("connected as {device}"))
    });
    world.wait_for("it is counted", SOON, || {
        let mut stream = UnixStream::connect("/run/nvme-discoverd/metrics.sock").unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.contains("nvme_discoverd_controllers{state=\"connected\"} 1\n")
            && answer.contains("nvme_discoverd_connects_total{result=\"connected\"} 1\n")
    });
}

#[test]
fn what_fibre_channel_announces_is_connected() {
    let world = World::new("what_fibre_channel_announces_is_connected");
    let target = Target::fc().subsystems("nqn.2026-11.announced:", 1);
    world.config("");
    world.start();
    world.wait_connected(target.nqns(), LATER);
    assert!(
        world.status().problems().is_empty(),
        "{}",
        world.status().problems()
    );
}

#[test]
fn what_no_port_announces_any_more_is_not_desired() {
    let world = World::new("what_no_port_announces_any_more_is_not_desired");
    let target = Target::fc().subsystems("nqn.2026-11.vanishes:", 1);
    world.config("");
    world.start();
    world.wait_connected(target.nqns(), LATER);
    let nqn = &target.nqns()[0];
    target.vanish();
    // the port is gone when the last controller on it is
    for lost in world.controllers() {
        lost.delete();
    }
    let desired = |nqn: &str| world.status().connection(nqn, "state").is_some();
    world.wait_for(
        "neither it nor its discovery controller is desired",
        LATER,
        || !desired(nqn) && !desired(DISCOVERY_NQN),
    );
}

#[test]
fn what_mdns_announces_is_connected() {
    let world = World::new("what_mdns_announces_is_connected");
    network(&world, &["192.0.2.200/24"]);
    let target = Target::tcp("0.0.0.0", 8009).subsystems("nqn.2026-11.mdns:", 1);
    let service = "<service-group><name>lab</name><service><type>_nvme-disc._tcp</type>\
                   <port>8009</port><txt-record>p=tcp</txt-record></service></service-group>";
    let file = "/etc/avahi/services/nvmf-test.service";
    std::fs::write(file, service).unwrap();
    world.on_end("no service", move || drop(std::fs::remove_file(file)));
    world
        .run("systemctl", &["restart", "avahi-daemon"])
        .expect_success();
    world.config("");
    world.daemon_config("[Global]\nzeroconf = yes\n");
    world.start();
    // It is found on every interface: how many of them it is connected over changes.
    let over = |traddr: &str| {
        let all = world.controllers().into_iter();
        let mut all = all.filter(|it| target.nqns().contains(&it.nqn));
        all.find(|it| it.is_live() && it.is_owned_by("discoverd") && it.address.contains(traddr))
    };
    world.wait_for("it is connected", LATER, || over("").is_some());
    world
        .run("systemctl", &["restart", "avahi-daemon"])
        .expect_success();
    let there = || over("traddr=192.0.2.200,");
    world.wait_for("it is connected there", LATER, || there().is_some());
    let lost = there().expect("it is there");
    lost.delete();
    world.wait_for("it is connected again", LATER, || {
        there().is_some_and(|it| it.incarnation() != lost.incarnation())
    });
}

#[test]
fn an_address_that_comes_has_it_tried_at_once() {
    let world = World::new("an_address_that_comes_has_it_tried_at_once");
    let target = Target::tcp("0.0.0.0", 4420).subsystems("nqn.2026-11.address:", 1);
    world.config(
        "[Subsystem]\nnqn = nqn.2026-11.address:1\n\
         controller = transport=tcp;traddr=198.51.100.7;trsvcid=4420\n",
    );
    network(&world, &[]);
    world.start();
    let long = 10_000;
    world.wait_for("it failed so often that it waits for long", LATER, || {
        let wait = world
            .status()
            .connection("nqn.2026-11.address:1", "next-retry-ms");
        wait.and_then(|ms| ms.parse::<u64>().ok()) > Some(long)
    });
    network(&world, &["198.51.100.7/24"]);
    world.wait_connected(target.nqns(), Duration::from_millis(long));
}

/// A network of our own, with these addresses.
fn network(world: &World, addresses: &[&str]) {
    let there = std::path::Path::new("/sys/class/net/nvmf-test").exists();
    let ip = |arguments: &str| {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        world.run("ip", &arguments).expect_success();
    };
    if !there {
        ip("link add nvmf-test type dummy");
        ip("link set nvmf-test multicast on up");
        world.on_end("no network", || {
            let mut gone = std::process::Command::new("ip");
            drop(gone.args(["link", "delete", "nvmf-test"]).status());
        });
    }
    for address in addresses {
        ip(&format!("address add {address} dev nvmf-test"));
    }
}
