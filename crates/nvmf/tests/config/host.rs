//! A host with files of older formats.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use nvmf::Root;
use nvmf::config::{self, Conversion, Edited, LegacyFormat, Source, WriteError, convert, edit};
use nvmf_types::config::{Added, Config, Wish};
use nvmf_types::{ControllerClass, Origin};
use tempfile::TempDir;

pub(crate) struct Host(TempDir);

const OTHER: &str = "nqn.2014-08.org.example:other";

impl Host {
    /// `discovery.conf` with two lines, `config.json` with two hosts of `subsystems` subsystems.
    pub(crate) fn new(subsystems: usize) -> Self {
        let host = Self(TempDir::new().unwrap());
        fs::create_dir_all(host.path("")).unwrap();
        fill(host.top(), subsystems);
        host
    }

    pub(crate) fn top(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        nvme(self.top()).join(relative)
    }

    pub(crate) fn root(&self) -> Root {
        Root::new(self.top())
    }

    pub(crate) fn load(&self) -> Config {
        config::load(&self.root(), None).unwrap_or_else(|e| panic!("{e}"))
    }
}

pub(crate) fn nvme(top: &Path) -> PathBuf {
    top.join("etc/nvme")
}

/// Puts the files of older formats in place, and takes everything else away.
pub(crate) fn fill(top: &Path, subsystems: usize) {
    for file in fs::read_dir(nvme(top)).unwrap() {
        let path = file.unwrap().path();
        match path.is_dir() {
            true => fs::remove_dir_all(path).unwrap(),
            false => fs::remove_file(path).unwrap(),
        }
    }
    let mut lists = [String::new(), String::new()];
    for (host, list) in lists.iter_mut().enumerate() {
        for number in 0..subsystems {
            let comma = if number == 0 { "" } else { "," };
            write!(
                list,
                r#"{comma}{{"nqn":"nqn.2014-08.org.example:h{host}.{number}","ports":[{{"transport":"tcp","traddr":"192.0.2.1","dhchap_key":"file:/k"}}]}}"#
            )
            .unwrap();
        }
    }
    let [default, other] = lists;
    let json = format!(
        r#"[{{"subsystems":[{default}]}},
        {{"hostnqn":"{OTHER}","hostid":"f81d4fae-7dec-11d0-a765-00a0c91e6bf6","subsystems":[{other}]}}]"#
    );
    fs::write(nvme(top).join("config.json"), json).unwrap();
    let lines = "# DCs\n-t tcp -a 192.0.2.10\n-t tcp -a 192.0.2.11 -p\n";
    fs::write(nvme(top).join("discovery.conf"), lines).unwrap();
}

/// What `nvmf config convert` does.
pub(crate) fn converted(root: &Root) -> Result<Conversion, WriteError> {
    let source = |format, name: &str| Source {
        format,
        path: root.etc().join("nvme").join(name),
        needed: false,
    };
    let sources = [
        source(LegacyFormat::ConfigJson, "config.json"),
        source(LegacyFormat::DiscoveryConf, "discovery.conf"),
    ];
    convert(root, None, &sources, false)
}

/// Adds a path, number `number`, to one subsystem.
pub(crate) fn created(root: &Root, number: usize) -> Result<Edited<Added>, WriteError> {
    let mut wish = Wish::new(ControllerClass::Io, Origin::new("test", 1));
    let traddr = format!("198.51.100.{number}");
    let nqn = "nqn.2014-08.org.example:paths";
    for (key, value) in [("transport", "tcp"), ("traddr", &traddr), ("nqn", nqn)] {
        wish.set(key, value).unwrap();
    }
    edit(root, None, |edits| edits.add(&wish, None))
}

/// All files in `/etc/nvme` but the lock, with their content.
pub(crate) fn content(top: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for folder in [nvme(top), nvme(top).join("nvme-fabrics.conf.d")] {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(nvme(top)).unwrap().display().to_string();
            if path.is_file() && name != ".nvme-fabrics.conf.lock" {
                found.insert(name, fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}
