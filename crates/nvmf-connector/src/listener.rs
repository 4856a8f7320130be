//! The listening socket: handed over by systemd, or bound here.
#![expect(
    unsafe_code,
    reason = "a descriptor from systemd arrives as a bare number"
)]

use std::fs;
use std::io;
use std::os::fd::FromRawFd;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use thiserror::Error;

/// A Unix socket that root alone can open.
#[derive(Debug)]
pub struct Listener(pub(crate) UnixListener);

/// Why there is no socket to listen on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ListenerError {
    /// Not started by a socket unit, and no path given.
    #[error("no socket: start it through nvmf-connector.socket, or give --socket PATH")]
    None,
    /// systemd's variables are malformed.
    #[error("cannot take the socket from systemd: {0}")]
    Activation(#[source] io::Error),
    /// The path cannot be bound.
    #[error("cannot listen on `{}`: {error}", .path.display())]
    Bind {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
}

impl Listener {
    /// The first socket that systemd handed over. To be called once, before any other thread.
    ///
    /// # Errors
    /// There is none, or it is not a socket.
    pub fn activated() -> Result<Self, ListenerError> {
        let mut fds = sd_notify::listen_fds().map_err(ListenerError::Activation)?;
        let fd = fds.next().ok_or(ListenerError::None)?;
        // SAFETY: `listen_fds` gives descriptors only if LISTEN_PID names this process, so this
        // one is open and was passed to us alone; nothing else in the program takes it.
        let listener = unsafe { UnixListener::from_raw_fd(fd) };
        // systemd may pass anything: this fails for what is no Unix socket
        listener.local_addr().map_err(ListenerError::Activation)?;
        Ok(Self(listener))
    }

    /// Binds `path` for this user alone; a socket that nobody listens on any more is replaced.
    ///
    /// # Errors
    /// Something else is there, somebody listens on it, or the folder cannot be written.
    pub fn bind(path: &Path) -> Result<Self, ListenerError> {
        let bound = Self::clear(path).and_then(|()| {
            let before = rustix::process::umask(Mode::from_raw_mode(0o177));
            let bound = UnixListener::bind(path);
            rustix::process::umask(before);
            bound
        });
        bound.map(Self).map_err(|error| ListenerError::Bind {
            path: path.to_owned(),
            error,
        })
    }

    fn clear(path: &Path) -> io::Result<()> {
        let is_socket = fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket());
        if is_socket {
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            fs::remove_file(path)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn binds_for_root_alone_and_over_a_dead_socket() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let first = Listener::bind(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(Listener::bind(&path).is_err(), "somebody listens");
        drop(first);
        Listener::bind(&path).unwrap();
    }

    #[test]
    fn never_removes_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("precious");
        fs::write(&path, "x").unwrap();
        let message = Listener::bind(&path).unwrap_err().to_string();
        assert!(message.contains("precious"), "{message}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "x");
    }
}
