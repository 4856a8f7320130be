//! Changes of the ownership registry as inputs.

use std::thread;
use std::time::Duration;

use nvmf::Root;
use nvmf::registry::{Registry, Watch};

use crate::inputs::{Input, Inputs, Trouble, put};

/// How long a registry that cannot be watched waits for the next try.
const AGAIN: Duration = Duration::from_secs(10);

/// Forwards each device whose entry changed as [`Input::Touched`], on a thread of its own: reading
/// entries is reading files. What cannot be watched is told as [`Input::Trouble`], and tried again.
///
/// # Errors
/// There is no thread to be had.
pub(crate) fn forward(root: &Root, inputs: Inputs) -> std::io::Result<()> {
    let registry = Registry::open(root);
    let follow = move || {
        let mut lost = false;
        while !inputs.is_closed() {
            let Err(error) = registry
                .watch()
                .and_then(|watch| follow(watch, &inputs, std::mem::take(&mut lost)))
            else {
                return;
            };
            let why = format!("changes of owners go unnoticed: {error}");
            put(&inputs, Input::Trouble(Trouble::Registry, Some(why)));
            lost = true;
            thread::sleep(AGAIN);
        }
    };
    thread::Builder::new()
        .name("registry".to_owned())
        .spawn(follow)
        .map(|_| ())
}

/// Ends with the daemon, or an error.
fn follow(
    mut watch: Watch,
    inputs: &Inputs,
    lost: bool,
) -> Result<(), nvmf::registry::RegistryError> {
    if lost {
        // what changed meanwhile is seen by looking at all
        put(inputs, Input::Trouble(Trouble::Registry, None));
        put(inputs, Input::ListAgain);
    }
    while !inputs.is_closed() {
        for change in watch.wait(None)? {
            put(inputs, Input::Touched(change.device().clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn who_is_claimed_or_released_is_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        let entry = dir.path().join("run/nvme/registry/nvme3");
        std::fs::create_dir_all(dir.path().join("run/nvme/registry")).unwrap();
        let (inputs, mut inbox) = mpsc::unbounded_channel();
        forward(&Root::new(dir.path()), inputs).unwrap();
        // the watch begins at some moment; a change after that is told
        let touched = async {
            loop {
                let _ = std::fs::remove_dir_all(&entry);
                std::fs::create_dir_all(&entry).unwrap();
                std::fs::write(entry.join("owner"), "stas\n").unwrap();
                let soon = Duration::from_millis(50);
                if let Ok(input) = tokio::time::timeout(soon, inbox.recv()).await {
                    return input;
                }
            }
        };
        match tokio::time::timeout(Duration::from_secs(30), touched).await {
            Ok(Some(Input::Touched(device))) => assert_eq!(device.as_str(), "nvme3"),
            other => panic!("{other:?}"),
        }
    }
}
