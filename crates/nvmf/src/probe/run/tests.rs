//! Against targets in threads.

use super::*;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

const LONG: Duration = Duration::from_secs(20);
/// Silence is told after so long; long enough for whatever comes before the silence on a busy machine.
const SHORT: Duration = Duration::from_millis(500);

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

const IDENTITY: &str = ";hostnqn=nqn.2014-08.org.example:host;\
                        hostid=f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

/// Probes deeply a target that takes the Connect and then does what `answer` does.
fn deep_probe_with(
    timeout: Duration,
    answer: impl FnOnce(TcpStream) + Send,
) -> Result<(), ProbeError> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let tid = tid(listener.local_addr().unwrap(), IDENTITY);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; 128]).unwrap();
            stream.write_all(&icresp()).unwrap();
            let mut capsule = [0; 72 + 1024];
            stream.read_exact(&mut capsule).unwrap();
            assert_eq!(capsule[..8], [4, 0, 72, 72, 72, 4, 0, 0]);
            let text = |at: usize| {
                let field = &capsule[72 + at..72 + at + 256];
                let end = field.iter().position(|b| *b == 0).unwrap();
                String::from_utf8(field[..end].to_vec()).unwrap()
            };
            assert_eq!(capsule[8], 0x7f);
            assert_eq!(capsule[72..76], [0xf8, 0x1d, 0x4f, 0xae]);
            assert_eq!(text(256), "nqn.2014-08.org.example:a");
            assert_eq!(text(512), "nqn.2014-08.org.example:host");
            answer(stream);
        });
        deep_probe(&tid, ControllerClass::Io, false, timeout)
    })
}

#[test]
fn a_target_that_answers_the_connect_or_does_not() {
    let mut response = [0; 24];
    response[..8].copy_from_slice(&[5, 0, 24, 0, 24, 0, 0, 0]);
    deep_probe_with(LONG, |mut stream| stream.write_all(&response).unwrap()).unwrap();
    // Connect Invalid Parameters: an answer, too
    response[22..].copy_from_slice(&(0x4182_u16 << 1).to_le_bytes());
    deep_probe_with(LONG, |mut stream| stream.write_all(&response).unwrap()).unwrap();

    let end = |bytes: &'static [u8]| {
        deep_probe_with(LONG, |mut stream| stream.write_all(bytes).unwrap())
            .unwrap_err()
            .to_string()
    };
    assert!(end(&[3, 0, 24, 0, 24, 0, 0, 0]).contains("terminates the connection"));
    assert!(end(&[7, 0, 24, 0, 24, 0, 0, 0]).contains("begins with"));
    assert!(end(b"").contains("closes the connection instead"));

    // kept open
    let (over, until) = std::sync::mpsc::channel::<TcpStream>();
    let error = deep_probe_with(SHORT, |stream| over.send(stream).unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the target is silent: no answer to Connect within 500 ms"
    );
    drop(until);
}

#[test]
fn a_host_without_a_name_asks_no_further() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let tid = tid(listener.local_addr().unwrap(), "");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; 128]).unwrap();
            stream.write_all(&icresp()).unwrap();
            assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0, "closed");
        });
        deep_probe(&tid, ControllerClass::Io, false, LONG).unwrap();
    });
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
        "the target is silent: no ICResp within 500 ms"
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
        "the target is silent: no TCP connection within 500 ms"
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
