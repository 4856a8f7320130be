//! The end of whoever reads the standard output.

use std::io;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// Ends the process, as if it had done all, when the reader of the standard output goes: a command
/// that waits for something to show would not notice before there is something. For commands that
/// change nothing.
pub(crate) fn exit_when_nobody_reads() {
    let thread = thread::Builder::new().name("reader".to_owned());
    // Without the thread, the next line that cannot be written ends the command.
    let _ = thread.spawn(|| {
        let stdout = io::stdout();
        loop {
            // Errors and hang-ups are reported without being asked for.
            match poll(&mut [PollFd::new(&stdout, PollFlags::empty())], None) {
                Ok(_) => std::process::exit(0),
                Err(Errno::INTR) => {}
                Err(_) => return,
            }
        }
    });
}
