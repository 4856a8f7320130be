//! A terminal that a program runs on, and who types there.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use super::World;
use crate::files::OrFail;

/// A program on a terminal of its own, by script(1).
#[derive(Debug)]
pub struct Terminal {
    program: Child,
    keyboard: File,
    seen: PathBuf,
}

impl World {
    /// Starts a command of the shell on a terminal of 160 columns and 40 rows.
    #[track_caller]
    pub fn on_a_terminal(&self, command: &str) -> Terminal {
        let (keys, seen) = ("/run/nvmf-test.keys", "/run/nvmf-test.seen");
        self.run("mkfifo", &[keys]).expect_success();
        self.on_end("the terminal", move || {
            for file in [keys, seen] {
                let _ = fs::remove_file(file);
            }
        });
        let command = format!("stty cols 160 rows 40; exec {command}");
        let terminal = format!("exec script -qefc '{command}' {seen} <{keys}");
        let program = Command::new("sh")
            .args(["-c", &terminal])
            .env("TERM", "xterm")
            .stdout(Stdio::null())
            .spawn()
            .or_fail("start a program on a terminal");
        let keyboard = OpenOptions::new().write(true).open(keys);
        Terminal {
            program,
            keyboard: keyboard.or_fail("open the keyboard"),
            seen: seen.into(),
        }
    }
}

impl Terminal {
    /// All that the terminal was told to show until now.
    #[must_use]
    pub fn seen(&self) -> String {
        let seen = fs::read(&self.seen).unwrap_or_default();
        String::from_utf8_lossy(&seen).into_owned()
    }

    /// Types.
    #[track_caller]
    pub fn press(&mut self, keys: &str) {
        let pressed = self.keyboard.write_all(keys.as_bytes());
        pressed.or_fail(format_args!("press {keys:?}"));
    }

    /// Waits until the program has ended; how, and all that was seen.
    #[track_caller]
    pub fn end(mut self) -> (ExitStatus, String) {
        let status = self.program.wait();
        let status = status.or_fail("wait for the program on the terminal");
        (status, self.seen())
    }
}
