//! Reading the files.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use nvmf_types::HostIdentity;
use nvmf_types::config::{Config, ConfigFile, DaemonConfig, Problem, SecretReference, parse};
use rustix::fs::{CWD, OFlags};

use super::{FileError, FileErrorKind, LoadError};
use crate::file::{bad_line, content};
use crate::resolve::resolve_all;
use crate::{Root, references};

/// What a file may have at most, in bytes.
const LIMIT: u64 = 1 << 20;

/// The configuration as it was loaded, and the files that it consists of.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// What they say.
    pub config: Config,
    /// The files that there are, in the order in which they were read.
    pub files: Vec<PathBuf>,
}

/// Reads the connections: `file`, or `/etc/nvme/nvme-fabrics.conf`, and the drop-ins beside it
/// (`FILE.d/*.conf`, in alphabetical order). Either may be absent, but a `file` that is named must
/// have one of them. Host names stay what they are: [`resolve`].
///
/// # Errors
/// Everything that is wrong in the files, or all that cannot be read.
pub fn load(root: &Root, file: Option<&Path>) -> Result<Config, LoadError> {
    load_files(root, file).map(|loaded| loaded.config)
}

/// [`load`], for those who are interested in the files.
///
/// # Errors
/// As [`load`].
pub fn load_files(root: &Root, file: Option<&Path>) -> Result<Loaded, LoadError> {
    let main = main_file(root, file)?;
    let mut unread = Vec::new();
    let default = host_identity(root).unwrap_or_else(|error| {
        unread.extend(files_of(error));
        HostIdentity::default()
    });
    let mut read = |path: &Path| {
        read_file(path).unwrap_or_else(|error| {
            unread.push(error);
            None
        })
    };
    let text = read(&main);
    let drop_ins = drop_ins(&main)?;
    let nothing = text.is_none() && drop_ins.is_none();
    let mut paths: Vec<PathBuf> = text.iter().map(|_| main.clone()).collect();
    // The main file stands first even if it is absent.
    let empty = || ConfigFile::new(main.display().to_string(), "");
    let mut files = vec![text.unwrap_or_else(empty)];
    for path in drop_ins.unwrap_or_default() {
        // One that vanishes meanwhile says nothing.
        if let Some(file) = read(&path) {
            files.push(file);
            paths.push(path);
        }
    }
    if !unread.is_empty() {
        return Err(LoadError::Files(unread));
    }
    if file.is_some() && nothing {
        let reason = FileErrorKind::Io(io::ErrorKind::NotFound.into());
        return Err(FileError::new(&main, reason).into());
    }
    let mut config = parse(&files, &default)?;
    let doubts = config.references.iter().filter_map(|r| doubt(root, r));
    let doubts: Vec<Problem> = doubts.collect();
    config.warnings.extend(doubts);
    Ok(Loaded {
        config,
        files: paths,
    })
}

/// Looks up the host names of `config`, all at once and for `timeout` at most. What has no address
/// stays among [`Config::unresolved`]; why is returned, one sentence with its place for each.
#[must_use]
pub fn resolve(config: &mut Config, timeout: Duration) -> Vec<String> {
    let names = config.unresolved.iter().map(|named| named.name.clone());
    let names: BTreeSet<_> = names.collect();
    if names.is_empty() {
        return Vec::new();
    }
    let found = resolve_all(names, timeout);
    config.resolve(|name| match found.get(name) {
        Some(Ok(addresses)) => addresses.clone(),
        _ => Vec::new(),
    });
    let left = config.unresolved.iter().map(|named| {
        let place = &named.without_address().origin;
        match found.get(&named.name) {
            Some(Err(error)) => format!("{place}: {error}"),
            _ => format!(
                "{place}: `{}` has no address of the IP version that host-traddr has",
                named.name
            ),
        }
    });
    left.collect()
}

/// Reads how the daemon behaves, with warnings: `/etc/nvme/nvme-discoverd.conf` and the drop-ins
/// beside it (`nvme-discoverd.conf.d/*.conf`, in alphabetical order). Without a file everything
/// has its default.
///
/// # Errors
/// Everything that is wrong in the files, or all that cannot be read.
pub fn load_daemon(root: &Root) -> Result<(DaemonConfig, Vec<Problem>), LoadError> {
    let main = root.etc().join("nvme/nvme-discoverd.conf");
    let drop_ins = drop_ins(&main)?.unwrap_or_default();
    let (mut files, mut unread) = (Vec::new(), Vec::new());
    for path in std::iter::once(main).chain(drop_ins) {
        match read_file(&path) {
            Ok(file) => files.extend(file),
            Err(error) => unread.push(error),
        }
    }
    match unread.is_empty() {
        true => Ok(DaemonConfig::parse(&files)?),
        false => Err(LoadError::Files(unread)),
    }
}

/// Reads who the host is: `/etc/nvme/hostnqn` and `/etc/nvme/hostid`; absent or empty: unset.
///
/// # Errors
/// Files that cannot be read or hold something else.
pub fn host_identity(root: &Root) -> Result<HostIdentity, LoadError> {
    let hostnqn = read_value(&identity_file(root, "hostnqn"));
    let hostid = read_value(&identity_file(root, "hostid"));
    match (hostnqn, hostid) {
        (Ok(hostnqn), Ok(hostid)) => Ok(HostIdentity { hostnqn, hostid }),
        (hostnqn, hostid) => {
            let errors = hostnqn.err().into_iter().chain(hostid.err());
            Err(LoadError::Files(errors.collect()))
        }
    }
}

/// `file`, or the one that is read by default.
pub(super) fn main_file(root: &Root, file: Option<&Path>) -> Result<PathBuf, LoadError> {
    let main = file.map_or_else(
        || root.etc().join("nvme/nvme-fabrics.conf"),
        Path::to_path_buf,
    );
    match main.extension() {
        Some(e) if e.eq_ignore_ascii_case("json") => {
            Err(FileError::new(&main, FileErrorKind::Json).into())
        }
        _ => Ok(main),
    }
}

/// The file with the default of `hostnqn` or `hostid`.
#[must_use]
pub fn identity_file(root: &Root, key: &str) -> PathBuf {
    root.etc().join("nvme").join(key)
}

fn files_of(error: LoadError) -> Vec<FileError> {
    match error {
        LoadError::Files(files) => files,
        LoadError::Problems(_) => Vec::new(),
    }
}

/// What is odd about a secret that is elsewhere. Credentials are there only in the service that
/// they are passed to.
fn doubt(root: &Root, reference: &SecretReference) -> Option<Problem> {
    let source = &reference.source;
    if let Some(mode) = references::readable_by_others(root, source) {
        let message =
            format!("everybody can read the secret in `{source}`: its mode is {mode:04o}");
        let path = source.to_string();
        let path = path.strip_prefix("file:").unwrap_or_default();
        return Some(reference.warning(message, format!("type `chmod 0600 {path}`")));
    }
    match references::secret(root, source) {
        Err(references::ReferenceErrorKind::NoCredentials(_)) | Ok(_) => None,
        // of which a reader without rights can say nothing
        Err(references::ReferenceErrorKind::Io { reason, .. })
            if reason.kind() == io::ErrorKind::PermissionDenied =>
        {
            None
        }
        Err(why) => {
            let remedy = "mend it: until then the connection cannot be made".to_owned();
            Some(reference.warning(why.to_string(), remedy))
        }
    }
}

/// `FILE.d/*.conf`; `None`: there is no such directory.
pub(super) fn drop_ins(main: &Path) -> Result<Option<Vec<PathBuf>>, LoadError> {
    let mut dir = OsString::from(main);
    dir.push(".d");
    let dir = PathBuf::from(dir);
    let failed = |reason| FileError::new(&dir, FileErrorKind::Io(reason));
    let listing = match std::fs::read_dir(&dir) {
        Ok(listing) => listing,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(e).into()),
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

/// The text of a file; `None`: there is none.
pub(super) fn read_optional(path: &Path) -> Result<Option<String>, LoadError> {
    Ok(read_file(path)?.map(|file| file.text))
}

fn read_file(path: &Path) -> Result<Option<ConfigFile>, FileError> {
    let (bytes, stat) = match content(CWD, path, OFlags::empty(), LIMIT) {
        Ok(found) => found,
        Err(error) => match FileErrorKind::from(error) {
            FileErrorKind::Io(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            kind => return Err(FileError::new(path, kind)),
        },
    };
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(ConfigFile {
            mode: Some(stat.st_mode & 0o7777),
            ..ConfigFile::new(path.display().to_string(), text)
        })),
        Err(error) => Err(FileError {
            line: Some(bad_line(error.as_bytes())),
            ..FileError::new(path, FileErrorKind::NotUtf8)
        }),
    }
}

fn read_value<T: FromStr<Err: std::fmt::Display>>(path: &Path) -> Result<Option<T>, FileError> {
    let text = read_file(path)?.map(|file| file.text);
    match text.unwrap_or_default().trim() {
        "" => Ok(None),
        value => value.parse().map(Some).map_err(|e: T::Err| FileError {
            line: Some(1),
            ..FileError::new(path, FileErrorKind::Identity(e.to_string()))
        }),
    }
}

#[cfg(test)]
mod tests;
