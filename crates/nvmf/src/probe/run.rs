//! The steps of a probe.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nvmf_types::{ControllerClass, Traddr, Transport, TransportId};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use super::bind_device::bind_device;
use super::{ProbeError, Stage, pdu};

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
    let request = pdu::icreq();
    let mut rest = request.as_slice();
    while !rest.is_empty() {
        match rustix::net::send(socket, rest, rustix::net::SendFlags::NOSIGNAL) {
            Ok(count) => rest = rest.get(count..).unwrap_or_default(),
            Err(Errno::AGAIN | Errno::INTR) => {
                deadline.wait(socket, PollFlags::OUT, Stage::Icresp)?;
            }
            Err(e) => return Err(deadline.failed(e, Stage::Icresp)),
        }
    }
    let mut answer = [0; pdu::LEN];
    let mut have = 0;
    while have < pdu::LEN {
        let room = answer.get_mut(have..).unwrap_or_default();
        match rustix::io::read(socket, room) {
            Ok(0) => {
                let message =
                    "it closes the connection instead of answering; it may want TLS".to_owned();
                return Err(ProbeError::NotNvme(message));
            }
            Ok(count) => have += count,
            Err(Errno::AGAIN | Errno::INTR) => {
                deadline.wait(socket, PollFlags::IN, Stage::Icresp)?;
            }
            Err(e) => return Err(deadline.failed(e, Stage::Icresp)),
        }
        if have >= pdu::HEADER_LEN
            && let Some(header) = answer.first_chunk()
        {
            pdu::check(header).map_err(ProbeError::NotNvme)?;
        }
    }
    Ok(())
}

impl Deadline {
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
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    const LONG: Duration = Duration::from_secs(20);
    const SHORT: Duration = Duration::from_millis(50);

    fn tid(address: SocketAddr, more: &str) -> TransportId {
        let (ip, port) = (address.ip(), address.port());
        let nqn = "nqn.2014-08.org.example:a";
        format!("transport=tcp;traddr={ip};trsvcid={port};nqn={nqn}{more}")
            .parse()
            .unwrap()
    }

    /// Probes a target that reads the ICReq and then does what `answer` does.
    fn probe_with(
        timeout: Duration,
        more: &str,
        answer: impl FnOnce(TcpStream) + Send,
    ) -> Result<(), ProbeError> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let tid = tid(listener.local_addr().unwrap(), more);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (mut stream, peer) = listener.accept().unwrap();
                if more.contains("127.0.0.2") {
                    assert_eq!(peer.ip().to_string(), "127.0.0.2");
                }
                let mut request = [0; 128];
                stream.read_exact(&mut request).unwrap();
                assert_eq!(request[..8], [0, 0, 128, 0, 128, 0, 0, 0]);
                assert!(request[8..].iter().all(|b| *b == 0));
                answer(stream);
            });
            probe(&tid, ControllerClass::Io, false, timeout)
        })
    }

    fn icresp() -> [u8; 128] {
        let mut pdu = [0; 128];
        pdu[..8].copy_from_slice(&[1, 0, 128, 0, 128, 0, 0, 0]);
        pdu
    }

    #[test]
    fn a_target_that_answers() {
        for more in ["", ";host-traddr=127.0.0.2"] {
            probe_with(LONG, more, |mut stream| {
                // in pieces, as a network may deliver it
                stream.write_all(&icresp()[..5]).unwrap();
                stream.flush().unwrap();
                stream.write_all(&icresp()[5..]).unwrap();
            })
            .unwrap();
        }
    }

    #[test]
    fn a_target_that_stays_silent() {
        // The kernel completes the handshake, and nobody ever accepts.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = tid(listener.local_addr().unwrap(), "");
        let error = probe(&target, ControllerClass::Io, false, SHORT).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the target is silent: no ICResp within 50 ms"
        );

        // A full queue: not even the handshake is completed.
        let full = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&full, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        rustix::net::listen(&full, 0).unwrap();
        let address = SocketAddr::try_from(rustix::net::getsockname(&full).unwrap()).unwrap();
        let target = tid(address, "");
        let deadline = || Deadline {
            start: Instant::now(),
            timeout: SHORT,
        };
        let queued: Vec<_> = (0..4)
            .map(|_| connect(&target, ControllerClass::Io, &deadline()))
            .collect();
        let error = probe(&target, ControllerClass::Io, false, SHORT).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the target is silent: no TCP connection within 50 ms"
        );
        drop(queued);
    }

    #[test]
    fn a_target_that_is_none() {
        let junk = |bytes: &'static [u8]| {
            probe_with(LONG, "", |mut stream| stream.write_all(bytes).unwrap())
                .unwrap_err()
                .to_string()
        };
        let http = junk(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        assert_eq!(
            http,
            "the target speaks no NVMe/TCP: its answer begins with `HTTP/1.1`"
        );
        assert!(junk(&[3, 0, 24, 0, 24, 0, 0, 0]).contains("terminates the connection"));
        assert!(junk(&[1, 0, 128, 0, 0, 1, 0, 0]).contains("hlen 128 and plen 256"));
        assert!(
            junk(&[1, 0, 128]).contains("closes the connection"),
            "cut off"
        );
        assert!(junk(b"").contains("closes the connection"));
    }

    #[test]
    fn a_target_that_refuses() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let tid = tid(listener.local_addr().unwrap(), "");
        probe(&tid, ControllerClass::Io, true, LONG).unwrap();
        drop(listener);
        let error = probe(&tid, ControllerClass::Io, false, LONG);
        assert!(matches!(error, Err(ProbeError::Refused)), "{error:?}");
    }

    #[test]
    fn addresses_and_interfaces_that_this_host_lacks() {
        let target: SocketAddr = "127.0.0.1:4420".parse().unwrap();
        for more in [";host-traddr=192.0.2.77", ";host-iface=no-such-if"] {
            let error = probe(&tid(target, more), ControllerClass::Io, false, LONG);
            assert!(
                matches!(error, Err(ProbeError::Local(_))),
                "{more}: {error:?}"
            );
        }
        let scoped = "transport=tcp;traddr=fe80::1%no-such-if;nqn=nqn.2014-08.org.example:a";
        let error = probe(&scoped.parse().unwrap(), ControllerClass::Io, false, LONG);
        assert!(matches!(error, Err(ProbeError::Local(_))), "{error:?}");
    }

    #[test]
    fn other_transports_are_not_asked() {
        for text in [
            "transport=loop;nqn=nqn.2014-08.org.example:a",
            "transport=rdma;traddr=192.0.2.1;nqn=nqn.2014-08.org.example:a",
        ] {
            probe(&text.parse().unwrap(), ControllerClass::Io, false, SHORT).unwrap();
        }
    }
}
