//! Reading all lists.

use nvmf_types::exclusion::{Entry, ExclusionSet, Exclusions};
use rustix::fs::{CWD, OFlags};
use rustix::io::Errno;

use super::error::ListErrorKind;
use super::file::content;
use super::list::{List, lists, not_read};
use crate::Root;
use crate::file::bad_line;

/// What the exclusion files say.
#[derive(Clone, Debug, Default)]
pub struct LoadedExclusions {
    /// The entries of all files that could be read; [`ExclusionSet::invalid`] are those that
    /// exclude nothing.
    pub set: ExclusionSet,
    /// Files and folders that were not read, or not as they are, and why: each as a sentence. What
    /// was not read excludes nothing.
    pub problems: Vec<String>,
    /// All lists that have a file, in the order of their entries in the set.
    pub lists: Vec<List>,
}

/// Reads `/etc/nvme/exclusions.conf`, `/etc/nvme/exclusions.conf.d/NAME.conf` and
/// `/etc/nvme/exclusions/NAME.conf`. Never fails: what cannot be read excludes nothing.
#[must_use]
pub fn load(root: &Root) -> LoadedExclusions {
    let (lists, mut problems) = lists(root);
    let mut entries: Vec<Entry> = Vec::new();
    for list in &lists {
        let (bytes, name) = (
            content(CWD, &list.path, OFlags::empty()),
            list.path.display().to_string(),
        );
        match bytes.map(|(bytes, _)| String::from_utf8(bytes)) {
            Ok(Ok(text)) => entries.extend(Exclusions::parse(&name, &text)),
            Ok(Err(e)) => {
                let line = bad_line(e.as_bytes());
                problems.push(format!(
                    "`{name}` is not UTF-8 in line {line}: what is not is read as U+FFFD"
                ));
                let text = String::from_utf8_lossy(e.as_bytes());
                entries.extend(Exclusions::parse(&name, &text));
            }
            // deleted since the folder was listed, or a link to nothing
            Err(ListErrorKind::Io(e)) if is(&e, Errno::NOENT) => {
                if let Ok(target) = list.path.read_link() {
                    let why = format!("it is a link to `{}`, which is not there", target.display());
                    problems.push(not_read(&list.path, &why));
                }
            }
            Err(ListErrorKind::Io(e)) => problems.push(not_read(&list.path, &e)),
            Err(why) => problems.push(not_read(&list.path, &why)),
        }
    }
    LoadedExclusions {
        set: ExclusionSet::new(entries),
        problems,
        lists,
    }
}

fn is(error: &std::io::Error, errno: Errno) -> bool {
    error.raw_os_error() == Some(errno.raw_os_error())
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
        assert!(
            loaded.problems[1]
                .contains("exclusions/dir.conf`, it excludes nothing: it is a directory")
        );

        let tid: TransportId = "transport=loop;nqn=nqn.2014-08.org.example:old"
            .parse()
            .unwrap();
        assert!(loaded.set.matches(&tid, ControllerClass::Io).is_some());
    }
}
