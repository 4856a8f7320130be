use std::path::Path;

use super::*;
use crate::args::Format;
use crate::testing::{FakeHost, parse};

/// The folder of tables from real firmware.
const REAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../nvmf-types/tests/data/nbft");

/// A folder with one of them, as `NBFT`.
fn folder(host: &FakeHost, name: &str) -> PathBuf {
    let place = host.file("tables/NBFT", "");
    std::fs::copy(Path::new(REAL).join(format!("NBFT-{name}")), &place).unwrap();
    place.parent().unwrap().to_owned()
}

fn show(host: &FakeHost, words: &[&str], format: Format) -> (Outcome, Output) {
    let mut out = Output::captured(format, false);
    let show: Show = parse(words);
    let outcome = show.run(&host.root(), &mut out).unwrap();
    (outcome, out)
}

fn text(name: &str, options: &[&str]) -> String {
    let host = FakeHost::new();
    let folder = folder(&host, name);
    let words = [&["--nbft-path", folder.to_str().unwrap()], options].concat();
    let (outcome, out) = show(&host, &words, Format::Normal);
    outcome.expect_done();
    host.relative(out.stdout())
}

fn json(name: &str, options: &[&str]) -> serde_json::Value {
    let host = FakeHost::new();
    let folder = folder(&host, name);
    let words = [&["--nbft-path", folder.to_str().unwrap()], options].concat();
    let (outcome, out) = show(&host, &words, Format::Json);
    outcome.expect_done();
    serde_json::from_str(out.stdout()).unwrap()
}

#[test]
fn as_text() {
    assert_eq!(
        text("Dell.PowerEdge.R760", &[]),
        "\
/tables/NBFT
  hostnqn nqn.1988-11.com.dell:PowerEdge.R760.1234567
  hostid  44454c4c-3400-1036-8038-b2c04f313233

SSNS  SUBSYSTEM                                                TRANSPORT  ADDRESS             HFIS  NSID  NAMESPACE                         SECURITY  NOTE
1     nqn.1988-11.com.dell:powerstore:00:2a64abf1c5b81F6C4549  tcp        100.71.103.48:4420  1     148   c82404ed9c15f53b8ccf0968002e0fca  -         from discovery 1
2     nqn.1988-11.com.dell:powerstore:00:2a64abf1c5b81F6C4549  tcp        100.71.103.49:4420  1     148   c82404ed9c15f53b8ccf0968002e0fca  -         from discovery 1

HFI  TRANSPORT  PCI       MAC                VLAN  ADDRESS            GATEWAY         DNS                    DHCP
1    tcp        0:40:0.0  b0:26:28:e8:7c:0e  -     100.71.245.232/24  100.71.245.254  100.64.0.5,100.64.0.6  100.71.245.254

DISCOVERY  URI                             SUBSYSTEM                             HFI  SECURITY
1          nvme+tcp://100.71.103.50:8009/  nqn.2014-08.org.nvmexpress.discovery  1    -
"
    );
    assert_eq!(
        text("empty", &[]),
        "\
/tables/NBFT
  hostnqn nqn.2014-08.org.nvmexpress:uuid:12345678-aaaa-bbbb-cccc-123456789012
  hostid  78563412-aaaa-bbbb-cccc-123456789012
  no entries
"
    );
}

#[test]
fn parts_of_it() {
    let heads = |options: &[&str]| {
        let text = text("dhcp-ipv4", options);
        let parts = text.split("\n\n").skip(1);
        let first = parts.map(|part| part.split(' ').next().unwrap().to_owned());
        first.collect::<Vec<_>>()
    };
    assert_eq!(heads(&["-s"]), ["SSNS"]);
    assert_eq!(heads(&["--hfi", "-d"]), ["HFI", "DISCOVERY"]);
    assert_eq!(
        heads(&["-H", "--subsystem", "--discovery"]),
        ["SSNS", "HFI", "DISCOVERY"]
    );
    let table = &json("dhcp-ipv4", &["-H"])[0];
    assert!(table["hfi"].is_array() && table.get("subsystem").is_none());
}

#[test]
fn as_json() {
    let tables = json("dhcp-ipv4", &[]);
    let table = &tables[0];
    assert!(
        table["filename"]
            .as_str()
            .unwrap()
            .ends_with("/tables/NBFT")
    );
    assert_eq!(table["host"]["id"], "e359b7a1-5d03-7747-b3cc-1754b8b819b9");
    assert_eq!(table["host"]["host_nqn_configured"], 1);
    assert_eq!(table["host"]["primary_admin_host_flag"], "not indicated");
    assert_eq!(
        table["hfi"][0],
        serde_json::json!({
            "index": 1, "transport": "tcp", "pcidev": "0:0:1.0", "mac_addr": "52:54:00:b8:19:b9",
            "vlan": 0, "ip_origin": 3, "ipaddr": "192.168.49.155", "subnet_mask_prefix": 24,
            "gateway_ipaddr": "0.0.0.0", "route_metric": 0, "primary_dns_ipaddr": "192.168.49.1",
            "secondary_dns_ipaddr": "0.0.0.0", "dhcp_server_ipaddr": "192.168.49.1",
            "host_name": "nvmeof-sles", "this_hfi_is_default_route": 1, "dhcp_override": 1,
            "ipaddr_autoconf": 0, "pcie_seg_num": 0, "dhcp_iaid": null, "dhcp_duid_raw": null
        })
    );
    assert_eq!(
        table["subsystem"][0],
        serde_json::json!({
            "index": 1, "num_hfis": 1, "hfis": [1], "transport": "tcp", "traddr": "192.168.49.10",
            "trsvcid": "4420", "subsys_port_id": 0, "nsid": 1, "nid_type": "uuid",
            "nid": "df669a88-bd6f-4dd6-8a50-5f97eb55c835",
            "subsys_nqn": "nqn.2022-12.org.nvmexpress.boot.poc:bremer.vagrant-nvmet.subsys02",
            "controller_id": 7, "asqsz": 0, "dhcp_root_path_string": null,
            "pdu_header_digest_required": 0, "data_digest_required": 0, "discovered": 1,
            "unavailable": 0, "naed": 0, "cipeec": 0, "connection_timeout": null, "nceec": 0,
            "security": null, "discovery": 1
        })
    );
    assert_eq!(
        table["discovery"][0],
        serde_json::json!({
            "index": 1, "security": null, "hfi": 1, "uri": "nvme+tcp://192.168.49.10:4420/",
            "nqn": "nqn.2014-08.org.nvmexpress.discovery"
        })
    );
    assert_eq!(table["security"], serde_json::json!([]));
    assert_eq!(table["problems"], serde_json::json!([]));
}

#[test]
fn no_table_is_no_failure() {
    let host = FakeHost::new();
    let (outcome, out) = show(&host, &[], Format::Json);
    outcome.expect_done();
    assert_eq!(out.stdout(), "[]\n");
    assert_eq!(
        host.relative(out.stderr()),
        "no boot table: there is no `/sys/firmware/acpi/tables/NBFT`\n"
    );
    let (outcome, out) = show(&host, &[], Format::Normal);
    outcome.expect_done();
    assert_eq!(out.stdout(), "");
}

#[test]
fn a_table_that_cannot_be_read_is_one() {
    let host = FakeHost::new();
    let folder = folder(&host, "bad-control");
    let (outcome, out) = show(
        &host,
        &["--nbft-path", folder.to_str().unwrap()],
        Format::Normal,
    );
    assert_eq!(outcome, Outcome::Incomplete);
    assert_eq!(out.stdout(), "");
    assert_eq!(
        host.relative(out.stderr()),
        "nvmf: nbft show: cannot read boot table `/tables/NBFT`: control descriptor at offset 0x46: the flags `0x2c` do not mark it as valid: expected bit 0 to be set\n"
    );

    let mut out = Output::captured(Format::Normal, false);
    let missing: Show = parse(&["--nbft-path", "/nowhere"]);
    assert!(missing.run(&host.root(), &mut out).is_err());
}

#[test]
fn problems_are_shown_with_the_table() {
    let host = FakeHost::new();
    let folder = folder(&host, "dhcp-ipv4");
    let mut bytes = std::fs::read(folder.join("NBFT")).unwrap();
    bytes[0xa3] = 1;
    bytes[9] = bytes[9].wrapping_add(2);
    std::fs::write(folder.join("NBFT"), bytes).unwrap();
    let (outcome, out) = show(
        &host,
        &["--nbft-path", folder.to_str().unwrap()],
        Format::Normal,
    );
    outcome.expect_done();
    assert!(
        out.stdout().contains("\n\nproblems\n  HFI 1 at offset 0xa0 is left out: transport type `1` is unknown: expected 3 (TCP)\n"),
        "{}",
        out.stdout()
    );
}
