//! A program that is stopped at a moment of its work, so that something can happen at just that
//! moment.
//!
//! Program and watcher share one processor, and the watcher goes first (`SCHED_FIFO`). The kernel
//! tells of the moment (inotify, uevent) from within a system call of the program, and that wakes the
//! watcher: the program does not get to its next instruction before it is told to stop.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;
use rustix::process::{Pid, Signal, kill_process};

use super::{Ran, World};
use crate::files::OrFail;
use crate::registry::REGISTRY;
use crate::uevent::Recorder;

/// How long a moment is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A moment in the work of a program that connects a controller and registers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The kernel has connected it: the program does not know its name yet.
    Connected,
    /// Its entry is begun, under a hidden name.
    EntryBegun,
    /// Its entry is in place.
    EntryInPlace,
}

/// A program that is stopped; killed when dropped.
#[derive(Debug)]
pub struct Stopped {
    child: Option<Child>,
    command: Command,
    started: Instant,
}

impl World {
    /// Starts `nvmf` with these arguments and stops it at a moment. The registry must be there.
    #[track_caller]
    #[must_use]
    pub fn nvmf_stopped_at(&self, moment: Moment, arguments: &[impl AsRef<str>]) -> Stopped {
        let mut command = Command::new("chrt");
        command
            .args(["--other", "0", "nvmf"])
            .args(arguments.iter().map(AsRef::as_ref))
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let (sender, stopped) = mpsc::channel();
        // Of its own: it keeps processor and precedence, and so do programs that it starts.
        let watcher = thread::spawn(move || {
            go_first();
            let mut watch = Watch::start(moment);
            let started = Instant::now();
            let child = command.spawn().or_fail("run nvmf");
            let seen = watch.wait();
            let _ = kill_process(youngest_thread(&child), Signal::STOP);
            let child = Some(child);
            let _ = sender.send(Stopped {
                child,
                command,
                started,
            });
            assert!(seen, "no such moment: {moment:?}");
        });
        let ended = watcher.join();
        let stopped = stopped.recv().or_fail("stop nvmf");
        if ended.is_err() {
            panic!("{}", stopped.go_on());
        }
        stopped
    }
}

impl Stopped {
    /// Has the program go on to its end.
    #[track_caller]
    #[must_use]
    pub fn go_on(mut self) -> Ran {
        let child = self.child.take().or_fail("go on twice");
        signal(&child, Signal::CONT).or_fail("go on");
        let output = child.wait_with_output().or_fail("wait for nvmf");
        Ran::new(&self.command, &output, self.started.elapsed())
    }

    /// Whether it is stopped indeed, and not at its end.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        let id = self.child.as_ref().map_or(0, Child::id);
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let state = stat
            .rsplit_once(") ")
            .and_then(|(_, rest)| rest.chars().next());
        state == Some('T')
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Binds this thread, and what it starts, to one processor, where it goes before every ordinary
/// program and before the kernel's own workers.
#[track_caller]
pub(crate) fn go_first() {
    let thread = fs::read_link("/proc/thread-self").or_fail("find this thread");
    let id = thread.file_name().unwrap_or_default();
    for words in [
        &["taskset", "--pid", "--cpu-list", "0"][..],
        &["chrt", "--fifo", "--pid", "50"],
    ] {
        let (program, arguments) = words.split_first().or_fail("read the words");
        let done = Command::new(program).args(arguments).arg(id).output();
        let done = done.or_fail(format_args!("run {program}"));
        assert!(done.status.success(), "{words:?}: {done:?}");
    }
}

/// The thread that was started last: it is the one that connects. A signal to it stops them all, but
/// it at once (Linux `kernel/signal.c`, `complete_signal`: the thread that was named is told).
fn youngest_thread(child: &Child) -> Pid {
    let tasks = fs::read_dir(format!("/proc/{}/task", child.id())).or_fail("list the threads");
    let names = tasks.filter_map(|task| task.ok()?.file_name().into_string().ok());
    let id = names.filter_map(|name| name.parse().ok()).max();
    id.and_then(Pid::from_raw).or_fail("have a thread")
}

fn signal(child: &Child, signal: Signal) -> rustix::io::Result<()> {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    kill_process(id.or_fail("have a process id"), signal)
}

/// What tells of a moment.
enum Watch {
    Uevents(Recorder),
    Names(std::os::fd::OwnedFd, fn(&[u8]) -> bool),
}

impl Watch {
    fn start(moment: Moment) -> Self {
        let names = |flags, tells| {
            let watch = inotify::init(inotify::CreateFlags::CLOEXEC).or_fail("use inotify");
            inotify::add_watch(&watch, REGISTRY, flags).or_fail("watch the registry");
            Self::Names(watch, tells)
        };
        match moment {
            Moment::Connected => Self::Uevents(Recorder::start().or_fail("listen to uevents")),
            Moment::EntryBegun => names(inotify::WatchFlags::CREATE, |name| {
                name.starts_with(b".nvme")
            }),
            Moment::EntryInPlace => names(inotify::WatchFlags::MOVED_TO, |name| {
                name.starts_with(b"nvme")
            }),
        }
    }

    /// Waits for the moment; `false`: it did not come.
    fn wait(&mut self) -> bool {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            match self {
                Self::Uevents(recorder) => {
                    recorder.wait(until.saturating_duration_since(Instant::now()));
                    let connected =
                        |it: &crate::uevent::Uevent| it.property("NVME_EVENT") == Some("connected");
                    if recorder.seen().iter().any(connected) {
                        return true;
                    }
                }
                Self::Names(watch, tells) => {
                    let second = Timespec {
                        tv_sec: 1,
                        tv_nsec: 0,
                    };
                    let mut ready = [PollFd::new(watch, PollFlags::IN)];
                    if poll(&mut ready, Some(&second)).is_ok_and(|ready| ready > 0)
                        && read_names(watch).iter().any(|name| tells(name))
                    {
                        return true;
                    }
                }
            }
        }
        false
    }
}

/// The names in the events that have come.
fn read_names(watch: &std::os::fd::OwnedFd) -> Vec<Vec<u8>> {
    let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
    let mut reader = inotify::Reader::new(watch, &mut buffer);
    let mut names = Vec::new();
    loop {
        match reader.next() {
            Ok(event) => names.extend(event.file_name().map(|it| it.to_bytes().to_vec())),
            Err(_) => return names,
        }
        if reader.is_buffer_empty() {
            return names;
        }
    }
}
