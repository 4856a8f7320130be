//! What the fuzz targets of the older formats have in common.

use std::time::{Duration, Instant};

use nvmf_types::HostIdentity;
use nvmf_types::config::legacy::LegacyHost;
use nvmf_types::config::{Added, EditError, Edits, ExistingFile, Problem, Problems};

/// Reads any bytes: no panic, quickly, no secret in what is said, and what is read can be written
/// down, is a configuration then, and is not written twice.
pub fn check(
    bytes: &[u8],
    read: impl Fn(&str) -> Result<(Vec<LegacyHost>, Vec<Problem>), Problems>,
) {
    let started = Instant::now();
    let text = String::from_utf8_lossy(bytes);
    let (hosts, said) = match read(&text) {
        Ok((hosts, warnings)) => (hosts, Problems(warnings).to_string()),
        Err(problems) => (Vec::new(), problems.to_string()),
    };
    for secret in secrets(&text) {
        assert!(!said.contains(secret), "{said}");
        assert!(!format!("{hosts:?}").contains(secret));
    }
    let main = ExistingFile {
        path: "m".to_owned(),
        text: None,
        private: false,
    };
    if let Ok((outcomes, files)) = added(&hosts, main, Vec::new()) {
        let mut files = files.into_iter();
        let again = added(&hosts, files.next().unwrap(), files.collect());
        let (again, _) = again.expect("what was written is a configuration");
        assert_eq!(outcomes.len(), again.len());
        assert!(again.iter().all(|added| matches!(added, Added::AlreadyThere { .. })));
    }
    // 4 KiB take milliseconds; what is quadratic takes longer than this.
    assert!(started.elapsed() < Duration::from_secs(2));
}

/// What came of each connection, and all files, the main one first. The only things that may be
/// wrong are those between hosts.
fn added(
    hosts: &[LegacyHost],
    main: ExistingFile,
    drop_ins: Vec<ExistingFile>,
) -> Result<(Vec<Added>, Vec<ExistingFile>), EditError> {
    let mut all = vec![main.clone()];
    all.extend(drop_ins.clone());
    let mut edits = Edits::new(main, drop_ins, &HostIdentity::default())?;
    let mut outcomes = Vec::new();
    for host in hosts {
        outcomes.extend(edits.add_host(host)?.0);
    }
    let changed = match edits.finish() {
        Ok(changed) => changed,
        Err(error) => {
            let named = hosts.iter().filter(|host| host.identity.hostnqn.is_some());
            assert!(named.count() > 1, "{error}");
            return Err(error);
        }
    };
    for file in changed {
        let file = ExistingFile {
            path: file.path,
            text: Some(file.text),
            private: file.private,
        };
        match all.iter_mut().find(|known| known.path == file.path) {
            Some(known) => *known = file,
            None => all.push(file),
        }
    }
    Ok((outcomes, all))
}

/// What looks like a secret.
fn secrets(text: &str) -> Vec<&str> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'');
    let starts = text.match_indices("DHHC-1:").chain(text.match_indices("NVMeTLSkey-1:"));
    let rest = starts.filter_map(|(at, start)| text.get(at + start.len()..));
    let words = rest.filter_map(|rest| rest.split(ends).next());
    words.filter(|word| word.len() >= 12).collect()
}
