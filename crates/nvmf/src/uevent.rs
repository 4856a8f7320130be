//! Kernel uevents.
use std::collections::BTreeMap;
use std::io;
use std::os::fd::*;
/// An event
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uevent {
    /// `add`
    pub action: String,
    /// `/devices/…`
    pub devpath: String,
    /// `nvme`
    pub subsystem: String,
    /// number
    pub seqnum: u64,
    /// all
    pub props: BTreeMap<String, String>,
}
/// received
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// event
    Event(Uevent),
    /// events were lost: rescan
    Overflow,
    /// not from the kernel or not an event
    Foreign,
}
/// The socket
#[derive(Debug)]
pub struct Socket(OwnedFd);
#[allow(missing_docs)]
impl Uevent {
    pub fn parse(_message: &[u8]) -> Option<Self> {
        todo!()
    }
}
#[allow(missing_docs)]
impl Socket {
    pub fn open() -> io::Result<Self> {
        todo!()
    }
    /// never blocks: WouldBlock
    pub fn recv(&self) -> io::Result<Received> {
        todo!()
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
