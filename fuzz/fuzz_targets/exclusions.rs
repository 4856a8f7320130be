//! Any text in an exclusion file: it is read somehow, quickly, and editing loses nothing.

#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use nvmf_types::exclusion::{Added, Document, ExclusionSet, Exclusions, Rule};
use nvmf_types::{ControllerClass, TransportId};

fn connections() -> [TransportId; 3] {
    [
        "transport=tcp;traddr=192.0.2.10;trsvcid=4420;nqn=nqn.2014-08.org.example:a;host-iface=eth0;hostnqn=nqn.2014-08.org.example:h",
        "transport=rdma;traddr=fe80::1%eth0;nqn=nqn.2014-08.org.example:a;host-traddr=::1",
        "transport=loop;traddr=fe80::1%eth0;nqn=nqn.2014-08.org.example:a",
    ]
    .map(|text| text.parse().unwrap())
}

fuzz_target!(|bytes: &[u8]| {
    let started = Instant::now();
    let text = String::from_utf8_lossy(bytes);
    let entries = Exclusions::parse("x", &text);
    let mut document = Document::parse("x", &*text);
    assert_eq!(document.text(), text);
    assert_eq!(document.entries(), entries);

    let set = ExclusionSet::new(entries.clone());
    for tid in connections() {
        for class in [ControllerClass::Io, ControllerClass::Discovery] {
            let hits = |rule: &Rule| rule.matches(&tid, class);
            let naive = entries.iter().find(|e| e.kind.as_ref().is_ok_and(hits));
            assert_eq!(set.matches(&tid, class), naive);
        }
    }
    for entry in &entries {
        assert!(text.lines().nth(entry.source.line - 1).is_some());
        let Ok(rule) = &entry.kind else { continue };
        assert_eq!(rule.to_string().parse::<Rule>().as_ref(), Ok(rule));
    }

    // Every entry that can be written can be taken out and added again, and the others stay.
    let others = |document: &Document, but: Option<usize>| -> Vec<String> {
        let kept = document.entries().iter();
        let kept = kept.filter(|e| Some(e.source.line) != but);
        kept.map(|e| e.text.clone()).collect()
    };
    if let Some(entry) = entries.iter().find(|e| e.kind.is_ok()) {
        let (line, rule) = (entry.source.line, entry.kind.as_ref().unwrap());
        assert_eq!(document.remove(line).as_ref(), Ok(entry));
        assert_eq!(others(&document, None), {
            let before = Document::parse("x", &*text);
            others(&before, Some(line))
        });
        let before = document.clone();
        match document.add(rule, Some(&text)) {
            Ok(Added::Appended(line)) => {
                assert_eq!(others(&document, Some(line)), others(&before, None));
                assert_eq!(document.add(rule, None), Ok(Added::AlreadyThere(line)));
            }
            Ok(Added::AlreadyThere(_)) | Err(_) => assert_eq!(document, before),
        }
    }
    // 4 KiB take microseconds; what is quadratic takes longer than this.
    assert!(started.elapsed() < Duration::from_secs(2));
});
