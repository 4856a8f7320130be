use super::*;
use crate::args::Format;
use crate::testing::FakeHost;

fn host() -> FakeHost {
    let host = FakeHost::new();
    host.pcie("nvme0");
    for (device, owner) in [
        ("nvme1", None),
        ("nvme2", Some("discoverd")),
        ("nvme3", None),
        ("nvme4", Some("discoverd")),
        ("nvme10", Some("stas")),
    ] {
        host.tcp(device, "nqn.2014-08.org.example:a");
        if let Some(owner) = owner {
            host.own(device, owner);
        }
    }
    host
}

fn run(host: &FakeHost, owner: Option<&str>, force: bool, json: bool) -> (Outcome, Output) {
    let format = if json { Format::Json } else { Format::Normal };
    let mut out = Output::captured(format, false);
    let command = DisconnectAll {
        transport: None,
        owner: owner.map(|o| o.parse().unwrap()),
        force,
        output: FakeHost::output_args(),
    };
    (command.run(&host.root(), &mut out).unwrap(), out)
}

#[test]
fn only_what_nobody_owns() {
    let host = host();
    let (outcome, out) = run(&host, None, false, false);
    assert_eq!(outcome, Outcome::Done);
    assert_eq!(
        out.stdout(),
        "disconnected 2 controllers: nvme1, nvme3\n\
         kept 2 controllers of discoverd: nvme2, nvme4\n\
         kept 1 controller of stas: nvme10\n"
    );
    for (device, deletes) in [("nvme1", "1"), ("nvme2", ""), ("nvme3", "1"), ("nvme4", "")] {
        assert_eq!(host.deletes(device), deletes, "{device}");
    }
}

#[test]
fn of_one_owner() {
    let host = host();
    let (_, out) = run(&host, Some("discoverd"), false, true);
    let json: serde_json::Value = serde_json::from_str(out.stdout()).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "disconnected": ["nvme2", "nvme4"],
            "already-gone": [],
            "kept": [
                {"owner": null, "devices": ["nvme1", "nvme3"]},
                {"owner": "stas", "devices": ["nvme10"]}
            ],
            "connecting": [],
            "failed": []
        })
    );
}

#[test]
fn by_force_everything_on_a_fabric() {
    let host = host();
    let (_, out) = run(&host, None, true, false);
    assert_eq!(
        out.stdout(),
        "disconnected 5 controllers: nvme1, nvme2, nvme3, nvme4, nvme10\n"
    );
    assert_eq!(host.deletes("nvme0"), "", "never PCIe");
}

#[test]
fn what_failed_and_what_is_not_known_yet_is_counted_too() {
    let host = host();
    host.remove_attribute("nvme3", "delete_controller");
    host.file("sys/class/nvme/nvme3/delete_controller/x", "");
    host.tcp("nvme5", "(efault)");
    host.attribute("nvme5", "cntrltype", "reserved\n");
    let (outcome, out) = run(&host, None, false, false);
    assert_eq!(outcome, Outcome::Incomplete);
    assert_eq!(
        out.stdout(),
        "disconnected 1 controller: nvme1\n\
         kept 2 controllers of discoverd: nvme2, nvme4\n\
         kept 1 controller of stas: nvme10\n\
         kept 1 controller, still being connected: nvme5\n\
         failed 1 controller: nvme3\n"
    );
    let why = "nvmf: disconnect-all: nvme3: cannot disconnect `";
    assert!(out.stderr().starts_with(why), "{}", out.stderr());
    assert_eq!(out.stderr().lines().count(), 1);
}

#[test]
fn entries_go_with_their_controllers() {
    let host = host();
    let kernel = ["nvme2", "nvme4"].map(|device| host.goes_when_deleted(device));
    let (outcome, out) = run(&host, Some("discoverd"), false, false);
    kernel.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(outcome, Outcome::Done);
    assert!(
        out.stdout()
            .starts_with("disconnected 2 controllers: nvme2, nvme4\n")
    );
    assert!(!host.has_entry("nvme2") && !host.has_entry("nvme4"));
    assert!(host.has_entry("nvme10"));
}

#[test]
fn another_transport_is_no_business() {
    let host = host();
    let mut out = Output::captured(Format::Normal, false);
    let command = DisconnectAll {
        transport: Some(Transport::Rdma),
        owner: None,
        force: true,
        output: FakeHost::output_args(),
    };
    let outcome = command.run(&host.root(), &mut out).unwrap();
    assert_eq!(outcome, Outcome::Done);
    assert_eq!(out.stdout(), "nothing to disconnect\n");
    assert_eq!(host.deletes("nvme1"), "");
}
