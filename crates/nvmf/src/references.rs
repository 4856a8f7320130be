//! What options refer to: secrets in files and credentials, keys by their descriptions.
//!
//! It is looked up when it is needed, so that a secret that was replaced is the one that counts.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use nvmf_types::{ConnectOptions, KeyName, MalformedDhchap, Secret, SecretSource};
use rustix::fs::{CWD, OFlags};
use thiserror::Error;

use crate::file::{FileError, content};
use crate::{Root, keys};

/// What a file with a secret may have at most, in bytes.
const LIMIT: u64 = 4096;

/// An option that refers to something that cannot be had, or that is not a secret.
#[derive(Debug)]
pub struct ReferenceError {
    /// The option, by its name in the configuration files.
    pub option: &'static str,
    /// Why.
    pub kind: ReferenceErrorKind,
}

/// Why a secret or key cannot be had. It never holds any of it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReferenceErrorKind {
    /// No credentials were passed to this process.
    #[error(
        "there is no credential `{0}`: systemd passes none to this process, write LoadCredential= into its unit"
    )]
    NoCredentials(String),
    /// A file that cannot be read.
    #[error("cannot read `{}`: {reason}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// What is in the file is no secret.
    #[error("`{}` {what}: write one line with the secret", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A secret that is none.
    #[error("not a DH-HMAC-CHAP secret, {0}")]
    Malformed(MalformedDhchap),
    /// No such key.
    #[error(
        "there is no {kind} `{}` in the kernel's keyrings: see /proc/keys, or give a serial number", .description.escape_debug()
    )]
    NoKey {
        /// `psk` or `keyring`.
        kind: &'static str,
        /// What it should be described as.
        description: String,
    },
}

/// `options` with what they refer to in the place of the references.
///
/// # Errors
/// The first reference that leads nowhere, or secret that the kernel would refuse.
pub fn resolve(root: &Root, options: &ConnectOptions) -> Result<ConnectOptions, ReferenceError> {
    let mut resolved = options.clone();
    for (option, secret) in [
        ("kxchap-secret", &mut resolved.dhchap_secret),
        ("kxchap-ctrl-secret", &mut resolved.dhchap_ctrl_secret),
    ] {
        if let Some(source) = secret {
            let found = self::secret(root, source);
            let found = found.map_err(|kind| ReferenceError { option, kind })?;
            *source = SecretSource::Literal(found);
        }
    }
    for (option, kind, key) in [
        ("keyring", "keyring", &mut resolved.keyring),
        ("tls-key-identity", "psk", &mut resolved.tls_key),
    ] {
        if let Some(name @ KeyName::Description(_)) = key {
            let serial = serial(root, kind, &name.to_string());
            let serial = serial.map_err(|kind| ReferenceError { option, kind })?;
            *name = KeyName::Serial(serial);
        }
    }
    Ok(resolved)
}

/// The secret that `source` is or refers to.
///
/// # Errors
/// There is none, or it is none.
pub fn secret(root: &Root, source: &SecretSource) -> Result<Secret, ReferenceErrorKind> {
    let secret = match source {
        SecretSource::Literal(secret) => secret.clone(),
        SecretSource::File(_) | SecretSource::Credential(_) => read(&place(root, source)?)?,
    };
    match secret.check_dhchap() {
        Ok(()) => Ok(secret),
        Err(why) => Err(ReferenceErrorKind::Malformed(why)),
    }
}

/// The mode of the file that `source` refers to, if it is one that others may read.
#[must_use]
pub fn readable_by_others(root: &Root, source: &SecretSource) -> Option<u32> {
    let SecretSource::File(_) = source else {
        return None;
    };
    let stat = rustix::fs::stat(place(root, source).ok()?).ok()?;
    (stat.st_mode & 0o004 != 0).then_some(stat.st_mode & 0o7777)
}

/// The file that `source` refers to.
fn place(root: &Root, source: &SecretSource) -> Result<PathBuf, ReferenceErrorKind> {
    match source {
        SecretSource::Credential(name) => match root.credentials() {
            Some(folder) => Ok(folder.join(name)),
            None => Err(ReferenceErrorKind::NoCredentials(name.clone())),
        },
        SecretSource::File(path) => Ok(root.of(path)),
        SecretSource::Literal(_) => Ok(PathBuf::new()),
    }
}

fn read(path: &Path) -> Result<Secret, ReferenceErrorKind> {
    let wrong = |what| ReferenceErrorKind::Content {
        path: path.to_owned(),
        what,
    };
    let bytes = match content(CWD, path, OFlags::empty(), LIMIT) {
        Ok((bytes, _)) => bytes,
        Err(FileError::NotAFile(_)) => return Err(wrong("is no file")),
        Err(FileError::TooLarge) => return Err(wrong("has more than 4096 bytes")),
        Err(FileError::Io(reason)) => {
            let path = path.to_owned();
            return Err(ReferenceErrorKind::Io { path, reason });
        }
    };
    let text = String::from_utf8(bytes).map_err(|_| wrong("is no text"))?;
    let line = text.trim_end_matches(['\r', '\n']);
    if line.is_empty() {
        return Err(wrong("is empty"));
    }
    if line.contains('\n') {
        return Err(wrong("has more than one line"));
    }
    Ok(Secret::new(line.to_owned()))
}

fn serial(root: &Root, kind: &'static str, description: &str) -> Result<u32, ReferenceErrorKind> {
    let path = || root.proc().join("keys");
    match keys::serial(root, kind, description) {
        Ok(Some(serial)) => Ok(serial),
        Ok(None) => Err(ReferenceErrorKind::NoKey {
            kind,
            description: description.to_owned(),
        }),
        Err(FileError::Io(reason)) => Err(ReferenceErrorKind::Io {
            path: path(),
            reason,
        }),
        Err(FileError::NotAFile(_) | FileError::TooLarge) => Err(ReferenceErrorKind::Io {
            path: path(),
            reason: io::ErrorKind::InvalidData.into(),
        }),
    }
}

impl fmt::Display for ReferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.option, self.kind)
    }
}

impl std::error::Error for ReferenceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The message has the cause in it already.
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    const GOOD: &str = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";

    fn host(content: &str) -> (FakeHost, Root) {
        let host = FakeHost::new();
        for folder in ["etc", "proc", "run/credentials"] {
            std::fs::create_dir_all(host.path(folder)).unwrap();
        }
        std::fs::write(host.path("etc/key"), content).unwrap();
        std::fs::write(host.path("run/credentials/key"), content).unwrap();
        let keys = "0000000a I 1 perm 0 0 0 keyring .nvme: 1\n0000000b I 1 perm 0 0 0 psk id: 32\n";
        std::fs::write(host.path("proc/keys"), keys).unwrap();
        let root = host.root();
        let root = root.with_credentials(Some(host.path("run/credentials")));
        (host, root)
    }

    fn options(settings: &[(&str, &str)]) -> ConnectOptions {
        let mut options = ConnectOptions::default();
        for (key, value) in settings {
            options.set(key, value).unwrap();
        }
        options
    }

    #[test]
    fn everything_is_looked_up() {
        for content in [GOOD, &format!("{GOOD}\n"), &format!("{GOOD}\r\n")] {
            let (_host, root) = host(content);
            let resolved = resolve(
                &root,
                &options(&[
                    ("kxchap-secret", "file:/etc/key"),
                    ("kxchap-ctrl-secret", "credential:key"),
                    ("keyring", ".nvme"),
                    ("tls-key-identity", "id"),
                    ("tos", "1"),
                ]),
            );
            let wanted = options(&[
                ("kxchap-secret", GOOD),
                ("kxchap-ctrl-secret", GOOD),
                ("keyring", "10"),
                ("tls-key", "11"),
                ("tos", "1"),
            ]);
            assert_eq!(resolved.unwrap(), wanted);
        }
    }

    #[test]
    fn what_leads_nowhere() {
        let (host, root) = host("");
        let path = |name: &str| host.path(name).display().to_string();
        let says = |root: &Root, key: &str, value: &str| {
            let error = resolve(root, &options(&[(key, value)])).unwrap_err();
            let text = error.to_string();
            assert!(!format!("{error:?}{text}").contains("hush"), "{text}");
            text
        };
        let key = "kxchap-secret";
        for (content, what) in [
            ("", "is empty"),
            ("\n", "is empty"),
            ("hush\nhush\n", "has more than one line"),
            (&"hush".repeat(1025), "has more than 4096 bytes"),
        ] {
            std::fs::write(host.path("etc/key"), content).unwrap();
            let wanted = format!(
                "kxchap-secret: `{}` {what}: write one line with the secret",
                path("etc/key")
            );
            assert_eq!(says(&root, key, "file:/etc/key"), wanted);
        }
        std::fs::write(host.path("etc/key"), "hush").unwrap();
        let form = "kxchap-secret: not a DH-HMAC-CHAP secret, it does not consist of";
        for value in ["file:/etc/key", "hush"] {
            assert!(says(&root, key, value).starts_with(form));
        }
        std::fs::write(host.path("etc/key"), b"\xffhush").unwrap();
        assert!(says(&root, key, "file:/etc/key").contains("is no text"));
        assert!(says(&root, key, "file:/etc").contains("is no file"));
        let missing = says(&root, key, "file:/etc/none");
        let start = format!("kxchap-secret: cannot read `{}`: No such", path("etc/none"));
        assert!(missing.starts_with(&start), "{missing}");
        assert_eq!(
            says(&host.root(), "kxchap-ctrl-secret", "credential:key"),
            "kxchap-ctrl-secret: there is no credential `key`: systemd passes none to this process, write LoadCredential= into its unit"
        );
        assert_eq!(
            says(&root, "tls-key-identity", "none"),
            "tls-key-identity: there is no psk `none` in the kernel's keyrings: see /proc/keys, or give a serial number"
        );
        std::fs::remove_file(host.path("proc/keys")).unwrap();
        assert!(says(&root, "keyring", ".nvme").contains("cannot read `"));
    }
}
