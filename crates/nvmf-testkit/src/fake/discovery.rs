//! A discovery controller in user space that the real kernel connects to: as much of NVMe/TCP and
//! of the Base Specification as Linux asks of one, with a log page that may lie.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::log::{FakeLog, fill};
use super::ports::{controller, stop};
use super::wire::{Command, Queue};
use crate::host::DISCOVERY_NQN;

const FABRICS: u8 = 0x7f;
const GET_LOG_PAGE: u8 = 0x02;
const IDENTIFY: u8 = 0x06;
const SET_FEATURES: u8 = 0x09;
const ASYNC_EVENT: u8 = 0x0c;
const KEEP_ALIVE: u8 = 0x18;

const SUCCESS: u16 = 0;
const INVALID_OPCODE: u16 = 0x4001;
const INVALID_FIELD: u16 = 0x4002;

/// Property offsets (Base Specification, 3.1.4).
const CAP: u32 = 0x00;
const VS: u32 = 0x08;
const CC: u32 = 0x14;
const CSTS: u32 = 0x1c;
/// Version 2.0.
const VERSION: u32 = 0x0002_0000;

/// A discovery controller on 127.0.0.1. It goes, and its connections with it, when dropped.
#[derive(Debug)]
pub struct FakeDiscovery {
    address: SocketAddr,
    shared: Arc<Shared>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    log: Mutex<FakeLog>,
    replaced: Condvar,
    cntlid: AtomicU16,
    reads: AtomicUsize,
    streams: Mutex<Vec<TcpStream>>,
}

impl FakeDiscovery {
    /// Starts one with this log page, on a port of the kernel's choice.
    ///
    /// # Errors
    /// No port of 127.0.0.1 could be listened on.
    pub fn start(log: FakeLog) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            log: Mutex::new(log),
            replaced: Condvar::new(),
            cntlid: AtomicU16::new(0),
            reads: AtomicUsize::new(0),
            streams: Mutex::new(Vec::new()),
        });
        let over = Arc::new(AtomicBool::new(false));
        let (serving, ended) = (Arc::clone(&shared), Arc::clone(&over));
        let thread = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&serving);
                if let Ok(handle) = stream.try_clone() {
                    shared
                        .streams
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(handle);
                }
                // A host that goes away is no concern of the target's.
                thread::spawn(move || Connection::serve(stream, &shared));
            }
        });
        Ok(Self {
            address,
            shared,
            over,
            thread: Some(thread),
        })
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Value of a `controller =` line that reaches it.
    #[must_use]
    pub fn controller(&self) -> String {
        controller(self.port())
    }

    /// Replaces the log page. Nobody is told.
    pub fn set_log(&self, log: FakeLog) {
        *self
            .shared
            .log
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = log;
        self.shared.replaced.notify_all();
    }

    /// How many Get Log Page commands it answered.
    #[must_use]
    pub fn reads(&self) -> usize {
        self.shared.reads.load(Ordering::SeqCst)
    }
}

impl Drop for FakeDiscovery {
    fn drop(&mut self) {
        stop(&self.over, self.address, &mut self.thread);
        self.set_log(FakeLog::default());
        for stream in self
            .shared
            .streams
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drain(..)
        {
            // Closed by the host already, perhaps.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// One host's admin queue.
struct Connection<'a> {
    shared: &'a Shared,
    queue: Queue,
    cntlid: u16,
    cc: u32,
}

impl Connection<'_> {
    fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
        let queue = Queue::accept(stream)?;
        let mut connection = Connection {
            shared,
            queue,
            cntlid: 0,
            cc: 0,
        };
        loop {
            let command = connection.queue.command()?;
            connection.answer(&command)?;
        }
    }

    fn answer(&mut self, command: &Command) -> io::Result<()> {
        match command.byte(0) {
            FABRICS => self.fabrics(command),
            IDENTIFY if command.byte(40) == 1 => {
                let identity = self.identity();
                self.queue.send(command, &identity)?;
                self.queue.complete(command, SUCCESS, 0)
            }
            IDENTIFY => self.queue.complete(command, INVALID_FIELD, 0),
            GET_LOG_PAGE if command.byte(40) == 0x70 => self.log_page(command),
            GET_LOG_PAGE => self.queue.complete(command, INVALID_FIELD, 0),
            SET_FEATURES | KEEP_ALIVE => self.queue.complete(command, SUCCESS, 0),
            // It is answered when something changes, and nothing ever does.
            ASYNC_EVENT => Ok(()),
            _ => self.queue.complete(command, INVALID_OPCODE, 0),
        }
    }

    /// Fabrics commands (Base Specification, chapter 6): Property Set, Connect, Property Get.
    fn fabrics(&mut self, command: &Command) -> io::Result<()> {
        match command.byte(4) {
            0x00 => {
                if command.u32(44) == CC {
                    self.cc = command.u32(48);
                }
                self.queue.complete(command, SUCCESS, 0)
            }
            0x01 => {
                let asked = command.data.get(256..512).unwrap_or_default();
                if !asked.starts_with(DISCOVERY_NQN.as_bytes()) {
                    // Connect Invalid Parameters.
                    return self.queue.complete(command, 0x4182, 0);
                }
                let log = self.shared.log.lock();
                let log = log.unwrap_or_else(PoisonError::into_inner);
                // Whoever panicked has said so.
                drop(self.shared.replaced.wait_while(log, |log| log.aloof));
                self.cntlid = self.shared.cntlid.fetch_add(1, Ordering::SeqCst) % 0xffef + 1;
                self.queue
                    .complete(command, SUCCESS, u64::from(self.cntlid))
            }
            0x04 => {
                let value = self.property(command.u32(44));
                self.queue.complete(command, SUCCESS, value)
            }
            _ => self.queue.complete(command, INVALID_FIELD, 0),
        }
    }

    fn property(&self, offset: u32) -> u64 {
        // Enabled at once, shut down at once.
        let ready = u64::from(self.cc & 1);
        let shut_down = if self.cc & 0xc000 == 0 { 0 } else { 0b10 << 2 };
        match offset {
            // MQES 127, CQR, TO 15 (7.5 s), NVM command set.
            CAP => 127 | 1 << 16 | 15 << 24 | 1 << 37,
            VS => u64::from(VERSION),
            CC => u64::from(self.cc),
            CSTS => ready | shut_down,
            _ => 0,
        }
    }

    /// Identify Controller data (Base Specification, figure of CNS 01h).
    fn identity(&self) -> Vec<u8> {
        let mut data = vec![0; 4096];
        fill(&mut data, 4, b"fake                ");
        fill(&mut data, 24, b"nvmf-testkit fake                       ");
        fill(&mut data, 64, b"1       ");
        fill(&mut data, 77, &[5]);
        fill(&mut data, 78, &self.cntlid.to_le_bytes());
        fill(&mut data, 80, &VERSION.to_le_bytes());
        // OAES: discovery log page change. CNTRLTYPE: discovery.
        fill(&mut data, 92, &(1_u32 << 31).to_le_bytes());
        fill(&mut data, 111, &[2]);
        // AERL 4, LPA: offsets, KAS 100 ms, MAXCMD, SGLS.
        fill(&mut data, 259, &[3]);
        fill(&mut data, 261, &[1 << 2]);
        fill(&mut data, 320, &1_u16.to_le_bytes());
        fill(&mut data, 514, &128_u16.to_le_bytes());
        fill(&mut data, 536, &(1_u32 | 1 << 20).to_le_bytes());
        fill(&mut data, 768, DISCOVERY_NQN.as_bytes());
        data
    }

    fn log_page(&mut self, command: &Command) -> io::Result<()> {
        let dwords = u64::from(command.u16(42)) | u64::from(command.u16(44)) << 16;
        let length = usize::try_from((dwords + 1) * 4).map_err(io::Error::other)?;
        let offset = command.u64(48);
        if length > 1 << 20 {
            return self.queue.complete(command, INVALID_FIELD, 0);
        }
        let bytes = {
            let mut log = self
                .shared
                .log
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if log.mute {
                return Ok(());
            }
            if log.restless && offset == 0 {
                log.genctr += 1;
            }
            log.read(offset, length)
        };
        self.shared.reads.fetch_add(1, Ordering::SeqCst);
        self.queue.send(command, &bytes)?;
        self.queue.complete(command, SUCCESS, 0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    /// A host of a few lines: sends a command, gives back data and completion.
    struct Host(TcpStream);

    impl Host {
        fn connect(port: u16) -> Self {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let mut request = vec![0, 0, 128, 0, 128, 0, 0, 0];
            request.resize(128, 0);
            stream.write_all(&request).unwrap();
            let mut response = [0; 128];
            stream.read_exact(&mut response).unwrap();
            assert_eq!(response[0], 1, "an ICResp");
            Self(stream)
        }

        fn ask(&mut self, sqe: &[(usize, &[u8])], data: &[u8]) -> (Vec<u8>, Vec<u8>) {
            let mut pdu = vec![4, 0, 72, if data.is_empty() { 0 } else { 72 }];
            pdu.extend(u32::try_from(72 + data.len()).unwrap().to_le_bytes());
            pdu.resize(72, 0);
            for (at, bytes) in sqe {
                fill(&mut pdu, 8 + at, bytes);
            }
            pdu.extend(data);
            self.0.write_all(&pdu).unwrap();
            let mut received = Vec::new();
            loop {
                let mut header = [0; 8];
                self.0.read_exact(&mut header).unwrap();
                let length = u32::from_le_bytes(header[4..].try_into().unwrap()) as usize;
                let mut rest = vec![0; length - 8];
                self.0.read_exact(&mut rest).unwrap();
                if header[0] == 5 {
                    return (received, rest);
                }
                received.extend(&rest[16..]);
            }
        }
    }

    #[test]
    fn a_host_connects_and_reads_a_lying_log_page() {
        let log = FakeLog {
            genctr: 3,
            numrec: Some(u64::MAX),
            ..FakeLog::default()
        };
        let target = FakeDiscovery::start(log).unwrap();
        let mut host = Host::connect(target.port());
        let mut data = vec![0; 1024];
        fill(&mut data, 256, DISCOVERY_NQN.as_bytes());
        let (_, cqe) = host.ask(&[(0, &[FABRICS]), (4, &[1])], &data);
        assert_eq!((cqe[0], cqe[14]), (1, 0), "cntlid 1, success");
        host.ask(&[(0, &[FABRICS]), (44, &[0x14]), (48, &[1])], &[]);
        let (_, cqe) = host.ask(&[(0, &[FABRICS]), (4, &[4]), (44, &[0x1c])], &[]);
        assert_eq!(cqe[0], 1, "ready after CC.EN");
        let (identity, _) = host.ask(&[(0, &[IDENTIFY]), (40, &[1])], &[]);
        assert_eq!((identity.len(), identity[111]), (4096, 2));
        let (page, _) = host.ask(&[(0, &[GET_LOG_PAGE]), (40, &[0x70, 0, 3])], &[]);
        assert_eq!(page, [[3, 0, 0, 0, 0, 0, 0, 0], [0xff; 8]].concat());
        assert_eq!(target.reads(), 1);
    }

    #[test]
    fn another_nqn_is_rejected() {
        let target = FakeDiscovery::start(FakeLog::default()).unwrap();
        let mut host = Host::connect(target.port());
        let (_, cqe) = host.ask(&[(0, &[FABRICS]), (4, &[1])], &[0; 1024]);
        assert_ne!(u16::from_le_bytes([cqe[14], cqe[15]]), 0);
    }
}
