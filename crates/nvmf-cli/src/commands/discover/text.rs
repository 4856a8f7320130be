//! The log page as text, in the form that `nvme discover` prints and scripts read.

use nvmf_types::DeviceName;
use nvmf_types::log_page::{DiscoveryLog, LogEntry, Trtype};

use crate::output::clean;

/// The whole page; `persistent` is the controller that stays.
pub(super) fn render(persistent: Option<&DeviceName>, log: &DiscoveryLog) -> String {
    let mut lines = Vec::new();
    if let Some(device) = persistent {
        lines.push(format!("Persistent device: {device}"));
    }
    lines.push(format!(
        "Discovery Log Number of Records {}, Generation counter {}",
        log.entries.len() + log.ignored.len(),
        log.genctr
    ));
    for (index, entry) in log.entries.iter().enumerate() {
        lines.push(format!("=====Discovery Log Entry {index}======"));
        for (key, value) in fields(entry) {
            lines.push(format!("{key:8} {}", clean(&value)).trim_end().to_owned());
        }
    }
    lines.join("\n")
}

fn fields(entry: &LogEntry) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("trtype:", entry.trtype.as_str().to_owned()),
        ("adrfam:", entry.adrfam_str().to_owned()),
        ("subtype:", entry.subtype.as_str().to_owned()),
        ("treq:", entry.treq_str().to_owned()),
        ("portid:", entry.portid.to_string()),
        ("trsvcid:", entry.trsvcid.clone()),
        ("subnqn:", entry.subnqn.clone()),
        ("traddr:", entry.traddr.clone()),
        ("eflags:", entry.eflags_str()),
    ];
    if let Some(sectype) = entry.sectype() {
        fields.push(("sectype:", sectype.as_str().to_owned()));
    }
    if entry.trtype == Trtype::Rdma {
        fields.extend(rdma(&entry.tsas));
    }
    fields
}

/// NVMe/RDMA Transport Specification, transport specific address subtype.
fn rdma(tsas: &[u8; 256]) -> [(&'static str, String); 4] {
    let [qptype, prtype, cms, _, _, _, _, _, pkey_low, pkey_high, ..] = *tsas;
    let word = |words: &[&str], value: u8| {
        let index = usize::from(value).checked_sub(1);
        let word = index.and_then(|i| words.get(i)).copied();
        word.unwrap_or("unrecognized").to_owned()
    };
    let providers = ["not specified", "infiniband", "roce", "roce-v2", "iwarp"];
    let pkey = u16::from_le_bytes([pkey_low, pkey_high]);
    [
        ("rdma_prtype:", word(&providers, prtype)),
        ("rdma_qptype:", word(&["connected", "datagram"], qptype)),
        ("rdma_cms:", word(&["rdma-cm"], cms)),
        ("rdma_pkey:", format!("{pkey:#06x}")),
    ]
}

#[cfg(test)]
mod tests {
    use nvmf_types::log_page::Subtype;

    use super::*;

    fn entry(trtype: Trtype) -> LogEntry {
        LogEntry {
            trtype,
            adrfam: 1,
            subtype: Subtype::Nvm,
            treq: 4,
            portid: 1,
            cntlid: 0xffff,
            asqsz: 32,
            eflags: 0,
            trsvcid: "4420".into(),
            subnqn: "nqn.2014-08.org.example:a".into(),
            traddr: "192.0.2.10".into(),
            tsas: [0; 256],
        }
    }

    #[test]
    fn as_scripts_know_it() {
        let log = DiscoveryLog {
            genctr: 7,
            entries: vec![entry(Trtype::Tcp)],
            ignored: vec!["discovery log entry 1: x".into()],
        };
        assert_eq!(
            render(None, &log),
            "\
Discovery Log Number of Records 2, Generation counter 7
=====Discovery Log Entry 0======
trtype:  tcp
adrfam:  ipv4
subtype: nvme subsystem
treq:    not specified, sq flow control disable supported
portid:  1
trsvcid: 4420
subnqn:  nqn.2014-08.org.example:a
traddr:  192.0.2.10
eflags:  none
sectype: none"
        );
        let device = DeviceName::from_number(3);
        let text = render(Some(&device), &DiscoveryLog::default());
        assert!(text.starts_with("Persistent device: nvme3\nDiscovery Log Number of Records 0"));
    }

    #[test]
    fn rdma_has_fields_of_its_own() {
        let mut entry = entry(Trtype::Rdma);
        entry.tsas[..3].copy_from_slice(&[1, 4, 1]);
        entry.tsas[8..10].copy_from_slice(&[0x34, 0x12]);
        let text: Vec<String> = fields(&entry)
            .iter()
            .skip(9)
            .map(|(k, v)| format!("{k} {v}"))
            .collect();
        assert_eq!(
            text,
            [
                "rdma_prtype: roce-v2",
                "rdma_qptype: connected",
                "rdma_cms: rdma-cm",
                "rdma_pkey: 0x1234"
            ]
        );
        entry.tsas = [0; 256];
        assert!(fields(&entry).iter().any(|(_, v)| v == "unrecognized"));
    }
}
