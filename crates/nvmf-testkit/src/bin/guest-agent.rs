//! Runs inside the guest and does what the host asks for; see [`nvmf_testkit::agent`].

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow};
use nvmf_testkit::agent::{Ask, Event, Exit, PORT, Reply, Request, Run, Stream};
use rustix::process::{Pid, Signal, kill_process_group};

/// How long output is still read after a program ended whose children hold its pipes open.
const LINGER: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    if let Err(error) = nvmf_testkit::steady::keep() {
        let _ = writeln!(
            io::stderr(),
            "guest-agent: no network block device: {error}"
        );
    }
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The journal is the only reader, and standard error goes there.
            let _ = writeln!(io::stderr(), "guest-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> anyhow::Result<()> {
    let path = port_device(Path::new("/sys/class/virtio-ports"))?;
    let port = File::options()
        .read(true)
        .write(true)
        .open(&path)
        .with_context(|| format!("cannot open `{}`", path.display()))?;
    let wire = Wire(Arc::new(Mutex::new(port.try_clone()?)));
    wire.send(
        0,
        Event::Hello {
            uptime_ms: uptime_ms(),
        },
    );
    for line in BufReader::new(port).lines() {
        let line = line.context("cannot read from the host")?;
        match serde_json::from_str::<Request>(&line) {
            Ok(Request {
                id,
                ask: Ask::Hello,
            }) => {
                wire.send(
                    id,
                    Event::Hello {
                        uptime_ms: uptime_ms(),
                    },
                );
            }
            Ok(Request {
                id,
                ask: Ask::Run(run),
            }) => {
                let wire = wire.clone();
                thread::spawn(move || {
                    let exit = execute(&run, &|event| wire.send(id, event));
                    wire.send(id, Event::Exit(exit));
                });
            }
            Err(error) => {
                let _ = writeln!(io::stderr(), "guest-agent: `{line}` is no request: {error}");
            }
        }
    }
    Ok(())
}

/// The device node of our port. Found through sysfs, so that no udev rule must have run before.
fn port_device(class: &Path) -> anyhow::Result<PathBuf> {
    for entry in fs::read_dir(class).with_context(|| format!("no `{}`", class.display()))? {
        let entry = entry?;
        let name = fs::read_to_string(entry.path().join("name")).unwrap_or_default();
        if name.trim_end() == PORT {
            return Ok(Path::new("/dev").join(entry.file_name()));
        }
    }
    Err(anyhow!("no virtio serial port is called `{PORT}`"))
}

/// The one writer to the host, shared by all requests: a line is never torn.
#[derive(Clone)]
struct Wire(Arc<Mutex<File>>);

impl Wire {
    fn send(&self, id: u64, event: Event) {
        let Ok(mut line) = serde_json::to_string(&Reply { id, event }) else {
            return;
        };
        line.push('\n');
        let mut port = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A host that went away takes this machine with it; there is nobody left to tell.
        let _ = port.write_all(line.as_bytes());
    }
}

/// Runs one program to its end, or to the end of its time, and tells every line it writes.
fn execute(run: &Run, tell: &(dyn Fn(Event) + Sync)) -> Exit {
    let Some((program, arguments)) = run.argv.split_first() else {
        return Exit::NotStarted("empty argv".to_owned());
    };
    let spawned = Command::new(program)
        .args(arguments)
        .envs(&run.env)
        .current_dir(run.cwd.as_deref().unwrap_or("/"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return Exit::NotStarted(format!("`{program}`: {error}")),
    };
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (lines, output) = mpsc::channel();
    if let Some(pipe) = child.stdout.take() {
        read_lines(pipe, Stream::Out, lines.clone());
    }
    if let Some(pipe) = child.stderr.take() {
        read_lines(pipe, Stream::Err, lines.clone());
    }
    thread::spawn(move || {
        let status = child.wait();
        let _ = lines.send(Heard::Ended(status));
    });
    follow(
        &output,
        group,
        run.timeout_ms.map(Duration::from_millis),
        tell,
    )
}

/// What the helper threads of one program report.
enum Heard {
    Line(Stream, String),
    Ended(io::Result<ExitStatus>),
}

fn follow(
    output: &mpsc::Receiver<Heard>,
    group: Option<Pid>,
    timeout: Option<Duration>,
    tell: &(dyn Fn(Event) + Sync),
) -> Exit {
    let started = std::time::Instant::now();
    let mut exit = None;
    let mut until = timeout;
    loop {
        let heard = match until {
            Some(limit) => output.recv_timeout(limit.saturating_sub(started.elapsed())),
            None => output.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match heard {
            Ok(Heard::Line(stream, text)) => tell(Event::Line { stream, text }),
            Ok(Heard::Ended(status)) => {
                exit.get_or_insert_with(|| how_it_ended(status));
                // What it left running must not outlive it, and gets no say in what follows.
                kill_group(group);
                until = Some(started.elapsed() + LINGER);
            }
            Err(RecvTimeoutError::Timeout) if exit.is_none() => {
                exit = Some(Exit::TimedOut);
                kill_group(group);
                until = Some(started.elapsed() + LINGER);
            }
            Err(_) => return exit.unwrap_or(Exit::TimedOut),
        }
    }
}

fn how_it_ended(status: io::Result<ExitStatus>) -> Exit {
    match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => Exit::Status(code),
            (None, signal) => Exit::Signal(signal.unwrap_or_default()),
        },
        Err(error) => Exit::NotStarted(format!("cannot wait for it: {error}")),
    }
}

fn kill_group(group: Option<Pid>) {
    if let Some(group) = group {
        // ESRCH: nothing is left, which is what was wanted.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

fn read_lines(pipe: impl Read + Send + 'static, stream: Stream, lines: Sender<Heard>) {
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line));
            if lines.send(Heard::Line(stream, text.into_owned())).is_err() {
                return;
            }
            line.clear();
        }
    });
}

/// Milliseconds since boot, 0 if `/proc` cannot be read.
fn uptime_ms() -> u64 {
    let text = fs::read_to_string("/proc/uptime").unwrap_or_default();
    let (seconds, rest) = text.split_once('.').unwrap_or((&text, ""));
    let hundredths = rest
        .get(..2)
        .and_then(|digits| digits.parse::<u64>().ok())
        .unwrap_or(0);
    seconds.trim().parse::<u64>().unwrap_or(0) * 1000 + hundredths * 10
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, Timespec};
    use rustix::process::PidfdFlags;

    use super::*;

    fn run(argv: &[&str], timeout_ms: Option<u64>) -> (Exit, Vec<(Stream, String)>) {
        let seen = Mutex::new(Vec::new());
        let argv = argv.iter().map(|&word| word.to_owned()).collect();
        let exit = execute(
            &Run {
                argv,
                timeout_ms,
                ..Run::default()
            },
            &|event| {
                if let Event::Line { stream, text } = event {
                    seen.lock().unwrap().push((stream, text));
                }
            },
        );
        (exit, seen.into_inner().unwrap())
    }

    #[test]
    fn both_streams_and_the_status_arrive() {
        let (exit, lines) = run(
            &["sh", "-c", "echo out; echo err >&2; printf last; exit 3"],
            None,
        );
        assert_eq!(exit, Exit::Status(3));
        assert!(
            lines.contains(&(Stream::Out, "out".to_owned())),
            "{lines:?}"
        );
        assert!(
            lines.contains(&(Stream::Out, "last".to_owned())),
            "{lines:?}"
        );
        assert!(
            lines.contains(&(Stream::Err, "err".to_owned())),
            "{lines:?}"
        );
    }

    #[test]
    fn a_program_that_takes_too_long_is_killed_with_its_children() {
        let started = std::time::Instant::now();
        let (exit, lines) = run(&["sh", "-c", "sleep 60 & echo $!; wait"], Some(2000));
        assert_eq!(exit, Exit::TimedOut);
        assert!(started.elapsed() < Duration::from_secs(20));
        let child = &lines.first().expect("the child's pid").1;
        let child = child.parse().ok().and_then(Pid::from_raw).expect("a pid");
        // No such process, or one that ends within the time.
        if let Ok(end) = rustix::process::pidfd_open(child, PidfdFlags::empty()) {
            let mut ends = [PollFd::new(&end, PollFlags::IN)];
            let within = Timespec {
                tv_sec: 10,
                tv_nsec: 0,
            };
            let ended = rustix::event::poll(&mut ends, Some(&within)).expect("poll");
            assert_eq!(ended, 1, "still there");
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let (exit, _) = run(&["/no/such/program"], None);
        assert!(matches!(&exit, Exit::NotStarted(why) if why.contains("/no/such/program")));
        assert!(matches!(run(&[], None).0, Exit::NotStarted(_)));
    }

    #[test]
    fn a_signal_is_told_from_a_status() {
        assert_eq!(
            run(&["sh", "-c", "kill -TERM $$"], None).0,
            Exit::Signal(15)
        );
    }

    #[test]
    fn the_port_is_found_by_its_name() {
        let class = std::env::temp_dir().join(format!("guest-agent-{}", std::process::id()));
        for (device, name) in [("vport0p0", "other"), ("vport0p2", PORT)] {
            fs::create_dir_all(class.join(device)).unwrap();
            fs::write(class.join(device).join("name"), format!("{name}\n")).unwrap();
        }
        let found = port_device(&class);
        fs::remove_dir_all(&class).unwrap();
        assert_eq!(found.unwrap(), Path::new("/dev/vport0p2"));
    }
}
