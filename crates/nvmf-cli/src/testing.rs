//! A host made of plain files, for the tests of this crate.

use std::fs;
use std::path::PathBuf;

use nvmf::Root;
use nvmf::registry::Registry;
use nvmf_types::DeviceName;
use tempfile::TempDir;

use crate::args::{Format, OutputArgs};

/// A root with a sysfs of real directories and attribute files.
#[derive(Debug)]
pub(crate) struct FakeHost(TempDir);

impl FakeHost {
    pub(crate) fn new() -> Self {
        let host = Self(TempDir::new().unwrap());
        host.file("sys/kernel/uevent_seqnum", "4711\n");
        for folder in ["run", "etc/nvme", "sys/class/nvme"] {
            fs::create_dir_all(host.0.path().join(folder)).unwrap();
        }
        host
    }

    pub(crate) fn root(&self) -> Root {
        Root::new(self.0.path())
    }

    pub(crate) fn file(&self, relative: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn attribute(&self, device: &str, attribute: &str, value: &str) {
        self.file(&format!("sys/class/nvme/{device}/{attribute}"), value);
    }

    /// A live I/O controller at 192.0.2.10:4420.
    pub(crate) fn tcp(&self, device: &str, nqn: &str) -> DeviceName {
        for (attribute, value) in [
            ("transport", "tcp"),
            ("subsysnqn", nqn),
            (
                "address",
                "traddr=192.0.2.10,trsvcid=4420,src_addr=192.0.2.1",
            ),
            ("cntrltype", "io"),
            ("cntlid", "7"),
            ("state", "live"),
            ("model", "Linux"),
            ("serial", "5eb1a1"),
            ("firmware_rev", "6.12"),
        ] {
            self.attribute(device, attribute, &format!("{value}\n"));
        }
        self.attribute(device, "delete_controller", "");
        device.parse().unwrap()
    }

    /// A live discovery controller at 192.0.2.10:8009.
    pub(crate) fn dc(&self, device: &str) -> DeviceName {
        let name = self.tcp(device, "nqn.2014-08.org.nvmexpress.discovery");
        self.attribute(device, "cntrltype", "discovery\n");
        self.attribute(device, "address", "traddr=192.0.2.10,trsvcid=8009\n");
        name
    }

    pub(crate) fn pcie(&self, device: &str) -> DeviceName {
        for (attribute, value) in [
            ("transport", "pcie"),
            ("subsysnqn", "nqn.2014.08.org.nvmexpress:80868086"),
            ("address", "0000:00:04.0"),
            ("cntrltype", "io"),
            ("state", "live"),
            ("model", "Disk"),
            ("delete_controller", ""),
        ] {
            self.attribute(device, attribute, value);
        }
        device.parse().unwrap()
    }

    pub(crate) fn own(&self, device: &str, owner: &str) {
        let (device, owner) = (device.parse().unwrap(), owner.parse().unwrap());
        let claim = Registry::open(&self.root()).claim(&device, &owner);
        assert_eq!(claim.unwrap(), nvmf::registry::Claim::Granted);
    }

    /// What was written to `delete_controller`.
    pub(crate) fn deletes(&self, device: &str) -> String {
        let path = format!("sys/class/nvme/{device}/delete_controller");
        fs::read_to_string(self.0.path().join(path)).unwrap()
    }

    pub(crate) const fn output_args() -> OutputArgs {
        OutputArgs {
            output_format: Format::Normal,
            verbose: false,
        }
    }
}
