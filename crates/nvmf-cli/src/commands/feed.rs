//! What wakes a command that shows, or waits for, how things are.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use futures_core::Stream;
use nvmf::uevent::{Received, Socket};
use rustix::event::{PollFd, PollFlags, poll};
use tokio::signal::unix::{SignalKind, signal};
use zbus::connection::Builder;
use zbus::message::Type;
use zbus::{Connection, MatchRule, MessageStream};

const NAME: &str = "org.nvmexpress.Discoverd1";
const PATH: &str = "/org/nvmexpress/discoverd";

/// Why a command goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// Something changed: the daemon says so, or the kernel.
    Changed,
    /// The time is over.
    Time,
    /// The user has seen enough (SIGINT), or the process is to end.
    Stop,
}

/// Changes from now on, and the end.
#[derive(Debug)]
pub(crate) struct Feed {
    inbox: Receiver<Wake>,
    /// So that the channel never ends; tests put wakes here.
    inputs: Sender<Wake>,
}

impl Feed {
    /// Listens to the daemon's signals, to the kernel's uevents, and to whoever wants this process
    /// to end. What cannot be listened to is not: commands look by themselves now and then.
    pub(crate) fn start() -> Self {
        let (inputs, inbox) = mpsc::channel();
        let (ready, is_ready) = mpsc::channel();
        let to = inputs.clone();
        let signals = thread::Builder::new().name("feed".to_owned());
        let spawned = signals.spawn(move || {
            // dropping `ready` wakes the caller in any case
            let _ = listen(&to, ready);
        });
        if spawned.is_ok() {
            let _ = is_ready.recv();
        }
        if let Ok(socket) = Socket::open() {
            let to = inputs.clone();
            let kernel = thread::Builder::new().name("uevents".to_owned());
            let _ = kernel.spawn(move || uevents(&socket, &to));
        }
        Self { inbox, inputs }
    }

    /// Waits for what comes next, for `at_most`; several changes are one.
    pub(crate) fn next(&self, at_most: Duration) -> Wake {
        let mut wake = match self.inbox.recv_timeout(at_most) {
            Ok(wake) => wake,
            // cannot end: it has an input of its own
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Wake::Time,
        };
        while wake != Wake::Stop
            && let Ok(next) = self.inbox.try_recv()
        {
            wake = next;
        }
        wake
    }

    /// Lets the time go by, and whatever changes; `false`: the end came before.
    pub(crate) fn rest(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut changed = false;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.next(left) {
                Wake::Stop => return false,
                Wake::Changed => changed = true,
                Wake::Time => break,
            }
        }
        if changed {
            // not forgotten
            let _ = self.inputs.send(Wake::Changed);
        }
        true
    }

    #[cfg(test)]
    pub(crate) fn put(&self, wake: Wake) {
        self.inputs.send(wake).unwrap();
    }

    #[cfg(test)]
    pub(crate) fn scripted(wakes: &[Wake]) -> Self {
        let (inputs, inbox) = mpsc::channel();
        for wake in wakes {
            inputs.send(*wake).unwrap();
        }
        Self { inbox, inputs }
    }
}

/// The bus and the process's signals, until nobody listens.
fn listen(to: &Sender<Wake>, ready: Sender<()>) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        drop(ready);
        let mut daemon = pin!(daemon(to));
        let mut listens = true;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
                _ = &mut daemon, if listens => {
                    listens = false;
                    continue;
                }
            }
            if to.send(Wake::Stop).is_err() {
                return Ok(());
            }
        }
    })
}

/// Tells of each signal of the daemon, and that it came or went, while there is a bus.
async fn daemon(to: &Sender<Wake>) -> zbus::Result<()> {
    let bus = Builder::system().build().await?;
    let heard = subscribe(&bus).await?;
    forward(heard, to).await
}

/// The signals of the daemon's objects, and those that it comes or goes.
async fn subscribe(bus: &Connection) -> zbus::Result<[MessageStream; 2]> {
    let signals = MatchRule::builder()
        .msg_type(Type::Signal)
        .path_namespace(PATH)
        .build()?;
    let owner = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender("org.freedesktop.DBus")
        .member("NameOwnerChanged")
        .arg(0, NAME)
        .build()?;
    Ok([
        MessageStream::for_match_rule(signals, bus, None).await?,
        MessageStream::for_match_rule(owner, bus, None).await?,
    ])
}

/// Until the bus ends, or nobody listens.
async fn forward(heard: [MessageStream; 2], to: &Sender<Wake>) -> zbus::Result<()> {
    let [mut signals, mut owner] = heard;
    loop {
        let next = tokio::select! {
            // what came before the end is heard
            biased;
            next = next(&mut signals) => next,
            next = next(&mut owner) => next,
        };
        match next {
            Some(Ok(_)) if to.send(Wake::Changed).is_ok() => {}
            _ => return Ok(()),
        }
    }
}

async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await
}

/// Tells of each event of a controller.
fn uevents(socket: &Socket, to: &Sender<Wake>) {
    loop {
        match poll(&mut [PollFd::new(socket, PollFlags::IN)], None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
        loop {
            let told = match socket.recv() {
                Ok(Received::Event(event)) if event.controller().is_some() => {
                    to.send(Wake::Changed)
                }
                Ok(Received::Overflow) => to.send(Wake::Changed),
                Ok(_) => continue,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(_) => return,
            };
            if told.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn changes_are_one_and_the_end_is_not_overheard() {
        let feed = Feed::scripted(&[Wake::Changed, Wake::Changed]);
        assert_eq!(feed.next(LONG), Wake::Changed);
        assert_eq!(feed.next(Duration::ZERO), Wake::Time);
        let feed = Feed::scripted(&[Wake::Changed, Wake::Stop, Wake::Changed]);
        assert_eq!(feed.next(LONG), Wake::Stop);
        assert_eq!(feed.next(LONG), Wake::Changed);
    }

    #[test]
    fn a_rest_forgets_nothing() {
        let feed = Feed::scripted(&[Wake::Changed]);
        assert!(feed.rest(Duration::ZERO));
        assert_eq!(feed.next(LONG), Wake::Changed);
        let feed = Feed::scripted(&[Wake::Changed, Wake::Stop]);
        assert!(!feed.rest(LONG));
    }

    /// By the daemon's own objects only, however deep.
    #[tokio::test]
    async fn the_daemons_signals_are_changes() {
        let (daemon, client) = UnixStream::pair().unwrap();
        let daemon = Builder::unix_stream(daemon)
            .server(zbus::Guid::generate())
            .p2p();
        let client = Builder::unix_stream(client).p2p();
        let (daemon, client) = tokio::join!(daemon.build(), client.build());
        let (daemon, client) = (daemon.unwrap(), client.unwrap());
        let (inputs, inbox) = mpsc::channel();
        let heard = subscribe(&client).await.unwrap();
        let told = async {
            let properties = "org.freedesktop.DBus.Properties";
            for path in ["/elsewhere", PATH, &format!("{PATH}/controller_1")] {
                let signal =
                    daemon.emit_signal(None::<&str>, path, properties, "PropertiesChanged", &());
                signal.await.unwrap();
            }
            daemon.close().await.unwrap();
        };
        let (ended, ()) = tokio::join!(forward(heard, &inputs), told);
        ended.unwrap();
        assert_eq!(inbox.try_iter().collect::<Vec<_>>(), [Wake::Changed; 2]);
    }
}
