//! News from the kernel's network (rtnetlink) that may make reachable what was not: an address, a
//! route, a link that is up. `linux/rtnetlink.h`, `linux/if_addr.h`, `linux/if.h`.

use std::collections::BTreeSet;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvAncillaryBuffer, RecvFlags, SocketFlags, SocketType};

/// A socket that hears of changes.
#[derive(Debug)]
pub struct Changes {
    socket: OwnedFd,
    links: Links,
}

/// Links that are known to be running: the kernel repeats itself.
#[derive(Debug, Default)]
struct Links(BTreeSet<u32>);

/// `RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE`.
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_NEWADDR: u16 = 20;
const RTM_NEWROUTE: u16 = 24;

const IFF_UP: u32 = 0x1;
const IFF_RUNNING: u32 = 0x40;
const IFA_F_TENTATIVE: u8 = 0x40;
const RT_SCOPE_HOST: u8 = 254;
const RTN_UNICAST: u8 = 1;
const RTM_F_CLONED: u32 = 0x200;

/// A link with everything that drivers add to it.
const MESSAGE_MAX: usize = 32 * 1024;

impl Changes {
    /// Hears of changes from now on.
    ///
    /// # Errors
    /// The kernel has no rtnetlink, or no descriptors are left.
    pub fn open() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        // no protocol is NETLINK_ROUTE
        let socket =
            rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        rustix::net::bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
        Ok(Self {
            socket,
            links: Links::default(),
        })
    }

    /// Takes one message; whether it may make something reachable. News that were lost may.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`]: there is none. Others mean that the socket is unusable.
    pub fn read(&mut self) -> io::Result<bool> {
        let mut buffer = [0_u8; MESSAGE_MAX];
        let received = rustix::io::retry_on_intr(|| {
            let mut slices = [IoSliceMut::new(&mut buffer)];
            let mut control = RecvAncillaryBuffer::default();
            rustix::net::recvmsg(&self.socket, &mut slices, &mut control, RecvFlags::DONTWAIT)
        });
        match received {
            Ok(message) => {
                let sender = message.address.map(SocketAddrNetlink::try_from);
                let from_kernel = matches!(sender, Some(Ok(sender)) if sender.pid() == 0);
                let bytes = buffer.get(..message.bytes).unwrap_or_default();
                Ok(from_kernel && self.links.helped_by(bytes))
            }
            Err(Errno::NOBUFS) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}

impl Links {
    /// Whether anything in these messages may help.
    fn helped_by(&mut self, mut messages: &[u8]) -> bool {
        let mut helped = false;
        while let (Some(length), Some(kind)) = (u32_at(messages, 0), u16_at(messages, 4)) {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let Some(body) = messages.get(16..length) else {
                break;
            };
            helped |= self.is_helped_by(kind, body);
            // messages begin at multiples of four
            messages = messages
                .get(length.next_multiple_of(4)..)
                .unwrap_or_default();
        }
        helped
    }

    fn is_helped_by(&mut self, kind: u16, body: &[u8]) -> bool {
        let helped = match kind {
            RTM_NEWLINK => self.link(body),
            RTM_DELLINK => {
                if let Some(index) = u32_at(body, 4) {
                    self.0.remove(&index);
                }
                None
            }
            RTM_NEWADDR => address(body),
            RTM_NEWROUTE => route(body),
            _ => None,
        };
        helped.is_some()
    }

    /// `struct ifinfomsg`: a link that runs and did not.
    fn link(&mut self, body: &[u8]) -> Option<()> {
        let (index, flags) = (u32_at(body, 4)?, u32_at(body, 8)?);
        if flags & (IFF_UP | IFF_RUNNING) == IFF_UP | IFF_RUNNING {
            return self.0.insert(index).then_some(());
        }
        self.0.remove(&index);
        None
    }
}

/// `struct ifaddrmsg`: an address that can be used, which other hosts can see.
fn address(body: &[u8]) -> Option<()> {
    let (flags, scope) = (*body.get(2)?, *body.get(3)?);
    (flags & IFA_F_TENTATIVE == 0 && scope != RT_SCOPE_HOST).then_some(())
}

/// `struct rtmsg`: a way to others, which is no copy of one.
fn route(body: &[u8]) -> Option<()> {
    let (kind, flags) = (*body.get(7)?, u32_at(body, 8)?);
    (kind == RTN_UNICAST && flags & RTM_F_CLONED == 0).then_some(())
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let piece = bytes.get(at..at + 2)?;
    Some(u16::from_ne_bytes(piece.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let piece = bytes.get(at..at + 4)?;
    Some(u32::from_ne_bytes(piece.try_into().ok()?))
}

impl AsFd for Changes {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Changes {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(16 + body.len()).unwrap();
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([0; 10]);
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn link(kind: u16, index: u32, flags: u32) -> Vec<u8> {
        let body = [0, index, flags, u32::MAX].map(u32::to_ne_bytes);
        message(kind, body.as_flattened())
    }

    fn helps(bytes: &[u8]) -> bool {
        Links::default().helped_by(bytes)
    }

    #[test]
    fn a_link_that_comes_up_helps_once() {
        let (up, down) = (link(RTM_NEWLINK, 2, 0x11043), link(RTM_NEWLINK, 2, 0x1003));
        let mut links = Links::default();
        assert!(!links.helped_by(&down), "no carrier");
        assert!(links.helped_by(&up));
        assert!(!links.helped_by(&up), "the kernel repeats itself");
        assert!(links.helped_by(&link(RTM_NEWLINK, 3, 0x11043)));
        links.helped_by(&down);
        assert!(links.helped_by(&up), "again");
        links.helped_by(&link(RTM_DELLINK, 2, 0x11043));
        assert!(links.helped_by(&up), "another one of that number");
    }

    #[test]
    fn addresses_and_routes_that_lead_to_others_help() {
        let address = |flags, scope| message(RTM_NEWADDR, &[10, 64, flags, scope, 2, 0, 0, 0, 9]);
        assert!(helps(&address(0x80, 0)));
        assert!(helps(&address(0x80, 253)), "link-local");
        assert!(!helps(&address(0xc0, 0)), "tentative");
        assert!(!helps(&address(0x80, RT_SCOPE_HOST)), "loopback");
        let route =
            |kind, flags: u8| message(RTM_NEWROUTE, &[2, 0, 0, 0, 254, 3, 0, kind, 0, flags, 0, 0]);
        assert!(helps(&route(RTN_UNICAST, 0)));
        assert!(!helps(&route(2, 0)), "local");
        assert!(!helps(&route(RTN_UNICAST, 2)), "a cached copy");
        assert!(
            !helps(&message(RTM_NEWADDR + 1, &[10, 64, 0x80, 0])),
            "gone"
        );
    }

    #[test]
    fn messages_come_together_and_may_be_anything() {
        let tentative = message(RTM_NEWADDR, &[10, 64, 0xc0, 0, 9]);
        let usable = message(RTM_NEWADDR, &[10, 64, 0x80, 0]);
        let both = [tentative, usable.clone()].concat();
        assert!(helps(&both));
        for length in 0..both.len() {
            helps(&both[..length]);
        }
        for length in [0_u32, 1, 15, 17, 1000, u32::MAX] {
            let mut odd = usable.clone();
            odd[..4].copy_from_slice(&length.to_ne_bytes());
            assert!(!helps(&odd), "{length}");
        }
    }

    #[test]
    fn the_kernel_lets_everybody_listen() {
        let mut changes = Changes::open().unwrap();
        match changes.read() {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }
}
