//! Any bytes from a discovery controller: header and entries are read somehow, quickly, and what
//! they name can be asked of the kernel or is refused.

#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use nvmf_types::config::Persistence;
use nvmf_types::log_page::{DiscoveryLog, ENTRY_LEN, HEADER_LEN, Header};
use nvmf_types::{ConnectOptions, TransportId};

fn discovery_controllers() -> [TransportId; 4] {
    let nqn = "nqn=nqn.2014-08.org.nvmexpress.discovery";
    [
        "transport=tcp;traddr=192.0.2.10;host-traddr=192.0.2.1;hostnqn=nqn.2014-08.org.example:h",
        "transport=tcp;traddr=fe80::1%eth0;host-iface=eth0",
        "transport=fc;traddr=nn-0x10001100ab000001:pn-0x20001100ab000001;host-traddr=nn-0x10001100aa000001:pn-0x20001100aa000001",
        "transport=loop",
    ]
    .map(|text| format!("{text};{nqn}").parse().unwrap())
}

/// Bytes as they come, or entries that are filled where something can stand.
#[derive(Debug, arbitrary::Arbitrary)]
enum Input {
    Raw(Vec<u8>),
    Entries(Vec<Entry>),
}

#[derive(Debug, arbitrary::Arbitrary)]
struct Entry {
    /// From trtype to eflags.
    head: [u8; 12],
    trsvcid: Vec<u8>,
    subnqn: Vec<u8>,
    traddr: Vec<u8>,
    sectype: u8,
}

impl Input {
    fn page(self) -> Vec<u8> {
        let entries = match self {
            Self::Raw(bytes) => return bytes,
            Self::Entries(entries) => entries,
        };
        let mut page = vec![0; HEADER_LEN];
        for entry in entries {
            let mut bytes = [0; ENTRY_LEN];
            for (at, room, field) in [
                (0, 12, &entry.head[..]),
                (32, 32, &entry.trsvcid),
                (256, 256, &entry.subnqn),
                (512, 256, &entry.traddr),
                (768, 1, &[entry.sectype]),
            ] {
                let field = &field[..field.len().min(room)];
                bytes[at..at + field.len()].copy_from_slice(field);
            }
            page.extend(bytes);
        }
        page
    }
}

fuzz_target!(|input: Input| {
    let page = input.page();
    let bytes = page.as_slice();
    let started = Instant::now();
    let _ = Header::decode(bytes).map(|header| header.records());
    let Ok(log) = DiscoveryLog::from_page(bytes) else {
        assert!(bytes.len() < HEADER_LEN);
        return;
    };
    let chunks = (bytes.len() - HEADER_LEN).div_ceil(ENTRY_LEN);
    assert_eq!(log.entries.len() + log.ignored.len(), chunks);
    for via in discovery_controllers() {
        let (named, problems) = log.connections(&via);
        assert!(named.len() <= log.entries.len());
        assert!(problems.len() <= chunks);
        for problem in problems {
            assert!(!problem.contains(char::is_control), "{problem:?}");
        }
        for named in named {
            // what a peer names is a connection like any other: its text reads back
            let text = named.tid.to_string();
            assert_eq!(
                text.parse::<TransportId>().as_ref(),
                Ok(&named.tid),
                "{text}"
            );
            if let Ok(line) = ConnectOptions::default().connect_string(&named.tid, named.class) {
                assert_eq!(
                    line.expose().matches("nqn=").count(),
                    1 + usize::from(via.hostnqn.is_some())
                );
                assert_eq!(line.expose().matches("transport=").count(), 1);
            }
        }
        assert!(log.stays(Persistence::Force, &via) && !log.stays(Persistence::No, &via));
        let _ = log.stays(Persistence::Auto, &via);
    }
    // 4 KiB take microseconds; what is quadratic takes longer than this.
    assert!(started.elapsed() < Duration::from_secs(2));
});
