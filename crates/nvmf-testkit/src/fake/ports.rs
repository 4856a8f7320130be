//! Ports that give no NVMe/TCP connection.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket, sockopt};

use crate::files::OrFail;

/// Takes TCP connections and never says a word.
#[derive(Debug)]
pub struct SilentTarget {
    address: SocketAddr,
    held: Arc<Mutex<Vec<TcpStream>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl SilentTarget {
    /// Starts to listen, on a port of the kernel's choice.
    #[track_caller]
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).or_fail("listen on 127.0.0.1");
        let address = listener.local_addr().or_fail("ask for the port");
        let held = Arc::new(Mutex::new(Vec::new()));
        let over = Arc::new(AtomicBool::new(false));
        let (kept, stop) = (Arc::clone(&held), Arc::clone(&over));
        let thread = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                kept.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(stream);
            }
        });
        Self {
            address,
            held,
            over,
            thread: Some(thread),
        }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections it took so far.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Value of a `controller =` line that reaches it.
    #[must_use]
    pub fn controller(&self) -> String {
        controller(self.port())
    }
}

impl Drop for SilentTarget {
    fn drop(&mut self) {
        stop(&self.over, self.address, &mut self.thread);
    }
}

/// A port that is taken but not listened on: every connection is refused, and nobody else gets it.
#[derive(Debug)]
pub struct RefusingPort {
    _socket: OwnedFd,
    port: u16,
}

impl RefusingPort {
    /// Takes a port of the kernel's choice.
    #[track_caller]
    #[must_use]
    pub fn take() -> Self {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).or_fail("make a socket");
        sockopt::set_socket_reuseaddr(&socket, true).or_fail("set SO_REUSEADDR");
        bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).or_fail("bind to 127.0.0.1");
        let address = getsockname(&socket).or_fail("ask for the port");
        let address = SocketAddr::try_from(address).or_fail("read the port");
        Self {
            _socket: socket,
            port: address.port(),
        }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Value of a `controller =` line that reaches it.
    #[must_use]
    pub fn controller(&self) -> String {
        controller(self.port)
    }
}

pub(super) fn controller(port: u16) -> String {
    format!("transport=tcp;traddr=127.0.0.1;trsvcid={port}")
}

/// Ends a thread that waits in `accept`: one last connection wakes it.
pub(super) fn stop(over: &AtomicBool, address: SocketAddr, thread: &mut Option<JoinHandle<()>>) {
    over.store(true, Ordering::SeqCst);
    if TcpStream::connect(address).is_ok()
        && let Some(thread) = thread.take()
    {
        // A panic of that thread has been printed already.
        let _ = thread.join();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_silent_target_takes_connections_and_says_nothing() {
        let target = SilentTarget::start();
        let mut stream = TcpStream::connect(("127.0.0.1", target.port())).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        assert!(stream.read(&mut [0]).is_err(), "neither data nor an end");
        // The kernel takes it, the target's thread a moment later.
        while target.taken() == 0 {
            thread::yield_now();
        }
        assert_eq!(target.taken(), 1);
    }

    #[test]
    fn a_refusing_port_refuses() {
        let port = RefusingPort::take();
        let error = TcpStream::connect(("127.0.0.1", port.port())).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    }
}
