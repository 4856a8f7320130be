//! The steps of a probe.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nvmf_types::{ControllerClass, HostId, Nqn, Traddr, Transport, TransportId};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use super::bind_device::bind_device;
use super::{ProbeError, Stage, fabrics, pdu};

/// Asks whether an NVMe/TCP controller answers at `tid`: TCP connection, ICReq, ICResp, all within
/// `timeout`. The address and interface that `tid` pins are used. With `tls` set it is the TCP
/// connection only: such a target says nothing before the handshake. Other transports cannot be
/// asked from user space, and count as answering.
///
/// # Errors
/// Why it is not worth to ask the kernel.
pub fn probe(
    tid: &TransportId,
    class: ControllerClass,
    tls: bool,
    timeout: Duration,
) -> Result<(), ProbeError> {
    let deadline = Deadline {
        start: Instant::now(),
        timeout,
    };
    match connect(tid, class, &deadline)? {
        Some(socket) if !tls => exchange(&socket, &deadline),
        _ => Ok(()),
    }
}

/// [`probe`], and a Connect of the admin queue in user space: asks whether the target answers what
/// the kernel would wait a minute for. Whatever the answer is, it is one: to hear a refusal is the
/// kernel's. The connection is closed at once, and the controller with it. A target that wants TLS, or
/// a host without NQN and id in `tid`, leaves it at [`probe`].
///
/// # Errors
/// As of [`probe`].
pub fn deep_probe(
    tid: &TransportId,
    class: ControllerClass,
    tls: bool,
    timeout: Duration,
) -> Result<(), ProbeError> {
    let deadline = Deadline {
        start: Instant::now(),
        timeout,
    };
    let Some(socket) = connect(tid, class, &deadline)?.filter(|_| !tls) else {
        return Ok(());
    };
    exchange(&socket, &deadline)?;
    let Some(hostnqn) = &tid.hostnqn else {
        return Ok(());
    };
    match tid.hostid.or_else(|| HostId::of_name(hostnqn)) {
        Some(hostid) => ask_to_connect(&socket, tid, hostnqn, hostid, &deadline),
        None => Ok(()),
    }
}

struct Deadline {
    start: Instant,
    timeout: Duration,
}

/// `None`: nothing that can be connected to from user space.
fn connect(
    tid: &TransportId,
    class: ControllerClass,
    deadline: &Deadline,
) -> Result<Option<OwnedFd>, ProbeError> {
    let (Transport::Tcp, Some(target), Some(port)) = (tid.transport, &tid.traddr, tid.port(class))
    else {
        return Ok(None);
    };
    let family = match target.ip() {
        Some(IpAddr::V4(_)) => AddressFamily::INET,
        Some(IpAddr::V6(_)) => AddressFamily::INET6,
        None => return Ok(None),
    };
    let local = |e: Errno| ProbeError::Local(e.into());
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket =
        rustix::net::socket_with(family, SocketType::STREAM, flags, None).map_err(local)?;
    if let Some(interface) = &tid.host_iface {
        bind_device(socket.as_fd(), interface).map_err(ProbeError::Local)?;
    }
    if let Some(host) = &tid.host_traddr {
        let address = socket_address(&socket, host, 0)?;
        rustix::net::bind(&socket, &address).map_err(local)?;
    }
    let address = socket_address(&socket, target, port)?;
    let connected = match rustix::net::connect(&socket, &address) {
        Err(Errno::INPROGRESS | Errno::INTR) => {
            deadline.wait(&socket, PollFlags::OUT, Stage::Tcp)?;
            rustix::net::sockopt::socket_error(&socket).and_then(|outcome| outcome)
        }
        other => other,
    };
    connected.map_err(|e| deadline.failed(e, Stage::Tcp))?;
    Ok(Some(socket))
}

fn socket_address(socket: &OwnedFd, address: &Traddr, port: u16) -> Result<SocketAddr, ProbeError> {
    let no_address = || ProbeError::Local(io::ErrorKind::InvalidInput.into());
    let Traddr::Ip { addr, scope } = address else {
        return Err(no_address());
    };
    let IpAddr::V6(v6) = addr else {
        return Ok(SocketAddr::new(*addr, port));
    };
    let scope_id = match scope {
        None => 0,
        Some(scope) => match scope.parse() {
            Ok(index) => index,
            Err(_) => rustix::net::netdevice::name_to_index(socket, scope)
                .map_err(|e| ProbeError::Local(e.into()))?,
        },
    };
    Ok(SocketAddrV6::new(*v6, port, 0, scope_id).into())
}

/// ICReq out, ICResp in.
fn exchange(socket: &OwnedFd, deadline: &Deadline) -> Result<(), ProbeError> {
    let stage = Stage::Icresp;
    deadline.send(socket, &pdu::icreq(), stage)?;
    let mut header = [0; pdu::HEADER_LEN];
    deadline.receive(socket, &mut header, stage)?;
    pdu::check(&header).map_err(ProbeError::NotNvme)?;
    deadline.receive(socket, &mut [0; pdu::LEN - pdu::HEADER_LEN], stage)
}

/// Connect out, any answer in.
fn ask_to_connect(
    socket: &OwnedFd,
    tid: &TransportId,
    hostnqn: &Nqn,
    hostid: HostId,
    deadline: &Deadline,
) -> Result<(), ProbeError> {
    let stage = Stage::Connect;
    let command = fabrics::connect(&tid.nqn, hostnqn, hostid);
    deadline.send(socket, &command, stage)?;
    // what the rest of it says is the kernel's to hear
    let mut header = [0; pdu::HEADER_LEN];
    deadline.receive(socket, &mut header, stage)?;
    fabrics::check(&header).map_err(ProbeError::NotNvme)
}

impl Deadline {
    fn send(&self, socket: &OwnedFd, bytes: &[u8], stage: Stage) -> Result<(), ProbeError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match rustix::net::send(socket, rest, rustix::net::SendFlags::NOSIGNAL) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(Errno::AGAIN | Errno::INTR) => self.wait(socket, PollFlags::OUT, stage)?,
                Err(e) => return Err(self.failed(e, stage)),
            }
        }
        Ok(())
    }

    /// Fills `bytes`.
    fn receive(&self, socket: &OwnedFd, bytes: &mut [u8], stage: Stage) -> Result<(), ProbeError> {
        let mut have = 0;
        while have < bytes.len() {
            let room = bytes.get_mut(have..).unwrap_or_default();
            match rustix::io::read(socket, room) {
                Ok(0) => {
                    let message = match stage {
                        Stage::Connect => "it closes the connection instead of answering",
                        _ => "it closes the connection instead of answering; it may want TLS",
                    };
                    return Err(ProbeError::NotNvme(message.to_owned()));
                }
                Ok(count) => have += count,
                Err(Errno::AGAIN | Errno::INTR) => self.wait(socket, PollFlags::IN, stage)?,
                Err(e) => return Err(self.failed(e, stage)),
            }
        }
        Ok(())
    }

    /// Waits until the socket is ready or in error.
    fn wait(&self, socket: &OwnedFd, events: PollFlags, stage: Stage) -> Result<(), ProbeError> {
        loop {
            let left = self.timeout.saturating_sub(self.start.elapsed());
            if left.is_zero() {
                return Err(self.silent(stage));
            }
            // Not shorter than what is left, or the loop would spin.
            let left = Timespec::try_from(left).ok();
            let mut fds = [PollFd::new(socket, events)];
            match poll(&mut fds, left.as_ref()) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(e) => return Err(ProbeError::Local(e.into())),
            }
        }
    }

    fn failed(&self, error: Errno, stage: Stage) -> ProbeError {
        match error {
            Errno::CONNREFUSED => ProbeError::Refused,
            Errno::CONNRESET | Errno::PIPE if stage == Stage::Icresp => ProbeError::NotNvme(
                "it resets the connection instead of answering; it may want TLS".to_owned(),
            ),
            Errno::CONNRESET => ProbeError::Refused,
            Errno::TIMEDOUT => self.silent(stage),
            Errno::ADDRNOTAVAIL | Errno::NODEV => ProbeError::Local(error.into()),
            _ => ProbeError::Unreachable(error.into()),
        }
    }

    const fn silent(&self, stage: Stage) -> ProbeError {
        ProbeError::Silent {
            after: self.timeout,
            stage,
        }
    }
}

#[cfg(test)]
mod tests;
