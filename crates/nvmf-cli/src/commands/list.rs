//! `nvmf list`

use std::net::IpAddr;

use clap::Args;
use nvmf::Root;
use nvmf::sysfs::{self, ControllerInfo, Namespace};
use nvmf_types::{ControllerClass, DeviceName, LiveController};
use serde::Serialize;

use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::output::Output;
use crate::table;

/// List controllers, and who owns them
#[derive(Debug, Args)]
#[command(after_help = "With -v local (PCIe) controllers are shown too, as owned by `kernel`.")]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What `-o json` shows; unset is null.
#[derive(Debug, Serialize)]
struct Report {
    controllers: Vec<Row>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Row {
    device: DeviceName,
    state: &'static str,
    class: Option<ControllerClass>,
    transport: String,
    /// For local controllers, the bus address.
    traddr: Option<String>,
    trsvcid: Option<String>,
    nqn: String,
    host_traddr: Option<String>,
    host_iface: Option<String>,
    src_addr: Option<IpAddr>,
    hostnqn: Option<String>,
    hostid: Option<String>,
    cntlid: Option<u16>,
    /// `kernel` for local controllers.
    owner: Option<String>,
    sysfs_ino: Option<u64>,
    model: String,
    serial: String,
    firmware: String,
    namespaces: Vec<NamespaceRow>,
}

#[derive(Debug, Serialize)]
struct NamespaceRow {
    name: String,
    nsid: Option<u32>,
    /// In bytes.
    size: u64,
}

impl List {
    #[expect(clippy::unused_self, reason = "the form of every command")]
    pub(crate) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let verbose = out.verbose();
        let mut controllers = Vec::new();
        for info in sysfs::all(root)? {
            if info.fabrics.is_some() || verbose {
                let namespaces = sysfs::namespaces(root, &info.device)?;
                controllers.push(Row::new(info, namespaces));
            }
        }
        out.result(&Report { controllers }, |report| render(report, verbose))?;
        Ok(Outcome::Done)
    }
}

impl Row {
    fn new(info: ControllerInfo, namespaces: Vec<Namespace>) -> Self {
        let live = info.fabrics;
        let field = |key| {
            live.as_ref()
                .and_then(|l: &LiveController| l.tid.field(key))
        };
        let (traddr, owner) = match &live {
            Some(live) => (
                field("traddr"),
                live.owner.as_ref().map(ToString::to_string),
            ),
            None => (Some(info.address), Some("kernel".to_owned())),
        };
        let namespace = |Namespace {
                             name, nsid, size, ..
                         }| NamespaceRow { name, nsid, size };
        Self {
            device: info.device,
            state: info.state.as_str(),
            class: live.as_ref().and_then(|l| l.class),
            transport: info.transport,
            traddr,
            trsvcid: field("trsvcid"),
            nqn: info.subsysnqn,
            host_traddr: field("host-traddr"),
            host_iface: field("host-iface"),
            src_addr: live.as_ref().and_then(|l| l.src_addr),
            hostnqn: field("hostnqn"),
            hostid: field("hostid"),
            cntlid: live.as_ref().and_then(|l| l.cntlid),
            owner,
            sysfs_ino: live.as_ref().map(|l| l.sysfs_ino),
            model: info.model,
            serial: info.serial,
            firmware: info.firmware,
            namespaces: namespaces.into_iter().map(namespace).collect(),
        }
    }

    fn namespace_names(&self) -> String {
        let names: Vec<&str> = self.namespaces.iter().map(|n| n.name.as_str()).collect();
        names.join(",")
    }
}

/// `192.0.2.1:4420`, `[2001:db8::1]:4420`, `nn-0x…:pn-0x…`
pub(super) fn address_text(traddr: Option<&str>, trsvcid: Option<&str>) -> String {
    match (traddr.unwrap_or_default(), trsvcid) {
        (traddr, None) => traddr.to_owned(),
        (traddr, Some(port)) if traddr.contains(':') => format!("[{traddr}]:{port}"),
        (traddr, Some(port)) => format!("{traddr}:{port}"),
    }
}

fn render(report: &Report, verbose: bool) -> String {
    let cells = |row: &Row| {
        [
            row.device.to_string(),
            row.state.to_owned(),
            row.transport.clone(),
            address_text(row.traddr.as_deref(), row.trsvcid.as_deref()),
            row.nqn.clone(),
            row.owner.clone().unwrap_or_default(),
            row.namespace_names(),
        ]
    };
    let header = [
        "DEVICE",
        "STATE",
        "TRANSPORT",
        "ADDRESS",
        "SUBSYSTEM",
        "OWNER",
        "NAMESPACES",
    ];
    let lines = if verbose {
        let [a, b, c, d, e, f, g] = header;
        let rows = report.controllers.iter().map(|row| {
            let [a, b, c, d, e, f, g] = cells(row);
            let class = row.class.map(|c| c.to_string()).unwrap_or_default();
            let (model, serial) = (row.model.clone(), row.serial.clone());
            [
                a,
                b,
                class,
                c,
                d,
                e,
                f,
                g,
                model,
                serial,
                row.firmware.clone(),
            ]
        });
        let header = [a, b, "CLASS", c, d, e, f, g, "MODEL", "SERIAL", "FIRMWARE"];
        table::lines(header, rows.collect())
    } else {
        table::lines(header, report.controllers.iter().map(cells).collect())
    };
    if report.controllers.is_empty() {
        return String::new();
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::testing::FakeHost;

    fn host() -> FakeHost {
        let host = FakeHost::new();
        host.pcie("nvme0");
        host.tcp("nvme10", "nqn.2014-08.org.example:b");
        host.tcp("nvme2", "nqn.2014-08.org.example:a");
        host.attribute("nvme2", "nvme2n1/size", "2048\n");
        host.own("nvme2", "discoverd");
        host
    }

    fn list(host: &FakeHost, format: Format, verbose: bool) -> String {
        let mut out = Output::captured(format, verbose);
        let output = FakeHost::output_args();
        let outcome = List { output }.run(&host.root(), &mut out).unwrap();
        assert_eq!(outcome, Outcome::Done);
        out.stdout().to_owned()
    }

    #[test]
    fn text() {
        assert_eq!(
            list(&host(), Format::Normal, false),
            "\
DEVICE  STATE  TRANSPORT  ADDRESS          SUBSYSTEM                  OWNER      NAMESPACES
nvme2   live   tcp        192.0.2.10:4420  nqn.2014-08.org.example:a  discoverd  nvme2n1
nvme10  live   tcp        192.0.2.10:4420  nqn.2014-08.org.example:b  -          -
"
        );
        assert_eq!(
            list(&host(), Format::Normal, true),
            "\
DEVICE  STATE  CLASS  TRANSPORT  ADDRESS          SUBSYSTEM                            OWNER      NAMESPACES  MODEL  SERIAL  FIRMWARE
nvme0   live   -      pcie       0000:00:04.0     nqn.2014.08.org.nvmexpress:80868086  kernel     -           Disk   -       -
nvme2   live   io     tcp        192.0.2.10:4420  nqn.2014-08.org.example:a            discoverd  nvme2n1     Linux  5eb1a1  6.12
nvme10  live   io     tcp        192.0.2.10:4420  nqn.2014-08.org.example:b            -          -           Linux  5eb1a1  6.12
"
        );
        assert_eq!(list(&FakeHost::new(), Format::Normal, false), "");
    }

    #[test]
    fn json() {
        let text = list(&host(), Format::Json, false);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let [first, second] = json["controllers"].as_array().unwrap().as_slice() else {
            panic!("{text}");
        };
        assert_eq!(first["device"], "nvme2");
        assert_eq!(first["traddr"], "192.0.2.10");
        assert_eq!(first["trsvcid"], "4420");
        assert_eq!(first["class"], "io");
        assert_eq!(first["owner"], "discoverd");
        assert_eq!(first["cntlid"], 7);
        assert_eq!(first["namespaces"][0]["size"], 1_048_576);
        assert!(first["sysfs-ino"].is_u64());
        assert!(second["owner"].is_null() && second["host-iface"].is_null());
    }

    #[test]
    fn addresses() {
        assert_eq!(
            address_text(Some("192.0.2.1"), Some("4420")),
            "192.0.2.1:4420"
        );
        assert_eq!(address_text(Some("::1"), Some("4420")), "[::1]:4420");
        assert_eq!(address_text(Some("nn-0x1:pn-0x2"), None), "nn-0x1:pn-0x2");
        assert_eq!(address_text(None, None), "");
    }
}
