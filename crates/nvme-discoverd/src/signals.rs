//! Signals as inputs.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

use crate::inputs::{Input, Inputs, put};

/// Forwards SIGHUP as reload, SIGTERM and SIGINT as stop, on a task of its own.
///
/// # Errors
/// A handler cannot be installed.
pub(crate) fn forward(inputs: Inputs) -> io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        loop {
            let input = tokio::select! {
                _ = hangup.recv() => Input::Reload(None),
                _ = terminate.recv() => Input::Stop("SIGTERM"),
                _ = interrupt.recv() => Input::Stop("SIGINT"),
            };
            put(&inputs, input);
        }
    });
    Ok(())
}
