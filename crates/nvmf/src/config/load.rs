//! Reading the files.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use nvmf_types::HostIdentity;
use nvmf_types::config::{Config, ConfigFile, DaemonConfig, Problem, parse};

use super::LoadError;
use crate::Root;

/// Reads the connections: `file`, or `/etc/nvme/nvme-fabrics.conf`, and the drop-ins beside it
/// (`FILE.d/*.conf`, in alphabetical order). Either may be absent, but a `file` that is named must
/// have one of them.
///
/// # Errors
/// Everything that is wrong in the files, or the first one that cannot be read.
pub fn load(root: &Root, file: Option<&Path>) -> Result<Config, LoadError> {
    let main = main_file(root, file)?;
    let default = host_identity(root)?;
    let text = read_optional(&main)?;
    let drop_ins = drop_ins(&main)?;
    if file.is_some() && text.is_none() && drop_ins.is_none() {
        let reason = io::ErrorKind::NotFound.into();
        return Err(LoadError::Io { path: main, reason });
    }
    // The main file stands first even if it is absent.
    let mut files = vec![config_file(&main, text.unwrap_or_default())];
    for path in drop_ins.unwrap_or_default() {
        // One that vanishes meanwhile says nothing.
        files.extend(read_optional(&path)?.map(|text| config_file(&path, text)));
    }
    Ok(parse(&files, &default)?)
}

/// Reads how the daemon behaves: `/etc/nvme/nvme-discoverd.conf`, with warnings. Without a file
/// everything has its default.
///
/// # Errors
/// Everything that is wrong in the file, or it cannot be read.
pub fn load_daemon(root: &Root) -> Result<(DaemonConfig, Vec<Problem>), LoadError> {
    let path = root.etc().join("nvme/nvme-discoverd.conf");
    let text = read_optional(&path)?.unwrap_or_default();
    Ok(DaemonConfig::parse(&path.display().to_string(), &text)?)
}

/// Reads who the host is: `/etc/nvme/hostnqn` and `/etc/nvme/hostid`; absent or empty: unset.
///
/// # Errors
/// A file that cannot be read or holds something else.
pub fn host_identity(root: &Root) -> Result<HostIdentity, LoadError> {
    let nvme = root.etc().join("nvme");
    Ok(HostIdentity {
        hostnqn: read_value(&nvme.join("hostnqn"))?,
        hostid: read_value(&nvme.join("hostid"))?,
    })
}

/// `file`, or the one that is read by default.
pub(super) fn main_file(root: &Root, file: Option<&Path>) -> Result<PathBuf, LoadError> {
    let main = file.map_or_else(
        || root.etc().join("nvme/nvme-fabrics.conf"),
        Path::to_path_buf,
    );
    match main.extension() {
        Some(e) if e.eq_ignore_ascii_case("json") => Err(LoadError::Json(main)),
        _ => Ok(main),
    }
}

fn config_file(path: &Path, text: String) -> ConfigFile {
    ConfigFile {
        path: path.display().to_string(),
        text,
    }
}

/// `FILE.d/*.conf`; `None`: there is no such directory.
pub(super) fn drop_ins(main: &Path) -> Result<Option<Vec<PathBuf>>, LoadError> {
    let mut dir = OsString::from(main);
    dir.push(".d");
    let dir = PathBuf::from(dir);
    let failed = |reason| LoadError::Io {
        path: dir.clone(),
        reason,
    };
    let listing = match std::fs::read_dir(&dir) {
        Ok(listing) => listing,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(e)),
    };
    let mut files = Vec::new();
    for entry in listing {
        let path = entry.map_err(failed)?.path();
        let hidden = path
            .file_name()
            .is_some_and(|n| n.to_string_lossy().starts_with('.'));
        if path.extension().is_some_and(|e| e == "conf") && !hidden {
            files.push(path);
        }
    }
    files.sort();
    Ok(Some(files))
}

pub(super) fn read_optional(path: &Path) -> Result<Option<String>, LoadError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(reason) => Err(LoadError::Io {
            path: path.to_owned(),
            reason,
        }),
    }
}

fn read_value<T: FromStr<Err: std::fmt::Display>>(path: &Path) -> Result<Option<T>, LoadError> {
    let text = read_optional(path)?.unwrap_or_default();
    match text.trim() {
        "" => Ok(None),
        value => value
            .parse()
            .map(Some)
            .map_err(|e: T::Err| LoadError::Identity {
                path: path.to_owned(),
                message: e.to_string(),
            }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    fn write(host: &FakeHost, path: &str, text: &str) -> PathBuf {
        let path = host.path(&format!("etc/nvme/{path}"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    fn subsystem(name: &str) -> String {
        format!(
            "[Subsystem]\nnqn = nqn.2014-08.org.example:{name}\ncontroller = transport=tcp;traddr=192.0.2.1\n"
        )
    }

    fn names(config: &Config) -> Vec<&str> {
        let name = |nqn: &str| nqn.len() - 1;
        config
            .connections
            .iter()
            .map(|c| &c.tid.nqn.as_str()[name(c.tid.nqn.as_str())..])
            .collect()
    }

    #[test]
    fn main_file_and_drop_ins_in_order() {
        let host = FakeHost::new();
        assert!(
            load(&host.root(), None).unwrap().connections.is_empty(),
            "no files, no wishes"
        );
        write(&host, "nvme-fabrics.conf.d/b.conf", &subsystem("b"));
        write(&host, "nvme-fabrics.conf.d/a.conf", &subsystem("a"));
        write(&host, "nvme-fabrics.conf.d/.c.conf", &subsystem("c"));
        write(&host, "nvme-fabrics.conf.d/d.conf~", &subsystem("d"));
        assert_eq!(names(&load(&host.root(), None).unwrap()), ["a", "b"]);
        write(&host, "nvme-fabrics.conf", &subsystem("m"));
        write(&host, "hostnqn", "nqn.2014-08.org.example:host\n");
        let config = load(&host.root(), None).unwrap();
        assert_eq!(names(&config), ["m", "a", "b"]);
        assert_eq!(
            config.host.hostnqn.unwrap().as_str(),
            "nqn.2014-08.org.example:host"
        );

        let other = write(&host, "other.conf", &subsystem("o"));
        assert_eq!(names(&load(&host.root(), Some(&other)).unwrap()), ["o"]);
    }

    #[test]
    fn errors_say_where_and_what_to_do() {
        let host = FakeHost::new();
        let message = |file: Option<&Path>| load(&host.root(), file).unwrap_err().to_string();
        let absent = host.path("etc/nvme/absent.conf");
        assert!(message(Some(&absent)).contains("give the name of a file that there is"));
        let json = message(Some(Path::new("/etc/nvme/config.json")));
        assert!(
            json.ends_with("convert it with `nvmf config convert`"),
            "{json}"
        );
        let main = write(&host, "nvme-fabrics.conf", "junk\n");
        let wrong = message(None);
        assert!(
            wrong.contains("etc/nvme/nvme-fabrics.conf:1: error: "),
            "{wrong}"
        );
        std::fs::write(&main, b"\xff\xfe").unwrap();
        assert!(
            message(None).ends_with("; save it as UTF-8"),
            "{}",
            message(None)
        );
        write(&host, "hostid", "12\n");
        let id = message(None);
        assert!(
            id.contains("etc/nvme/hostid: error: `12` is not a host id"),
            "{id}"
        );
    }

    #[test]
    fn the_daemons_own_file() {
        let host = FakeHost::new();
        assert_eq!(
            load_daemon(&host.root()).unwrap().0,
            DaemonConfig::default()
        );
        write(&host, "nvme-discoverd.conf", "[Global]\nretry-max = 10\n");
        assert_eq!(load_daemon(&host.root()).unwrap().0.retry_max_ms, 10_000);
        write(&host, "nvme-discoverd.conf", "[Global]\nretry-max = x\n");
        let error = load_daemon(&host.root()).unwrap_err().to_string();
        assert!(error.contains("nvme-discoverd.conf:2: error: "), "{error}");
    }
}
