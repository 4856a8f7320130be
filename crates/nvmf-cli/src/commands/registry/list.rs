//! `nvmf registry list`

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::Args;
use nvmf::Root;
use nvmf::registry::{self, Registry};
use nvmf::sysfs;
use nvmf_types::{DeviceName, LiveController};
use serde::Serialize;

use crate::args::OutputArgs;
use crate::cli::Outcome;
use crate::commands::list::address_text;
use crate::output::{Output, clean};

/// List all entries
#[derive(Debug, Args)]
#[command(
    after_help = "With -v each controller's transport, address and subsystem are shown beside its name, and entries of controllers that are gone are shown too, as stale."
)]
pub(crate) struct List {
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// What `-o json` shows.
#[derive(Debug, Serialize)]
struct Report {
    entries: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    device: DeviceName,
    stale: bool,
    attributes: BTreeMap<String, String>,
    /// With `-v`.
    #[serde(flatten)]
    connection: Option<Connection>,
}

/// What the entry's controller is connected to; unset is null.
#[derive(Debug, Default, Serialize)]
struct Connection {
    transport: Option<String>,
    traddr: Option<String>,
    trsvcid: Option<String>,
    nqn: Option<String>,
}

impl List {
    #[expect(clippy::unused_self, reason = "the form of every command")]
    pub(super) fn run(&self, root: &Root, out: &mut Output) -> anyhow::Result<Outcome> {
        let registry = Registry::open(root);
        let entries = match out.verbose() {
            true => registry.all_entries()?,
            false => registry.entries()?,
        };
        let verbose = out.verbose();
        let row = |entry: registry::Entry| Row {
            connection: verbose.then(|| Connection::of(root, &entry)),
            device: entry.device,
            stale: entry.stale,
            attributes: entry.attributes,
        };
        let report = Report {
            entries: entries.into_iter().map(row).collect(),
        };
        out.result(&report, render)?;
        Ok(Outcome::Done)
    }
}

impl Connection {
    /// That of the very controller that the entry is about: unset for one that is gone.
    fn of(root: &Root, entry: &registry::Entry) -> Self {
        if entry.stale {
            return Self::default();
        }
        let stamp = entry.attributes.get("sysfs-ino");
        let about =
            |live: &LiveController| stamp.is_none_or(|stamp| stamp.parse() == Ok(live.sysfs_ino));
        let live = sysfs::controller(root, &entry.device).ok().flatten();
        match live.filter(about) {
            None => Self::default(),
            Some(live) => Self {
                transport: live.tid.field("transport"),
                traddr: live.tid.field("traddr"),
                trsvcid: live.tid.field("trsvcid"),
                nqn: live.tid.field("nqn"),
            },
        }
    }

    /// `tcp  192.0.2.1:4420  nqn.…`, with `-` for what is unset.
    fn text(&self) -> String {
        let address = address_text(self.traddr.as_deref(), self.trsvcid.as_deref());
        let words = [
            self.transport.as_deref().unwrap_or_default(),
            &address,
            self.nqn.as_deref().unwrap_or_default(),
        ];
        let words = words.map(|word| match word {
            "" => "-".into(),
            word => clean(word),
        });
        words.join("  ")
    }
}

/// The device on a line, then its attributes, indented.
fn render(report: &Report) -> String {
    let mut text = String::new();
    for row in &report.entries {
        text.push_str(row.device.as_str());
        match &row.connection {
            _ if row.stale => text.push_str(" (stale)"),
            Some(connection) => text.extend(["  ", &connection.text()]),
            None => {}
        }
        text.push('\n');
        for (attribute, value) in &row.attributes {
            let _ = writeln!(text, "  {attribute:12} {}", clean(value));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::testing::FakeHost;

    fn host() -> FakeHost {
        let host = FakeHost::new();
        for device in ["nvme10", "nvme9", "nvme3"] {
            host.tcp(device, "nqn.2014-08.org.example:a");
            host.own(device, "discoverd");
        }
        host.remove("nvme9");
        host.set("nvme3", "a-long-attribute", "x y");
        host
    }

    fn list(host: &FakeHost, format: Format, verbose: bool) -> String {
        let mut out = Output::captured(format, verbose);
        let output = FakeHost::output_args();
        let _ = List { output }.run(&host.root(), &mut out).unwrap();
        out.stdout().to_owned()
    }

    fn text(host: &FakeHost, verbose: bool) -> Vec<String> {
        let text = list(host, Format::Normal, verbose);
        let lines = text.lines().map(str::to_owned);
        let bookkeeping = |l: &String| l.contains("seqnum") || l.contains("sysfs-ino");
        lines.filter(|line| !bookkeeping(line)).collect()
    }

    #[test]
    fn live_entries_by_number() {
        assert_eq!(
            text(&host(), false),
            [
                "nvme3",
                "  a-long-attribute x y",
                "  owner        discoverd",
                "nvme10",
                "  owner        discoverd",
            ]
        );
        assert_eq!(list(&FakeHost::new(), Format::Normal, false), "");
    }

    #[test]
    fn verbose_shows_connections_and_stale_entries() {
        let host = host();
        host.attribute("nvme10", "address", "\n");
        assert_eq!(
            text(&host, true),
            [
                "nvme3  tcp  192.0.2.10:4420  nqn.2014-08.org.example:a",
                "  a-long-attribute x y",
                "  owner        discoverd",
                "nvme9 (stale)",
                "  owner        discoverd",
                "nvme10  tcp  -  nqn.2014-08.org.example:a",
                "  owner        discoverd",
            ]
        );
        // A successor's connection is not that of the stale entry.
        host.tcp("nvme9", "nqn.2014-08.org.example:b");
        assert_eq!(text(&host, true)[3], "nvme9 (stale)");
        host.remove_attribute("nvme10", "state");
        assert_eq!(text(&host, true)[5], "nvme10  -  -  -");
    }

    #[test]
    fn json() {
        let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        let host = host();
        let plain = parse(&list(&host, Format::Json, false));
        let entry = &plain["entries"][0];
        assert_eq!(entry["device"], "nvme3");
        assert_eq!(entry["stale"], false);
        assert_eq!(entry["attributes"]["owner"], "discoverd");
        assert!(entry.get("transport").is_none(), "with -v only");

        let verbose = parse(&list(&host, Format::Json, true));
        let [three, nine, _] = verbose["entries"].as_array().unwrap().as_slice() else {
            panic!("{verbose}");
        };
        assert_eq!(three["transport"], "tcp");
        assert_eq!(three["traddr"], "192.0.2.10");
        assert_eq!(three["trsvcid"], "4420");
        assert_eq!(three["nqn"], "nqn.2014-08.org.example:a");
        assert_eq!(nine["stale"], true);
        assert_eq!(nine["transport"], serde_json::Value::Null);
        assert!(nine.as_object().unwrap().contains_key("nqn"));
    }
}
