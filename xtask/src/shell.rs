//! The user's terminal, connected to a root shell on the guest's hvc0.

use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use anyhow::bail;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use crate::guest::Run;
use crate::session::Vm;
use crate::{out, stage};

/// Ctrl-], which leaves.
const LEAVE: u8 = 0x1d;

/// Starts a login shell in the guest and connects the terminal to it, until the shell ends or the
/// user presses Ctrl-].
pub(crate) fn open(vm: &mut Vm) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() {
        bail!("a shell in the guest needs a terminal on standard input");
    }
    let line = vm.qemu.shell()?;
    let guest = &vm.guest;
    let login = login();
    out::line("root shell in the guest; Ctrl-] leaves, and the guest goes away");
    thread::scope(|scope| {
        let (ended, end) = UnixStream::pair()?;
        scope.spawn(move || {
            // However it ended, dropping our end of the pair says so.
            let _ = guest.run(login, |_, _| {});
            drop(ended);
        });
        let raw = Raw::enter()?;
        let connected = connect(&line, &end);
        drop(raw);
        out::line("");
        // After Ctrl-] the shell still runs; a guest that is gone has none.
        let _ = guest.script("pkill -KILL -t hvc0 || :", Duration::from_secs(10));
        connected
    })
}

/// The shell in the guest: a session of its own on hvc0, as large as our terminal.
fn login() -> Run {
    let size = tcgetwinsize(io::stdin())
        .ok()
        .filter(|size| size.ws_row > 0 && size.ws_col > 0);
    let (rows, columns) = size.map_or((24, 80), |size| (size.ws_row, size.ws_col));
    let script = format!(
        "stty rows {rows} cols {columns} sane </dev/hvc0; cd /root; \
         exec setsid -c -w bash -li </dev/hvc0 >/dev/hvc0 2>&1"
    );
    let mut env = stage::environment();
    env.insert(
        "TERM".to_owned(),
        std::env::var("TERM").unwrap_or_else(|_| "vt100".to_owned()),
    );
    Run {
        argv: vec!["sh".to_owned(), "-c".to_owned(), script],
        env,
        ..Run::default()
    }
}

/// Copies in both directions until the guest, the shell or the user ends it.
fn connect(line: &UnixStream, end: &UnixStream) -> anyhow::Result<()> {
    let (stdin, mut stdout) = (io::stdin(), io::stdout());
    let mut buffer = [0; 4096];
    loop {
        let mut fds = [
            PollFd::new(&stdin, PollFlags::IN),
            PollFd::new(line, PollFlags::IN),
            PollFd::new(end, PollFlags::IN),
        ];
        poll(&mut fds, None)?;
        let [typed, said, ended] = fds.map(|fd| !fd.revents().is_empty());
        if said {
            let n = (&*line).read(&mut buffer)?;
            if n == 0 {
                return Ok(());
            }
            stdout.write_all(buffer.get(..n).unwrap_or_default())?;
            stdout.flush()?;
        } else if ended {
            return Ok(());
        }
        if typed {
            let n = rustix::io::read(&stdin, &mut buffer)?;
            let bytes = buffer.get(..n).unwrap_or_default();
            if n == 0 || bytes.contains(&LEAVE) {
                return Ok(());
            }
            (&*line).write_all(bytes)?;
        }
    }
}

/// The terminal in raw mode, until this is dropped.
struct Raw(Termios);

impl Raw {
    fn enter() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Flush, &raw)?;
        Ok(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that is gone needs no restoring.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}
