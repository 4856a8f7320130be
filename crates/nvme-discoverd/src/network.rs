//! Changes of the network as inputs.

use std::io;

use discoverd_core::Event;
use nvmf::net::Changes;

use crate::burst::Burst;
use crate::inputs::{Input, Inputs, put};
use crate::ready;

/// Forwards changes that may make something reachable as [`Event::NetworkChanged`], one for each
/// burst, on a task of its own.
///
/// # Errors
/// The socket cannot be awaited.
pub(crate) fn forward(changes: Changes, inputs: Inputs) -> io::Result<()> {
    let mut changes = ready::readable(changes)?;
    tokio::spawn(async move {
        let mut burst = Burst::default();
        let error = loop {
            let guard = tokio::select! {
                guard = changes.readable_mut() => guard,
                () = burst.over() => {
                    burst.looked();
                    put(&inputs, Event::NetworkChanged);
                    continue;
                }
            };
            let mut guard = match guard {
                Ok(guard) => guard,
                Err(error) => break error,
            };
            match guard.try_io(|changes| changes.get_mut().read()) {
                Ok(Ok(true)) => burst.changed(),
                // nothing that matters, or nothing more for now
                Ok(Ok(false)) | Err(_) => {}
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(error)) => break error,
            }
        };
        let why = format!("cannot hear of changes of the network: {error}");
        put(&inputs, Input::Fatal(why));
    });
    Ok(())
}
