//! A host made of plain files, for the tests of this crate.

use std::fs;
use std::mem::MaybeUninit;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use clap::Parser;
use nvmf::Root;
use nvmf::registry::Registry;
use nvmf_types::DeviceName;
use rustix::fs::{CWD, FileType, Mode, OFlags, inotify};
use tempfile::TempDir;

use crate::args::{Format, OutputArgs};
use crate::cli::Outcome;

/// What clap makes of a command's arguments.
pub(crate) fn parse<T: clap::Args>(words: &[&str]) -> T {
    #[derive(Parser)]
    struct Line<T: clap::Args> {
        #[command(flatten)]
        args: T,
    }
    let words = ["nvmf"].iter().chain(words);
    let line = Line::try_parse_from(words).unwrap_or_else(|e| panic!("{e}"));
    line.args
}

impl Outcome {
    #[track_caller]
    pub(crate) fn expect_done(self) {
        assert_eq!(self, Self::Done);
    }
}

/// A root with a sysfs of real directories and attribute files.
#[derive(Debug)]
pub(crate) struct FakeHost(TempDir);

impl FakeHost {
    pub(crate) fn new() -> Self {
        let host = Self(TempDir::new().unwrap());
        host.file("sys/kernel/uevent_seqnum", "4711\n");
        for folder in ["run", "etc/nvme", "sys/class/nvme"] {
            fs::create_dir_all(host.path(folder)).unwrap();
        }
        host
    }

    pub(crate) fn root(&self) -> Root {
        Root::new(self.0.path())
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.0.path().join(relative)
    }

    pub(crate) fn file(&self, relative: &str, text: &str) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// A boot table of the firmware.
    pub(crate) fn boot_table(&self, name: &str, bytes: &[u8]) {
        let path = self.path("sys/firmware/acpi/tables").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn read(&self, relative: &str) -> String {
        fs::read_to_string(self.path(relative)).unwrap()
    }

    /// `text` with the paths in it as they are on a real host.
    pub(crate) fn relative(&self, text: &str) -> String {
        text.replace(self.0.path().to_str().unwrap(), "")
    }

    /// Mounts the root file system from the block device `name`.
    pub(crate) fn root_on(&self, name: &str) {
        let class = self.path("sys/class/block").join(name);
        let link = self.path("sys/dev/block/259:7");
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(class.canonicalize().unwrap(), link).unwrap();
        let line = format!("27 1 259:7 / / rw - ext4 /dev/{name} rw\n");
        self.file("proc/self/mountinfo", &line);
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

    /// Who owns the live controller `device`.
    pub(crate) fn owner(&self, device: &str) -> Option<String> {
        let registry = Registry::open(&self.root());
        let owner = registry.owner(&device.parse().unwrap()).unwrap();
        owner.map(|owner| owner.to_string())
    }

    pub(crate) fn set(&self, device: &str, attribute: &str, value: &str) {
        let (device, attribute) = (device.parse().unwrap(), attribute.parse().unwrap());
        let registry = Registry::open(&self.root());
        registry.set(&device, &attribute, value).unwrap();
    }

    /// Whether the registry has an entry for `device`, stale or not.
    pub(crate) fn has_entry(&self, device: &str) -> bool {
        self.path("run/nvme/registry").join(device).exists()
    }

    /// A subsystem with native multipathing and links to its controllers.
    pub(crate) fn subsystem(&self, name: &str, nqn: &str, controllers: &[&str]) {
        let folder = format!("sys/class/nvme-subsystem/{name}");
        self.file(&format!("{folder}/subsysnqn"), &format!("{nqn}\n"));
        self.file(&format!("{folder}/iopolicy"), "numa\n");
        for controller in controllers {
            let target = self.path("sys/class/nvme").join(controller);
            symlink(target, self.path(&folder).join(controller)).unwrap();
        }
    }

    /// A namespace of a subsystem with native multipathing: one disk, and one for each path.
    pub(crate) fn namespace(&self, disk: &str, controllers: &[&str]) {
        let (subsystem, number) = disk.rsplit_once('n').unwrap();
        let folder = subsystem.replace("nvme", "sys/devices/virtual/nvme-subsystem/nvme-subsys");
        let block = |name: &str, place: &Path| {
            fs::create_dir_all(place).unwrap();
            fs::create_dir_all(self.path("sys/class/block")).unwrap();
            symlink(place, self.path("sys/class/block").join(name)).unwrap();
        };
        block(disk, &self.path(&folder).join(disk));
        for controller in controllers {
            let place = self.path("sys/class/nvme").join(controller);
            let path = format!("{subsystem}c{}n{number}", &controller[4..]);
            block(&path, &place.join(&path));
            let link = self.path(&folder).join(controller);
            // one for all namespaces of the subsystem
            let _ = fs::remove_file(&link);
            symlink(&place, link).unwrap();
        }
    }

    /// Its folder stays elsewhere, or a successor might get the inode.
    pub(crate) fn remove(&self, device: &str) {
        let device = self.path("sys/class/nvme").join(device);
        fs::rename(device, self.grave()).unwrap();
    }

    fn grave(&self) -> PathBuf {
        fs::create_dir_all(self.path("gone")).unwrap();
        let taken = fs::read_dir(self.path("gone")).unwrap().count();
        self.path("gone").join(taken.to_string())
    }

    pub(crate) fn remove_attribute(&self, device: &str, attribute: &str) {
        let device = self.path("sys/class/nvme").join(device);
        fs::remove_file(device.join(attribute)).unwrap();
    }

    /// Makes the controller vanish when its `delete_controller` is written, before the write
    /// returns, as the kernel does: that file is a full pipe, which is emptied afterwards.
    pub(crate) fn goes_when_deleted(&self, device: &str) -> JoinHandle<()> {
        let device = self.path("sys/class/nvme").join(device);
        let file = device.join("delete_controller");
        fs::remove_file(&file).unwrap();
        let mode = Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(CWD, &file, FileType::Fifo, mode, 0).unwrap();
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let pipe = rustix::fs::openat(CWD, &file, flags, Mode::empty()).unwrap();
        while rustix::io::write(&pipe, &[0; 4096]).is_ok() {}
        rustix::fs::fcntl_setfl(&pipe, OFlags::empty()).unwrap();
        let opened = inotify::init(inotify::CreateFlags::CLOEXEC).unwrap();
        inotify::add_watch(&opened, &file, inotify::WatchFlags::OPEN).unwrap();
        thread::spawn(move || {
            let mut buffer = [MaybeUninit::uninit(); 1024];
            inotify::Reader::new(opened, &mut buffer).next().unwrap();
            fs::remove_dir_all(device).unwrap();
            let mut read = [0; 4096];
            while !read.contains(&b'1') {
                let _ = rustix::io::read(&pipe, &mut read).unwrap();
            }
        })
    }

    /// What was written to `delete_controller`.
    pub(crate) fn deletes(&self, device: &str) -> String {
        let path = format!("sys/class/nvme/{device}/delete_controller");
        fs::read_to_string(self.path(&path)).unwrap()
    }

    pub(crate) const fn output_args() -> OutputArgs {
        OutputArgs {
            output_format: Format::Normal,
            verbose: false,
        }
    }
}
