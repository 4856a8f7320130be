//! The host's end of the line to the guest agent.

#[path = "../../crates/nvmf-testkit/src/agent.rs"]
#[expect(
    unreachable_pub,
    reason = "the file belongs to nvmf-testkit, where all of it is public"
)]
mod agent;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use agent::{Ask, Event, Reply, Request};
pub(crate) use agent::{Exit, PORT, Run, Stream};

/// How much longer than a program's own time limit its end is waited for.
const GRACE: Duration = Duration::from_secs(20);

/// A line to a guest's agent. Programs may run at once, from several threads.
#[derive(Debug)]
pub(crate) struct Guest {
    writer: Mutex<UnixStream>,
    routes: Routes,
    next: AtomicU64,
}

type Routes = Arc<Mutex<Option<BTreeMap<u64, Sender<Event>>>>>;

/// Why a program's end was not heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The machine is gone.
    Gone,
    /// The machine is there but does not answer.
    Silent,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gone => "the guest went away",
            Self::Silent => "the guest does not answer any more",
        })
    }
}

impl std::error::Error for Lost {}

impl Guest {
    /// Takes the line and waits until the agent says hello.
    pub(crate) fn connect(stream: UnixStream, limit: Duration) -> anyhow::Result<Self> {
        let (sender, hello) = mpsc::channel();
        let routes: Routes = Arc::new(Mutex::new(Some(BTreeMap::from([(0, sender)]))));
        let reader = stream.try_clone()?;
        let shared = Arc::clone(&routes);
        thread::spawn(move || route(reader, &shared));
        match hello.recv_timeout(limit) {
            Ok(_) => Ok(Self {
                writer: Mutex::new(stream),
                routes,
                next: AtomicU64::new(1),
            }),
            Err(RecvTimeoutError::Timeout) => Err(Lost::Silent.into()),
            Err(RecvTimeoutError::Disconnected) => Err(Lost::Gone.into()),
        }
    }

    /// Runs a program to its end; `each` gets its lines as they come.
    pub(crate) fn run(&self, run: Run, mut each: impl FnMut(Stream, &str)) -> Result<Exit, Lost> {
        let until = run
            .timeout_ms
            .map(|ms| Instant::now() + Duration::from_millis(ms) + GRACE);
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let events = self.ask(id, Ask::Run(run))?;
        loop {
            let event = match until {
                Some(until) => events.recv_timeout(until.saturating_duration_since(Instant::now())),
                None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match event {
                Ok(Event::Line { stream, text }) => each(stream, &text),
                Ok(Event::Exit(exit)) => {
                    self.forget(id);
                    return Ok(exit);
                }
                Ok(Event::Hello { .. }) => {}
                Err(RecvTimeoutError::Timeout) => {
                    self.forget(id);
                    return Err(Lost::Silent);
                }
                Err(RecvTimeoutError::Disconnected) => return Err(Lost::Gone),
            }
        }
    }

    /// Runs a shell command of ours that must succeed; what it says is only of interest if it fails.
    pub(crate) fn script(&self, script: &str, limit: Duration) -> anyhow::Result<()> {
        let run = Run {
            argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
            timeout_ms: u64::try_from(limit.as_millis()).ok(),
            ..Run::default()
        };
        let mut said = String::new();
        let exit = self.run(run, |_, line| {
            said.push('\n');
            said.push_str(line);
        })?;
        anyhow::ensure!(exit.success(), "`{script}` in the guest: {exit}{said}");
        Ok(())
    }

    fn ask(&self, id: u64, ask: Ask) -> Result<Receiver<Event>, Lost> {
        let (sender, receiver) = mpsc::channel();
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.as_mut().ok_or(Lost::Gone)?.insert(id, sender);
        drop(routes);
        let mut line = serde_json::to_vec(&Request { id, ask }).map_err(|_| Lost::Gone)?;
        line.push(b'\n');
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.write_all(&line).map_err(|_| Lost::Gone)?;
        Ok(receiver)
    }

    fn forget(&self, id: u64) {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(routes) = routes.as_mut() {
            routes.remove(&id);
        }
    }
}

/// Hands every reply to the request it answers, until the machine is gone; then all hang up.
fn route(stream: UnixStream, routes: &Routes) {
    for line in BufReader::new(stream).lines() {
        let Ok(line) = line else { break };
        // A line torn by a machine that died is no reply.
        let Ok(reply) = serde_json::from_str::<Reply>(&line) else {
            continue;
        };
        let routes = routes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = routes.as_ref().and_then(|routes| routes.get(&reply.id)) {
            // Nobody listens any more: a request that timed out.
            let _ = sender.send(reply.event);
        }
    }
    *routes.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Guest, BufReader<UnixStream>, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut writer = theirs.try_clone().unwrap();
        writer
            .write_all(b"{\"id\":0,\"event\":{\"hello\":{\"uptime_ms\":1}}}\n")
            .unwrap();
        let guest = Guest::connect(ours, Duration::from_secs(5)).unwrap();
        (guest, BufReader::new(theirs), writer)
    }

    #[test]
    fn lines_arrive_before_the_exit() {
        let (guest, mut requests, mut replies) = pair();
        let agent = thread::spawn(move || {
            let mut line = String::new();
            requests.read_line(&mut line).unwrap();
            assert!(line.contains(r#""argv":["true"]"#), "{line}");
            let text = "{\"id\":1,\"event\":{\"line\":{\"stream\":\"out\",\"text\":\"hi\"}}}\n\
                        no json\n{\"id\":9,\"event\":{\"exit\":{\"status\":0}}}\n\
                        {\"id\":1,\"event\":{\"exit\":{\"status\":4}}}\n";
            replies.write_all(text.as_bytes()).unwrap();
        });
        let mut lines = Vec::new();
        let run = Run {
            argv: vec!["true".to_owned()],
            ..Run::default()
        };
        let exit = guest
            .run(run, |_, line| lines.push(line.to_owned()))
            .unwrap();
        agent.join().unwrap();
        assert_eq!((exit, lines), (Exit::Status(4), vec!["hi".to_owned()]));
    }

    #[test]
    fn a_machine_that_goes_away_ends_every_run() {
        let (guest, requests, replies) = pair();
        drop((requests, replies));
        assert_eq!(guest.run(Run::default(), |_, _| {}), Err(Lost::Gone));
        assert_eq!(guest.run(Run::default(), |_, _| {}), Err(Lost::Gone));
    }
}
