//! Ctrl-C while a question is asked, and while the terminal is another program's.

use std::io;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

/// SIGINT and SIGQUIT end the process in order, and not while a child has the terminal: they are
/// meant for that then.
#[derive(Debug)]
pub(crate) struct Interrupts {
    child: Arc<AtomicBool>,
}

impl Interrupts {
    /// From now on, for the rest of the process. Should that not be possible they end it as ever.
    pub(crate) fn watch() -> Self {
        let child = Arc::new(AtomicBool::new(false));
        let (ready, is_ready) = mpsc::channel();
        let seen = Arc::clone(&child);
        let thread = thread::Builder::new().name("signals".to_owned());
        let spawned = thread.spawn(move || {
            // Dropping `ready` wakes the caller in any case.
            let _ = heed(&seen, &ready);
        });
        if spawned.is_ok() {
            let _ = is_ready.recv();
        }
        Self { child }
    }

    /// Runs a child that has the terminal.
    ///
    /// # Errors
    /// It cannot be run.
    pub(crate) fn leave_to(&self, child: &mut Command) -> io::Result<std::process::ExitStatus> {
        self.child.store(true, Ordering::SeqCst);
        let status = child.status();
        self.child.store(false, Ordering::SeqCst);
        status
    }
}

fn heed(child: &AtomicBool, ready: &mpsc::Sender<()>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut quit = signal(SignalKind::quit())?;
        let _ = ready.send(());
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = quit.recv() => {}
            }
            if !child.load(Ordering::SeqCst) {
                // A question hides it.
                let _ = dialoguer::console::Term::stderr().show_cursor();
                std::process::exit(130);
            }
        }
    })
}
