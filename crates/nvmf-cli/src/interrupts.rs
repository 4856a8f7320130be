//! Ctrl-C at a question, and while the terminal is another program's.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Once, mpsc};
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

static WATCHED: Once = Once::new();
/// How many questions wait for an answer.
static QUESTIONS: AtomicUsize = AtomicUsize::new(0);
static ONLY_AT_QUESTIONS: AtomicBool = AtomicBool::new(false);

/// A question that is on the terminal. SIGINT and SIGQUIT end the process in order then: the
/// cursor, which questions hide, comes back.
#[derive(Debug)]
pub(crate) struct Question;

impl Question {
    /// From now on.
    pub(crate) fn begin() -> Self {
        QUESTIONS.fetch_add(1, Ordering::SeqCst);
        watch();
        Self
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        QUESTIONS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// For the rest of the process they end it at questions only: what else arrives is meant for a
/// child that has the terminal.
pub(crate) fn only_at_questions() {
    ONLY_AT_QUESTIONS.store(true, Ordering::SeqCst);
    watch();
}

/// Catches them from now on. Should that not be possible they end the process as ever.
fn watch() {
    WATCHED.call_once(|| {
        let (ready, is_ready) = mpsc::channel();
        let thread = thread::Builder::new().name("signals".to_owned());
        let spawned = thread.spawn(move || {
            // Dropping `ready` wakes the caller in any case.
            let _ = heed(&ready);
        });
        if spawned.is_ok() {
            let _ = is_ready.recv();
        }
    });
}

fn heed(ready: &mpsc::Sender<()>) -> io::Result<()> {
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
            let asked = QUESTIONS.load(Ordering::SeqCst) > 0;
            if asked || !ONLY_AT_QUESTIONS.load(Ordering::SeqCst) {
                let _ = dialoguer::console::Term::stderr().show_cursor();
                std::process::exit(130);
            }
        }
    })
}
