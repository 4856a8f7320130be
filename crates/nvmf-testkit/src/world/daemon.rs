//! The daemon as systemd runs it, and as a person might.

use std::process::Command;

use super::{LATER, Ran, World};
use crate::files::OrFail;

const SERVICE: &str = "nvme-discoverd.service";
const DAEMON: &str = "/usr/sbin/nvme-discoverd";

impl World {
    /// Starts the daemon and waits until it says that it is ready.
    #[track_caller]
    pub fn start(&self) {
        self.run("systemctl", &["start", SERVICE]).expect_success();
    }

    /// Stops the daemon; controllers stay.
    #[track_caller]
    pub fn stop(&self) {
        self.run("systemctl", &["stop", SERVICE]).expect_success();
    }

    /// Has the daemon read its configuration again.
    #[track_caller]
    pub fn reload(&self) {
        self.run("systemctl", &["reload", SERVICE]).expect_success();
    }

    /// Has the daemon read its configuration again, in which something is wrong.
    #[track_caller]
    pub fn reload_in_vain(&self) {
        self.run("systemctl", &["reload", SERVICE])
            .expect_failure(1);
    }

    /// Kills the daemon (`kill -9`) and waits until systemd has started another one.
    #[track_caller]
    pub fn kill(&self) {
        let killed = self.pid();
        let killed = killed.or_fail("find the daemon to kill");
        self.run("kill", &["-9", &killed.to_string()])
            .expect_success();
        self.wait_for("another daemon is ready", LATER, || {
            let state = self.property("ActiveState");
            state == "active" && self.pid().is_some_and(|pid| pid != killed)
        });
    }

    /// Does something while the daemon is stopped (`kill -STOP`) and notices nothing.
    #[track_caller]
    pub fn while_the_daemon_sleeps<T>(&self, act: impl FnOnce() -> T) -> T {
        let pid = self.pid().or_fail("find the daemon to stop").to_string();
        self.run("kill", &["-STOP", &pid]).expect_success();
        let done = act();
        self.run("kill", &["-CONT", &pid]).expect_success();
        done
    }

    /// The daemon's process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.property("MainPID")
            .parse()
            .ok()
            .filter(|&pid| pid != 0)
    }

    /// Most memory the daemon ever held, in KiB.
    #[track_caller]
    #[must_use]
    pub fn peak_memory_kib(&self) -> u64 {
        let pid = self.pid().or_fail("find the daemon");
        crate::host::memory_kib(pid, "VmHWM")
    }

    /// Runs the daemon's program in the foreground, where it is expected to give up by itself: it is
    /// killed after a minute. `wrap` is put before its command line.
    #[track_caller]
    pub fn daemon_by_hand(&self, wrap: &[&str]) -> Ran {
        let mut arguments = vec!["60"];
        arguments.extend(wrap);
        arguments.push(DAEMON);
        self.run("timeout", &arguments)
    }

    /// What the daemon has logged since the world was made.
    #[must_use]
    pub fn journal(&self) -> String {
        self.log(&["-u", SERVICE, "-o", "cat"])
    }

    /// How many times the daemon has read the exclusion files since the world was made.
    #[must_use]
    pub fn exclusions_read(&self) -> usize {
        self.journal().matches("exclusions read: ").count()
    }

    pub(super) fn log(&self, arguments: &[&str]) -> String {
        let since = self
            .since
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        // What is on its way to the journal is wanted too.
        let _ = Command::new("journalctl").arg("--sync").output();
        let output = Command::new("journalctl")
            .args([
                "--no-pager",
                "--quiet",
                // To the microsecond: the second in which this world began may hold the last one's end.
                &format!("--since=@{}.{:06}", since.as_secs(), since.subsec_micros()),
            ])
            .args(arguments)
            .output()
            .or_fail("run journalctl");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(super) fn stop_everything(&self) {
        // Any of these may not be there: nothing to stop, then.
        let connector = ["nvmf-connector.socket", "nvmf-connector.service"];
        for arguments in [
            &["stop", SERVICE, connector[0], connector[1]][..],
            &["reset-failed", SERVICE, connector[0], connector[1]][..],
            &["stop", "nvmf-nvme*.service"][..],
        ] {
            let _ = Command::new("systemctl").args(arguments).output();
        }
    }

    fn property(&self, name: &str) -> String {
        let shown = Command::new("systemctl")
            .args(["show", "--value", "-p", name, SERVICE])
            .output()
            .or_fail("run systemctl");
        String::from_utf8_lossy(&shown.stdout).trim().to_owned()
    }
}
