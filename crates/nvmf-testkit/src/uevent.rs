//! Kernel uevents, recorded: a test can be woken by them, count them, and print them when it fails.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with, sockopt,
};

/// One uevent of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uevent {
    /// When it was read, since recording began.
    pub at: Duration,
    /// `add`, `change`, `remove`, …
    pub action: String,
    /// Path below `/sys`.
    pub devpath: String,
    /// `KEY=value` pairs.
    pub properties: BTreeMap<String, String>,
}

impl Uevent {
    /// One of the properties.
    #[must_use]
    pub fn property(&self, key: &str) -> Option<&str> {
        self.properties.get(key).map(String::as_str)
    }

    /// Whether it is about a controller (and not about its namespaces or its subsystem).
    #[must_use]
    pub fn is_of_controller(&self) -> bool {
        self.property("SUBSYSTEM") == Some("nvme")
    }

    fn parse(at: Duration, message: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(message);
        let mut fields = text.split('\0');
        let (action, devpath) = fields.next()?.split_once('@')?;
        let properties = fields
            .filter_map(|field| field.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        Some(Self {
            at,
            action: action.to_owned(),
            devpath: devpath.to_owned(),
            properties,
        })
    }
}

impl fmt::Display for Uevent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:8.3} {} {}",
            self.at.as_secs_f64(),
            self.action,
            self.devpath
        )?;
        let telling = |key: &str| key.starts_with("NVME_") || key == "SEQNUM";
        for (key, value) in self.properties.iter().filter(|(key, _)| telling(key)) {
            write!(f, " {key}={value}")?;
        }
        Ok(())
    }
}

/// Records uevents from its making on.
#[derive(Debug)]
pub struct Recorder {
    socket: OwnedFd,
    started: Instant,
    seen: Vec<Uevent>,
}

impl Recorder {
    /// Starts to record.
    ///
    /// # Errors
    /// No netlink socket could be had.
    pub fn start() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let protocol = Some(netlink::KOBJECT_UEVENT);
        let socket = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, protocol)?;
        sockopt::set_socket_recv_buffer_size_force(&socket, 8 << 20)?;
        // Group 1: the kernel's own events.
        bind(&socket, &SocketAddrNetlink::new(0, 1))?;
        Ok(Self {
            socket,
            started: Instant::now(),
            seen: Vec::new(),
        })
    }

    /// All events about nvme so far.
    pub fn seen(&mut self) -> &[Uevent] {
        self.drain();
        &self.seen
    }

    /// Waits for an event, for `limit` at most.
    pub fn wait(&mut self, limit: Duration) {
        let timeout = Timespec {
            tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(limit.subsec_nanos()),
        };
        // EINTR wakes a waiter early, which does no harm.
        let _ = poll(
            &mut [PollFd::new(&self.socket, PollFlags::IN)],
            Some(&timeout),
        );
        self.drain();
    }

    fn drain(&mut self) {
        let mut buffer = [0; 16384];
        loop {
            match recv(&self.socket, &mut buffer, RecvFlags::DONTWAIT) {
                Ok((length, _)) => {
                    let message = buffer.get(..length).unwrap_or_default();
                    let event = Uevent::parse(self.started.elapsed(), message);
                    self.seen
                        .extend(event.filter(|it| it.devpath.contains("nvme")));
                }
                Err(rustix::io::Errno::INTR | rustix::io::Errno::NOBUFS) => {}
                Err(_) => return,
            }
        }
    }
}

impl AsFd for Recorder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_taken_apart() {
        let message = b"change@/devices/virtual/nvme-fabrics/ctl/nvme3\0ACTION=change\0\
            SUBSYSTEM=nvme\0NVME_AEN=0x70f002\0SEQNUM=77\0";
        let event = Uevent::parse(Duration::from_millis(1500), message).unwrap();
        assert!(event.is_of_controller());
        assert_eq!(event.property("NVME_AEN"), Some("0x70f002"));
        let line =
            "   1.500 change /devices/virtual/nvme-fabrics/ctl/nvme3 NVME_AEN=0x70f002 SEQNUM=77";
        assert_eq!(event.to_string(), line);
        assert_eq!(Uevent::parse(Duration::ZERO, b"libudev\0\xfe\xed"), None);
    }
}
