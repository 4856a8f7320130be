//! A host that has nothing but `/etc/nvme`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nvmf::Root;
use nvmf::exclusions::{
    self, EditError, Edited, List, ListError, ListErrorKind, ListName, LoadedExclusions, Saved,
};
use nvmf_types::exclusion::{AddError, Added, Document, Rule};
use tempfile::TempDir;

pub(crate) struct Host(TempDir);

impl Host {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        fs::create_dir_all(dir.path().join("etc/nvme/exclusions.conf.d")).unwrap();
        Self(dir)
    }

    pub(crate) fn root(&self) -> Root {
        Root::new(self.0.path())
    }

    /// What stands for `/`.
    pub(crate) fn top(&self) -> &Path {
        self.0.path()
    }

    /// A path in `/etc/nvme`.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        nvme(self.0.path()).join(relative)
    }

    pub(crate) fn write(&self, relative: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn text(&self, relative: &str) -> String {
        fs::read_to_string(self.path(relative)).unwrap()
    }

    pub(crate) fn load(&self) -> LoadedExclusions {
        exclusions::load(&self.root())
    }

    /// The list of that name; empty: the default one.
    pub(crate) fn list(&self, name: &str) -> List {
        list(&self.root(), name)
    }

    pub(crate) fn add(
        &self,
        name: &str,
        entry: &str,
    ) -> Result<Edited<Added>, EditError<AddError>> {
        add(&self.root(), &self.list(name), entry)
    }

    pub(crate) fn remove(&self, name: &str, line: usize) -> Result<Saved, ListErrorKind> {
        match exclusions::edit(&self.root(), &self.list(name), |d| d.remove(line)) {
            Ok(edited) => Ok(edited.saved),
            Err(EditError::List(error)) => Err(error.kind),
            Err(other) => panic!("{other}"),
        }
    }

    /// All that is there: the folders, and the files with their content.
    pub(crate) fn content(&self) -> BTreeMap<String, Vec<u8>> {
        content(self.0.path())
    }
}

pub(crate) fn nvme(root: &Path) -> PathBuf {
    root.join("etc/nvme")
}

/// All in `/etc/nvme` but the lock: the folders, and what the files have in them.
pub(crate) fn content(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let top = nvme(root);
    let (mut found, mut folders) = (BTreeMap::new(), vec![top.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&top).unwrap().display().to_string();
            let kind = path.symlink_metadata().unwrap().file_type();
            let bytes = match kind {
                _ if name == ".exclusions.lock" => continue,
                kind if kind.is_file() => fs::read(&path).unwrap(),
                kind if kind.is_symlink() => fs::read_link(&path)
                    .unwrap()
                    .into_os_string()
                    .into_encoded_bytes(),
                _ => Vec::new(),
            };
            if kind.is_dir() {
                folders.push(path);
            }
            found.insert(name, bytes);
        }
    }
    found
}

pub(crate) fn name(text: &str) -> ListName {
    text.parse().unwrap()
}

pub(crate) fn rule(text: &str) -> Rule {
    text.parse().unwrap()
}

pub(crate) fn list(root: &Root, text: &str) -> List {
    let name = (!text.is_empty()).then(|| name(text));
    exclusions::find(root, name.as_ref())
}

pub(crate) fn add(
    root: &Root,
    list: &List,
    entry: &str,
) -> Result<Edited<Added>, EditError<AddError>> {
    exclusions::edit(root, list, |document| document.add(&rule(entry), None))
}

pub(crate) fn kind<T: std::fmt::Debug>(result: Result<T, EditError<AddError>>) -> ListErrorKind {
    match result.unwrap_err() {
        EditError::List(ListError { kind, .. }) => kind,
        other => panic!("{other}"),
    }
}

pub(crate) fn parsed(list: &List, text: &str) -> Document {
    Document::parse(&list.path.display().to_string(), text)
}

/// What changes when a file is written.
pub(crate) fn inode(path: &Path) -> (u64, i64, i64) {
    let file = fs::symlink_metadata(path).unwrap();
    (file.ino(), file.ctime(), file.ctime_nsec())
}
