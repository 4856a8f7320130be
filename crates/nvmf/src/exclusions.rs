//! The exclusion files.

use std::io;
use std::path::{Path, PathBuf};

use nvmf_types::exclusion::{Entry, ExclusionSet, Exclusions};

use crate::Root;

/// What the exclusion files say.
#[derive(Clone, Debug, Default)]
pub struct LoadedExclusions {
    /// The entries of all files that could be read; [`ExclusionSet::invalid`] are those that
    /// exclude nothing.
    pub set: ExclusionSet,
    /// Files that were not read, and why; they exclude nothing.
    pub problems: Vec<String>,
}

/// Reads `/etc/nvme/exclusions.conf`, `/etc/nvme/exclusions.conf.d/NAME.conf` and
/// `/etc/nvme/exclusions/NAME.conf`. Never fails: what cannot be read excludes nothing.
#[must_use]
pub fn load(root: &Root) -> LoadedExclusions {
    let nvme = root.etc().join("nvme");
    let mut problems = Vec::new();
    let mut files = vec![nvme.join("exclusions.conf")];
    files.extend(lists_in(&nvme.join("exclusions.conf.d"), &mut problems));
    files.extend(lists_in(&nvme.join("exclusions"), &mut problems));
    let mut entries: Vec<Entry> = Vec::new();
    for file in files {
        match std::fs::read(&file) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                entries.extend(Exclusions::parse(&file.display().to_string(), &text));
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => problems.push(not_read(&file, &e)),
        }
    }
    LoadedExclusions {
        set: ExclusionSet::new(entries),
        problems,
    }
}

/// The lists in a directory, in the order of their names.
fn lists_in(dir: &Path, problems: &mut Vec<String>) -> Vec<PathBuf> {
    let listing = match std::fs::read_dir(dir) {
        Ok(listing) => listing,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(e) => {
            problems.push(not_read(dir, &e));
            return Vec::new();
        }
    };
    let mut files = Vec::new();
    for path in listing.filter_map(Result::ok).map(|entry| entry.path()) {
        if path.extension().is_none_or(|e| e != "conf") {
            continue;
        }
        let name = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default();
        if name.starts_with('.') {
            continue; // an editor's
        }
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        if !name.is_empty() && name.bytes().all(fits) {
            files.push(path);
        } else {
            problems.push(format!(
                "`{}` is not read, it excludes nothing: rename it, a list's name has only \
                 A-Z a-z 0-9 _ -",
                path.display()
            ));
        }
    }
    files.sort();
    files
}

fn not_read(path: &Path, error: &io::Error) -> String {
    format!(
        "cannot read `{}`, it excludes nothing: {error}",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;
    use nvmf_types::{ControllerClass, TransportId};

    #[test]
    fn three_places() {
        let host = FakeHost::new();
        let nothing = load(&host.root());
        assert!(nothing.set.is_empty() && nothing.problems.is_empty());

        let write = |path: &str, key: &str| {
            let path = host.path(&format!("etc/nvme/{path}"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let text = format!("[exclusions]\nexclusion = nqn=nqn.2014-08.org.example:{key}\n");
            std::fs::write(path, text).unwrap();
        };
        write("exclusions.conf", "main");
        write("exclusions.conf.d/b.conf", "b");
        write("exclusions.conf.d/a-list.conf", "a");
        write("exclusions.conf.d/a.conf.bak", "backup");
        write("exclusions.conf.d/.a.conf", "editor");
        write("exclusions.conf.d/bad name.conf", "bad");
        write("exclusions/old.conf", "old");
        std::fs::create_dir(host.path("etc/nvme/exclusions/dir.conf")).unwrap();

        let loaded = load(&host.root());
        let texts: Vec<&str> = loaded
            .set
            .entries()
            .iter()
            .map(|e| e.text.rsplit(':').next().unwrap())
            .collect();
        assert_eq!(texts, ["main", "a", "b", "old"]);
        let source = loaded.set.entries()[1].source.to_string();
        assert!(
            source.ends_with("etc/nvme/exclusions.conf.d/a-list.conf:2"),
            "{source}"
        );
        assert_eq!(loaded.problems.len(), 2, "{:?}", loaded.problems);
        assert!(loaded.problems[0].contains("bad name.conf` is not read"));
        assert!(loaded.problems[1].contains("exclusions/dir.conf`, it excludes nothing: Is a dir"));

        let tid: TransportId = "transport=loop;nqn=nqn.2014-08.org.example:old"
            .parse()
            .unwrap();
        assert!(loaded.set.matches(&tid, ControllerClass::Io).is_some());
    }
}
