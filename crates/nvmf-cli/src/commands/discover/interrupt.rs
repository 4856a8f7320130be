//! Signals that must not leave a temporary controller behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use tokio::signal::unix::{SignalKind, signal};

/// Notes that the user wants to stop, so that the command can clean up first. The kernel's connect
/// cannot be interrupted anyway.
#[derive(Debug)]
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Catches SIGINT, SIGTERM and SIGHUP from now on. Should that not be possible they end the
    /// process as ever.
    pub(super) fn catch() -> Self {
        let came = Arc::new(AtomicBool::new(false));
        let (ready, is_ready) = mpsc::channel();
        let flag = Arc::clone(&came);
        let thread = std::thread::Builder::new().name("signals".to_owned());
        let spawned = thread.spawn(move || {
            // Dropping `ready` wakes the caller in any case.
            let _ = watch(&flag, &ready);
        });
        if spawned.is_ok() {
            let _ = is_ready.recv();
        }
        Self(came)
    }

    /// Whether one of them has arrived.
    pub(super) fn came(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

fn watch(flag: &AtomicBool, ready: &mpsc::Sender<()>) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let _ = ready.send(());
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            flag.store(true, Ordering::SeqCst);
        }
    })
}
