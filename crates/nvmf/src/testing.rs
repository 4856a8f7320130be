//! A host made of plain files, for the tests of this crate.

use std::fs;
use std::path::PathBuf;

use nvmf_types::DeviceName;
use tempfile::TempDir;

use crate::Root;

/// A root with a sysfs of real directories and attribute files.
#[derive(Debug)]
pub(crate) struct FakeHost(TempDir);

impl FakeHost {
    pub(crate) fn new() -> Self {
        let host = Self(TempDir::new().unwrap());
        fs::create_dir_all(host.0.path().join("sys/kernel")).unwrap();
        fs::create_dir_all(host.0.path().join("run")).unwrap();
        fs::write(host.0.path().join("sys/kernel/uevent_seqnum"), "4711\n").unwrap();
        host
    }

    pub(crate) fn root(&self) -> Root {
        Root::new(self.0.path())
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.0.path().join(relative)
    }

    /// A live I/O controller at 192.0.2.10:4420.
    pub(crate) fn tcp(&self, name: &str, nqn: &str) -> DeviceName {
        for (attribute, value) in [
            ("transport", "tcp"),
            ("subsysnqn", nqn),
            (
                "address",
                "traddr=192.0.2.10,trsvcid=4420,src_addr=192.0.2.1",
            ),
            ("cntrltype", "io"),
            ("cntlid", "7"),
            ("hostnqn", "nqn.2014-08.org.example:host"),
            ("hostid", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
            ("state", "live"),
        ] {
            self.attribute(name, attribute, &format!("{value}\n"));
        }
        self.attribute(name, "delete_controller", "");
        name.parse().unwrap()
    }

    pub(crate) fn pcie(&self, name: &str) -> DeviceName {
        for (attribute, value) in [
            ("transport", "pcie"),
            ("subsysnqn", "nqn.2014.08.org.nvmexpress:80868086"),
            ("address", "0000:00:04.0"),
            ("cntrltype", "io"),
            ("state", "live"),
        ] {
            self.attribute(name, attribute, &format!("{value}\n"));
        }
        name.parse().unwrap()
    }

    /// Entries in the class directory that are no controllers.
    pub(crate) fn subsystem_noise(&self) {
        fs::create_dir_all(self.path("sys/class/nvme/nvme-subsys0")).unwrap();
        fs::create_dir_all(self.path("sys/class/nvme/null")).unwrap();
    }

    /// A subsystem with native multipathing and links to its controllers.
    pub(crate) fn subsystem(&self, name: &str, nqn: &str, controllers: &[&str]) {
        let folder = self.path(&format!("sys/class/nvme-subsystem/{name}"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("subsysnqn"), format!("{nqn}\n")).unwrap();
        fs::write(folder.join("iopolicy"), "numa\n").unwrap();
        for controller in controllers {
            let target = self.path(&format!("sys/class/nvme/{controller}"));
            std::os::unix::fs::symlink(target, folder.join(controller)).unwrap();
        }
    }

    pub(crate) fn attribute(&self, name: &str, attribute: &str, value: &str) {
        let path = self.path(&format!("sys/class/nvme/{name}/{attribute}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, value).unwrap();
    }

    pub(crate) fn remove_attribute(&self, name: &str, attribute: &str) {
        fs::remove_file(self.path(&format!("sys/class/nvme/{name}/{attribute}"))).unwrap();
    }

    pub(crate) fn remove_controller(&self, name: &str) {
        fs::remove_dir_all(self.path(&format!("sys/class/nvme/{name}"))).unwrap();
    }

    /// Gives the name to another controller, as the kernel does: another directory, another inode.
    pub(crate) fn replace_tcp(&self, name: &str, nqn: &str) {
        let next = format!("{name}-next");
        self.tcp_unnamed(&next, nqn);
        self.remove_controller(name);
        let class = self.path("sys/class/nvme");
        fs::rename(class.join(next), class.join(name)).unwrap();
    }

    fn tcp_unnamed(&self, directory: &str, nqn: &str) {
        let name = "nvme4000000000";
        self.tcp(name, nqn);
        let class = self.path("sys/class/nvme");
        fs::rename(class.join(name), class.join(directory)).unwrap();
    }

    /// What was written to `delete_controller`.
    pub(crate) fn deletes(&self, name: &str) -> String {
        fs::read_to_string(self.path(&format!("sys/class/nvme/{name}/delete_controller"))).unwrap()
    }

    pub(crate) fn sysfs_ino(&self, name: &str) -> u64 {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(self.path(&format!("sys/class/nvme/{name}")))
            .unwrap()
            .ino()
    }
}
