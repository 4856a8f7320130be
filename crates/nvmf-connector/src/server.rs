//! Clients, and the way of a request through probe and writer.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use nvmf::Root;
use nvmf::connect::Existing;
use nvmf_types::ControllerClass;
use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;

use crate::attempt::Attempt;
use crate::disconnect::disconnect;
use crate::listener::Listener;
use crate::pool::Pool;
use crate::protocol::{Call, MAX_LINE, Outcome, Request, Response};
use crate::targets::Targets;

/// Takes a line for the log.
pub type Log = fn(fmt::Arguments<'_>);

/// The connector. Cheap to clone; all clones share the one writer.
#[derive(Clone, Debug)]
pub struct Server(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    root: Root,
    log: Log,
    probes: Pool,
    targets: Targets,
    writer: Pool,
    deletes: Pool,
    clients: AtomicUsize,
    /// Targets that kept the kernel's mutex for long the last time: they come last.
    hung: Mutex<BTreeSet<String>>,
    /// What was connected when the writer looked last.
    existing: Mutex<Existing>,
}

/// Probes under way at once.
const PROBES: usize = 64;
/// Deletes under way at once; the kernel does these in parallel.
const DELETES: usize = 4;
/// Clients at once. The daemon is one.
const CLIENTS: usize = 32;
/// A connect that fails after this long marks its target as one that hangs.
const HUNG: Duration = Duration::from_secs(5);

impl Server {
    /// A connector that works below `root`. Nothing runs yet.
    #[must_use]
    pub fn new(root: Root, log: Log) -> Self {
        Self(Arc::new(Shared {
            root,
            log,
            probes: Pool::new("probe", PROBES),
            targets: Targets::default(),
            writer: Pool::new("writer", 1),
            deletes: Pool::new("delete", DELETES),
            clients: AtomicUsize::new(0),
            hung: Mutex::default(),
            existing: Mutex::default(),
        }))
    }

    /// Accepts clients for ever.
    ///
    /// # Errors
    /// The socket cannot be accepted from any more.
    pub fn serve(&self, listener: &Listener) -> io::Result<()> {
        loop {
            match listener.0.accept() {
                Ok((stream, _)) => {
                    if let Err(error) = self.admit(stream) {
                        (self.0.log)(format_args!("client turned away: {error}"));
                    }
                }
                Err(error) if passes(&error) => {
                    (self.0.log)(format_args!("cannot accept a client: {error}"));
                    // out of descriptors or memory: not at full speed
                    thread::sleep(Duration::from_millis(100));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Serves one client on threads of its own, if it is root.
    ///
    /// # Errors
    /// The peer is somebody else, there are too many clients, or no thread to be had.
    pub fn admit(&self, stream: UnixStream) -> io::Result<()> {
        let peer = socket_peercred(&stream)?.uid;
        if !peer.is_root() && peer != geteuid() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let taken = self.0.clients.fetch_add(1, Ordering::Relaxed);
        let client = Admitted(Arc::clone(&self.0));
        if taken >= CLIENTS {
            return Err(io::Error::other("too many clients"));
        }
        let reader = stream.try_clone()?;
        let (answers, outbox) = mpsc::channel();
        let open = Arc::new(AtomicBool::new(true));
        thread::Builder::new()
            .name("answers".to_owned())
            .spawn(move || send_answers(&outbox, stream))?;
        thread::Builder::new()
            .name("requests".to_owned())
            .spawn(move || {
                let shared = &client.0;
                read_requests(reader, |request| {
                    let answer = Answer::new(request.id, &answers, &open);
                    shared.take(request.call, answer);
                });
                open.store(false, Ordering::Relaxed);
            })?;
        Ok(())
    }
}

impl Shared {
    fn take(self: &Arc<Self>, call: Call, answer: Answer) {
        let shared = Arc::clone(self);
        match call {
            Call::Connect(call) => self.probe(Attempt::new(call), answer),
            Call::Disconnect(call) => self.deletes.run(0, move || {
                let outcome = disconnect(&shared.root, &call);
                (shared.log)(format_args!("{}: {outcome}", call.device));
                answer.send(outcome);
            }),
        }
    }

    fn probe(self: &Arc<Self>, mut attempt: Attempt, answer: Answer) {
        let shared = Arc::clone(self);
        self.probes.run(0, move || {
            if answer.is_wanted() {
                match attempt.probe(&shared.root, &shared.targets) {
                    Err(outcome) => answer.send(outcome),
                    Ok(()) => shared.queue(attempt, answer),
                }
            }
        });
    }

    fn queue(self: &Arc<Self>, mut attempt: Attempt, answer: Answer) {
        let shared = Arc::clone(self);
        self.writer.run(self.priority(&attempt), move || {
            if answer.is_wanted() {
                match shared.write(&mut attempt) {
                    Some(outcome) => {
                        // who asks tells of it
                        if !answer.is_wanted() {
                            let name = attempt.name();
                            (shared.log)(format_args!("{name}: {outcome}; who asked is gone"));
                        }
                        answer.send(outcome);
                    }
                    None => shared.probe(attempt, answer),
                }
            }
        });
    }

    /// The one place from which the kernel is asked to connect; only the writer comes here.
    fn write(&self, attempt: &mut Attempt) -> Option<Outcome> {
        let name = attempt.name();
        let before = Instant::now();
        let outcome = {
            let existing = self.existing.lock();
            let mut existing = existing.unwrap_or_else(PoisonError::into_inner);
            attempt.connect(&self.root, &mut existing)
        };
        let failed = matches!(outcome, None | Some(Outcome::Failed { .. }));
        let mut hung = self.hung.lock().unwrap_or_else(PoisonError::into_inner);
        if failed && before.elapsed() >= HUNG {
            hung.insert(name);
        } else {
            hung.remove(&name);
        }
        outcome
    }

    fn priority(&self, attempt: &Attempt) -> u8 {
        let hung = self.hung.lock().unwrap_or_else(PoisonError::into_inner);
        match attempt.call.class {
            _ if hung.contains(&attempt.name()) => 2,
            ControllerClass::Discovery => 0,
            ControllerClass::Io => 1,
        }
    }
}

/// A client's place, free again when its requests end.
struct Admitted(Arc<Shared>);

impl Drop for Admitted {
    fn drop(&mut self) {
        self.0.clients.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The answer that a request is owed. Dropped unsent, as by a panic, it says so.
struct Answer {
    id: u64,
    to: mpsc::Sender<Response>,
    open: Arc<AtomicBool>,
    sent: bool,
}

impl Answer {
    fn new(id: u64, to: &mpsc::Sender<Response>, open: &Arc<AtomicBool>) -> Self {
        Self {
            id,
            to: to.clone(),
            open: Arc::clone(open),
            sent: false,
        }
    }

    /// Whether the client is still there. Who comes back asks again.
    fn is_wanted(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    fn send(mut self, outcome: Outcome) {
        self.put(outcome);
    }

    fn put(&mut self, outcome: Outcome) {
        self.sent = true;
        // a client that is gone misses nothing
        let _ = self.to.send(Response {
            id: self.id,
            outcome,
        });
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if !self.sent && self.is_wanted() {
            self.put(Outcome::other("the connector failed inside; see its log"));
        }
    }
}

fn read_requests(stream: UnixStream, mut take: impl FnMut(Request)) {
    let mut input = BufReader::new(stream);
    let mut line = Vec::new();
    let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
    loop {
        line.clear();
        match input.by_ref().take(limit).read_until(b'\n', &mut line) {
            Ok(_) if line.ends_with(b"\n") => {}
            // the end, or a line without one: nothing after it could be trusted
            _ => return,
        }
        match serde_json::from_slice(&line) {
            Ok(request) => take(request),
            // not our client, then; the line may hold a secret, so it is not shown
            Err(_) => return,
        }
    }
}

fn send_answers(outbox: &mpsc::Receiver<Response>, mut stream: UnixStream) {
    for response in outbox {
        let Ok(mut line) = serde_json::to_vec(&response) else {
            break;
        };
        line.push(b'\n');
        if stream.write_all(&line).is_err() {
            break;
        }
    }
    // wakes the reader of a client that takes no answers
    let _ = stream.shutdown(std::net::Shutdown::Both);
}

fn passes(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = Errno::from_io_error(error);
    errno.is_some_and(|e| {
        [
            Errno::MFILE,
            Errno::NFILE,
            Errno::NOMEM,
            Errno::NOBUFS,
            Errno::CONNABORTED,
            Errno::INTR,
        ]
        .contains(&e)
    })
}
