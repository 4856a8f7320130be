//! A host made of plain files.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use nvmf::Root;
use nvmf::registry::Registry;
use nvmf_types::{AttrName, DeviceName, Owner};
use tempfile::TempDir;

/// A root with a sysfs of real directories and attribute files, in memory where possible.
#[derive(Debug)]
pub(crate) struct Host {
    dir: TempDir,
    buried: AtomicU64,
}

impl Host {
    pub(crate) fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() {
            TempDir::new_in(memory)
        } else {
            TempDir::new()
        };
        Self::within(dir.unwrap())
    }

    pub(crate) fn within(dir: TempDir) -> Self {
        let buried = AtomicU64::new(0);
        let host = Self { dir, buried };
        for folder in ["sys/class/nvme", "sys/kernel", "sys/gone", "run"] {
            fs::create_dir_all(host.path(folder)).unwrap();
        }
        host.seqnum(4711);
        host
    }

    pub(crate) fn root(&self) -> Root {
        Root::new(self.dir.path())
    }

    pub(crate) fn registry(&self) -> Registry {
        Registry::open(&self.root())
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.dir.path().join(relative)
    }

    pub(crate) fn seqnum(&self, number: u64) {
        let next = self.path("sys/kernel/next");
        fs::write(&next, format!("{number}\n")).unwrap();
        fs::rename(next, self.path("sys/kernel/uevent_seqnum")).unwrap();
    }

    /// A new controller under a free name, at one instant. Returns its incarnation.
    pub(crate) fn connect(&self, name: &str) -> u64 {
        let next = self.path(&format!("sys/class/.{name}"));
        fs::create_dir(&next).unwrap();
        for (attribute, value) in [
            ("transport", "tcp\n"),
            ("subsysnqn", "nqn.2014-08.org.example:a\n"),
            ("address", "traddr=192.0.2.10,trsvcid=4420\n"),
            ("cntrltype", "io\n"),
            ("state", "live\n"),
        ] {
            fs::write(next.join(attribute), value).unwrap();
        }
        let ino = fs::metadata(&next).unwrap().ino();
        fs::rename(next, self.sysfs(name)).unwrap();
        ino
    }

    /// Takes a controller away, at one instant. Its directory stays somewhere, empty, so that no
    /// other gets its inode.
    pub(crate) fn disconnect(&self, name: &str) {
        let number = self.buried.fetch_add(1, Ordering::Relaxed);
        let gone = self.path(&format!("sys/gone/{number}"));
        fs::rename(self.sysfs(name), &gone).unwrap();
        for file in fs::read_dir(gone).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
    }

    fn sysfs(&self, name: &str) -> PathBuf {
        self.path(&format!("sys/class/nvme/{name}"))
    }

    /// Every path below the registry's directory, sorted.
    pub(crate) fn registry_paths(&self) -> Vec<String> {
        let top = self.path("run/nvme/registry");
        let mut found = Vec::new();
        let mut folders = vec![top.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                found.push(path.strip_prefix(&top).unwrap().display().to_string());
                if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        found.sort();
        found
    }
}

pub(crate) fn device(name: &str) -> DeviceName {
    name.parse().unwrap()
}

pub(crate) fn owner(text: &str) -> Owner {
    text.parse().unwrap()
}

pub(crate) fn attr(text: &str) -> AttrName {
    text.parse().unwrap()
}
