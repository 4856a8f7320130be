//! Tables as text.

use std::net::IpAddr;

use nvmf::nbft::BootTables;
use nvmf_types::nbft::{
    Discovery, ExtendedInfo, Hfi, Host, Nbft, SecurityProfile, SubsystemNamespace,
};

use super::show::Parts;
use super::view::{namespace_id, pci_address};
use crate::commands::list::address_text;
use crate::table;

/// All tables, with an empty line between two parts.
pub(super) fn render(found: &BootTables, parts: Parts) -> String {
    let mut blocks = Vec::new();
    for named in &found.tables {
        blocks.push(head(&found.path(named).display().to_string(), &named.table));
        blocks.extend(sections(&named.table, parts));
    }
    blocks.join("\n\n")
}

fn head(path: &str, table: &Nbft) -> String {
    let mut lines = vec![path.to_owned()];
    match &table.host {
        Some(host) => lines.extend(host_lines(host)),
        None => lines.push("  no host".to_owned()),
    }
    let lists = [
        table.hfis.len(),
        table.subsystems.len(),
        table.discovery.len(),
        table.security.len(),
    ];
    if lists.iter().all(|length| *length == 0) {
        lines.push("  no entries".to_owned());
    }
    lines.join("\n")
}

fn host_lines(host: &Host) -> [String; 2] {
    let text = |name, value: Option<String>, configured| {
        let value = value.unwrap_or_else(|| "-".to_owned());
        let whose = if configured {
            ""
        } else {
            " (the firmware's own)"
        };
        format!("  {name} {value}{whose}")
    };
    [
        text(
            "hostnqn",
            host.nqn.as_ref().map(ToString::to_string),
            host.nqn_configured,
        ),
        text(
            "hostid ",
            host.id.map(|id| id.to_string()),
            host.id_configured,
        ),
    ]
}

fn sections(table: &Nbft, parts: Parts) -> Vec<String> {
    let mut sections = Vec::new();
    let mut section = |shown: bool, lines: Vec<String>| {
        if shown && lines.len() > 1 {
            sections.push(lines.join("\n"));
        }
    };
    let header = [
        "SSNS",
        "SUBSYSTEM",
        "TRANSPORT",
        "ADDRESS",
        "HFIS",
        "NSID",
        "NAMESPACE",
        "SECURITY",
        "NOTE",
    ];
    let rows = table.subsystems.iter().map(subsystem).collect();
    section(parts.subsystem, table::lines(header, rows));
    let header = [
        "HFI",
        "TRANSPORT",
        "PCI",
        "MAC",
        "VLAN",
        "ADDRESS",
        "GATEWAY",
        "DNS",
        "DHCP",
    ];
    let rows = table.hfis.iter().map(hfi).collect();
    section(parts.hfi, table::lines(header, rows));
    let header = ["DISCOVERY", "URI", "SUBSYSTEM", "HFI", "SECURITY"];
    let rows = table.discovery.iter().map(discovery).collect();
    section(parts.discovery, table::lines(header, rows));
    let header = ["PROFILE", "AUTHENTICATION", "SECURE-CHANNEL", "SECRET"];
    let rows = table.security.iter().map(security).collect();
    section(parts.security, table::lines(header, rows));
    let problems = table.problems.iter().map(|problem| format!("  {problem}"));
    let problems = std::iter::once("problems".to_owned()).chain(problems);
    section(true, problems.collect());
    sections
}

fn subsystem(entry: &SubsystemNamespace) -> [String; 9] {
    let port = entry.trsvcid.map(|port| port.to_string());
    let hfis: Vec<_> = entry.hfis.iter().map(u8::to_string).collect();
    let nsid = if entry.nsid == 0 {
        String::new()
    } else {
        entry.nsid.to_string()
    };
    [
        entry.index.to_string(),
        entry.nqn.to_string(),
        "tcp".to_owned(),
        address_text(Some(&entry.traddr.to_string()), port.as_deref()),
        hfis.join(","),
        nsid,
        namespace_id(entry.nid).1,
        index(entry.security),
        note(entry),
    ]
}

fn note(entry: &SubsystemNamespace) -> String {
    let mut notes = Vec::new();
    if entry.unavailable {
        let why = entry.extended.as_ref().and_then(ExtendedInfo::naed_str);
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        notes.push(format!("unavailable{why}"));
    }
    if let Some(discovery) = entry.discovery {
        notes.push(format!("from discovery {discovery}"));
    }
    notes.join(", ")
}

fn hfi(hfi: &Hfi) -> [String; 9] {
    let set = |ip: IpAddr| {
        if ip.is_unspecified() {
            String::new()
        } else {
            ip.to_string()
        }
    };
    let vlan = if hfi.vlan == 0 {
        String::new()
    } else {
        hfi.vlan.to_string()
    };
    let dns = [set(hfi.primary_dns), set(hfi.secondary_dns)];
    let dns: Vec<_> = dns.into_iter().filter(|ip| !ip.is_empty()).collect();
    let address = match set(hfi.ip_address).as_str() {
        "" => String::new(),
        address => format!("{address}/{}", hfi.prefix),
    };
    [
        hfi.index.to_string(),
        "tcp".to_owned(),
        pci_address(hfi.pci_routing_id),
        hfi.mac.to_string(),
        vlan,
        address,
        set(hfi.gateway),
        dns.join(","),
        hfi.dhcp_server.map(set).unwrap_or_default(),
    ]
}

fn discovery(entry: &Discovery) -> [String; 5] {
    [
        entry.index.to_string(),
        entry.uri.clone(),
        entry
            .nqn
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        index(entry.hfi),
        index(entry.security),
    ]
}

fn security(profile: &SecurityProfile) -> [String; 4] {
    [
        profile.index.to_string(),
        profile.authentication.as_str().to_owned(),
        profile.secure_channel.as_str().to_owned(),
        profile.secret_keypath.clone().unwrap_or_default(),
    ]
}

fn index(index: Option<u8>) -> String {
    index.map(|index| index.to_string()).unwrap_or_default()
}
