//! Signals that must not leave anything half made.

use std::sync::mpsc;

use tokio::signal::unix::{SignalKind, signal};

/// Calls `notify` for each SIGINT, SIGTERM and SIGHUP from now on, instead of ending. Should that
/// not be possible they end the process as ever.
pub(crate) fn catch(notify: impl Fn() + Send + 'static) {
    let (ready, is_ready) = mpsc::channel();
    let thread = std::thread::Builder::new().name("signals".to_owned());
    let spawned = thread.spawn(move || {
        // Dropping `ready` wakes the caller in any case.
        let _ = watch(&notify, &ready);
    });
    if spawned.is_ok() {
        let _ = is_ready.recv();
    }
}

fn watch(notify: &impl Fn(), ready: &mpsc::Sender<()>) -> std::io::Result<()> {
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
            notify();
        }
    })
}
