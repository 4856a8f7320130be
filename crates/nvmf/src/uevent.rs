//! Kernel uevents (`NETLINK_KOBJECT_UEVENT`, multicast group 1): what happens to controllers,
//! before udev's rules run. Linux `lib/kobject_uevent.c`.

use std::collections::BTreeMap;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nvmf_types::DeviceName;
use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvFlags, ReturnFlags, SocketFlags, SocketType,
};

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uevent {
    /// `add`, `remove`, `change`, …
    pub action: String,
    /// The device's path below `/sys`.
    pub devpath: String,
    /// `nvme`, `nvme-subsystem`, `block`, `fc`, …
    pub subsystem: String,
    /// The kernel's number of the event.
    pub seqnum: u64,
    /// All properties, those above included.
    pub props: BTreeMap<String, String>,
}

/// What came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// An event.
    Event(Uevent),
    /// Events were lost: what there is has to be looked at again.
    Overflow,
    /// Not from the kernel, or nothing that is understood: to be ignored.
    Foreign,
}

/// A socket that receives the kernel's events.
#[derive(Debug)]
pub struct Socket(OwnedFd);

/// The group that the kernel itself sends to; udev's is 2.
const KERNEL_GROUP: u32 = 1;

/// An event has at most 2 KiB of properties and a path.
const MESSAGE_MAX: usize = 16 * 1024;

/// Room for a burst: hundreds of controllers that come and go at once.
const RECEIVE_BUFFER: usize = 16 * 1024 * 1024;

impl Uevent {
    /// Reads a message of the kernel: `action@devpath` and `KEY=value`s, each ended by a NUL.
    /// `None`: something else, such as a message of udev.
    #[must_use]
    pub fn parse(message: &[u8]) -> Option<Self> {
        let mut fields = message.split(|b| *b == 0).map(String::from_utf8_lossy);
        let (action, devpath) = fields
            .next()?
            .split_once('@')
            .map(|(a, d)| (a.to_owned(), d.to_owned()))?;
        let props: BTreeMap<String, String> = fields
            .filter_map(|field| {
                field
                    .split_once('=')
                    .map(|(k, v)| (k.to_owned(), v.to_owned()))
            })
            .collect();
        if props.get("ACTION") != Some(&action) || props.get("DEVPATH") != Some(&devpath) {
            return None;
        }
        Some(Self {
            action,
            devpath,
            subsystem: props.get("SUBSYSTEM")?.clone(),
            seqnum: props.get("SEQNUM")?.parse().ok()?,
            props,
        })
    }

    /// The controller that the event is about; `None`: it is about something else.
    #[must_use]
    pub fn controller(&self) -> Option<DeviceName> {
        if self.subsystem != "nvme" {
            return None;
        }
        self.devpath.rsplit('/').next()?.parse().ok()
    }

    /// A property; `none`, the kernel's word for an unset one, is unset.
    #[must_use]
    pub fn prop(&self, key: &str) -> Option<&str> {
        self.props
            .get(key)
            .map(String::as_str)
            .filter(|value| *value != "none")
    }
}

impl Socket {
    /// Opens a socket; events from now on are received.
    ///
    /// # Errors
    /// The kernel has no netlink, or no descriptors are left.
    pub fn open() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let protocol = Some(netlink::KOBJECT_UEVENT);
        let fd =
            rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, protocol)?;
        // Root may exceed the limit; for others the default has to do.
        let _ = rustix::net::sockopt::set_socket_recv_buffer_size_force(&fd, RECEIVE_BUFFER);
        rustix::net::bind(&fd, &SocketAddrNetlink::new(0, KERNEL_GROUP))?;
        Ok(Self(fd))
    }

    /// Takes one message; never blocks.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`]: there is none. Others mean that the socket is unusable.
    pub fn recv(&self) -> io::Result<Received> {
        let mut buffer = [0_u8; MESSAGE_MAX];
        let received = rustix::io::retry_on_intr(|| {
            let mut slices = [IoSliceMut::new(&mut buffer)];
            let mut control = RecvAncillaryBuffer::default();
            rustix::net::recvmsg(&self.0, &mut slices, &mut control, RecvFlags::DONTWAIT)
        });
        let message = match received {
            Ok(message) => message,
            Err(Errno::NOBUFS) => return Ok(Received::Overflow),
            Err(e) => return Err(e.into()),
        };
        // The kernel fills the sender's port in, and 0 is its own: no process can have it.
        let sender = message
            .address
            .and_then(|a| SocketAddrNetlink::try_from(a).ok());
        let from_kernel = sender.is_some_and(|sender| sender.pid() == 0);
        if !from_kernel || message.flags.contains(ReturnFlags::TRUNC) {
            return Ok(Received::Foreign);
        }
        let event = buffer.get(..message.bytes).and_then(Uevent::parse);
        Ok(event.map_or(Received::Foreign, Received::Event))
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::SendFlags;

    const AEN: &[u8] = b"change@/devices/virtual/nvme-fabrics/ctl/nvme3\0ACTION=change\0\
        DEVPATH=/devices/virtual/nvme-fabrics/ctl/nvme3\0SUBSYSTEM=nvme\0NVME_AEN=0x70f002\0\
        NVME_TRTYPE=tcp\0NVME_HOST_IFACE=none\0DEVNAME=nvme3\0ODD=a=b\0SEQNUM=4711\0";

    #[test]
    fn an_event() {
        let event = Uevent::parse(AEN).unwrap();
        assert_eq!(
            (event.action.as_str(), event.subsystem.as_str()),
            ("change", "nvme")
        );
        assert_eq!(event.devpath, "/devices/virtual/nvme-fabrics/ctl/nvme3");
        assert_eq!(event.seqnum, 4711);
        assert_eq!(event.controller(), Some(DeviceName::from_number(3)));
        assert_eq!(event.prop("NVME_AEN"), Some("0x70f002"));
        assert_eq!(event.prop("NVME_HOST_IFACE"), None, "the word for unset");
        assert_eq!(event.prop("ODD"), Some("a=b"));
    }

    #[test]
    fn what_is_no_event_of_a_controller() {
        let text = String::from_utf8(AEN.to_vec()).unwrap();
        let block = text
            .replace("=nvme\0", "=block\0")
            .replace("nvme3", "nvme3n1");
        assert_eq!(Uevent::parse(block.as_bytes()).unwrap().controller(), None);
        for bad in [
            String::new(),
            "libudev\0\u{fe}\0".to_owned(),
            "change@/x".to_owned(),
            text.replace("SEQNUM=4711", "SEQNUM=x"),
            text.replace("SEQNUM", "NUM"),
            text.replace("SUBSYSTEM", "SYSTEM"),
            text.replace("ACTION=change", "ACTION=remove"),
            text.replacen("ctl/nvme3", "ctl/nvme4", 1),
        ] {
            assert_eq!(Uevent::parse(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(Uevent::parse(b"\xff\xfe\0\0=\0"), None);
    }

    #[test]
    fn a_process_is_not_the_kernel() {
        let socket = Socket::open().unwrap();
        let own = rustix::net::getsockname(&socket.0).unwrap();
        let own = SocketAddrNetlink::try_from(own).unwrap();
        let forger = Socket::open().unwrap();
        let sent = rustix::net::sendto(&forger.0, AEN, SendFlags::empty(), &own);
        if sent == Err(Errno::PERM) || sent == Err(Errno::CONNREFUSED) {
            return; // unprivileged: the kernel lets nobody try
        }
        sent.unwrap();
        // Real events may come before it; none is the forged one.
        loop {
            match socket.recv().unwrap() {
                Received::Event(event) => assert_ne!(event.seqnum, 4711),
                Received::Overflow => {}
                Received::Foreign => break,
            }
        }
        assert!(!matches!(socket.recv(), Ok(Received::Event(event)) if event.seqnum == 4711));
    }
}
