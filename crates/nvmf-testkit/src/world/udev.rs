//! udev: its rules and its queue.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::World;
use crate::files::{OrFail, make_dir, put};

/// Rules here go before those of the same file name that packages installed.
const RULES: &str = "/run/udev/rules.d";

impl World {
    /// Has udev read `text` instead of the rules file `name`, or besides the others if there is
    /// none of that name, until the end of the world. An empty text masks a rules file.
    #[track_caller]
    pub fn rules(&self, name: &str, text: &str) {
        make_dir(RULES);
        let path = Path::new(RULES).join(name);
        put(&path, text);
        reload();
        self.on_end("udev rules", move || {
            let _ = fs::remove_file(&path);
            reload();
        });
    }

    /// Does something while udev only collects events. It handles them after that, and all are
    /// handled when this returns.
    #[track_caller]
    pub fn while_udev_waits<T>(&self, act: impl FnOnce() -> T) -> T {
        let waits = Waits::start();
        let done = act();
        drop(waits);
        self.settle();
        done
    }

    /// Waits until udev has handled all events so far, programs of its rules included.
    #[track_caller]
    pub fn settle(&self) {
        self.run("udevadm", &["settle"]).expect_success();
    }
}

/// udev collects events as long as this lives.
struct Waits;

impl Waits {
    #[track_caller]
    fn start() -> Self {
        control("--stop-exec-queue");
        Self
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        control("--start-exec-queue");
    }
}

fn reload() {
    control("--reload");
}

#[track_caller]
fn control(what: &str) {
    let status = Command::new("udevadm").args(["control", what]).status();
    let status = status.or_fail("run udevadm");
    assert!(status.success(), "udevadm control {what}: {status}");
}
