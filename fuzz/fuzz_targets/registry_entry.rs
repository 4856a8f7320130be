//! Anything at all in an entry's directory: it is read somehow, and can be worked with.

#![no_main]

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use nvmf::Root;
use nvmf::registry::{Claim, Registry, RegistryErrorKind, Release};
use nvmf_types::{AttrName, DeviceName, Owner};
use tempfile::TempDir;

#[derive(Arbitrary, Debug)]
enum Name {
    Owner,
    Seqnum,
    SysfsIno,
    Other(String),
}

#[derive(Arbitrary, Debug)]
enum Content {
    Bytes(Vec<u8>),
    /// The stamp of the controller that is there.
    Live,
    Folder,
    Link(String),
}

/// The host stays; only the entry is made anew for each input.
struct Host {
    dir: TempDir,
    registry: Registry,
    device: DeviceName,
    ino: u64,
}

impl Host {
    fn new() -> Self {
        let dir = TempDir::new_in("/dev/shm").unwrap();
        let sysfs = dir.path().join("sys/class/nvme/nvme0");
        fs::create_dir_all(&sysfs).unwrap();
        fs::create_dir_all(dir.path().join("run/nvme/registry")).unwrap();
        fs::write(sysfs.join("transport"), "tcp\n").unwrap();
        Self {
            registry: Registry::open(&Root::new(dir.path())),
            device: DeviceName::from_number(0),
            ino: fs::metadata(sysfs).unwrap().ino(),
            dir,
        }
    }
}

thread_local! {
    static HOST: Host = Host::new();
}

fn put(entry: &Path, name: &Name, content: &Content, ino: u64) {
    let name = match name {
        Name::Owner => "owner",
        Name::Seqnum => "seqnum",
        Name::SysfsIno => "sysfs-ino",
        Name::Other(name) => name,
    };
    if name.is_empty() || name.contains(['/', '\0']) || matches!(name, "." | "..") {
        return;
    }
    let path = entry.join(name);
    // what is there already, or too long a name, is none
    let _ = match content {
        Content::Bytes(bytes) => fs::write(path, bytes),
        Content::Live => fs::write(path, format!("{ino}\n")),
        Content::Folder => fs::create_dir(path),
        Content::Link(target) => symlink(target, path),
    };
}

fuzz_target!(|files: Vec<(Name, Content)>| {
    HOST.with(|host| {
        let (registry, device) = (&host.registry, &host.device);
        let folder = host.dir.path().join("run/nvme/registry");
        let path = folder.join("nvme0");
        fs::create_dir(&path).unwrap();
        for (name, content) in &files {
            put(&path, name, content, host.ino);
        }

        let owner = registry.owner(device).unwrap();
        assert_eq!(owner, registry.owner_of(device, host.ino).unwrap());
        if let Some(owner) = &owner {
            assert!(owner.as_str().parse::<Owner>().is_ok());
        }
        let [entry] = registry.all_entries().unwrap().try_into().unwrap();
        assert!(owner.is_none() || !entry.stale);
        for (name, value) in &entry.attributes {
            let name: AttrName = name.parse().unwrap();
            let alone = registry.attribute(device, &name).unwrap();
            assert_eq!(alone.as_ref(), (!entry.stale).then_some(value));
        }

        // Whatever it is, it can be claimed, unless it is somebody's, or no entry at all: a folder
        // where the stamp belongs is an error.
        let me: Owner = "me".parse().unwrap();
        let you: Owner = "you".parse().unwrap();
        let claim = match registry.claim(device, &me) {
            Ok(claim) => claim,
            Err(e) => {
                let RegistryErrorKind::Io(io) = e.kind else {
                    panic!("{e}");
                };
                assert_eq!(io.kind(), ErrorKind::IsADirectory);
                assert!(
                    ["seqnum", "sysfs-ino"]
                        .iter()
                        .any(|name| path.join(name).is_dir())
                );
                registry.delete(device).unwrap();
                assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
                return;
            }
        };
        match owner {
            None => assert_eq!(claim, Claim::Granted),
            Some(owner) if owner == me => assert_eq!(claim, Claim::AlreadyMine),
            Some(other) => assert_eq!(claim, Claim::OwnedBy(other)),
        }
        let attribute: AttrName = "owner".parse().unwrap();
        if registry.set(device, &attribute, "you").is_ok() {
            assert_eq!(registry.release(device, &you).unwrap(), Release::Released);
        }
        let _ = registry.collect_garbage().unwrap();
        registry.delete(device).unwrap();
        assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
    });
});
