//! What the kernel alone needs.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;

use crate::files::OrFail;
use crate::host::{self, DISCOVERY_NQN};
use crate::target::Target;

/// Where the lines are kept.
const LINES: &str = "/run/nvmf-bench.lines";

/// The lines that `nvmf connect-all` writes, in a file: its discovery controller, which goes again,
/// and the subsystems.
pub(super) fn lines(target: &Target) -> String {
    let (traddr, trsvcid) = (target.traddr(), target.trsvcid());
    let place = format!("transport=tcp,traddr={traddr},trsvcid={trsvcid}");
    let mut lines = format!("nqn={DISCOVERY_NQN},{place},keep_alive_tmo=30\n");
    for nqn in target.nqns() {
        lines.push_str(&format!("nqn={nqn},{place}\n"));
    }
    super::write(Path::new(LINES), &lines);
    LINES.to_owned()
}

/// Writes one line to the kernel; its answer.
pub(super) fn connect(line: &str) -> String {
    let mut device = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/nvme-fabrics")
        .or_fail("open /dev/nvme-fabrics");
    device.write_all(line.as_bytes()).or_fail("connect");
    let mut answer = [0; 256];
    let count = device.read(&mut answer).or_fail("read the answer");
    String::from_utf8_lossy(answer.get(..count).unwrap_or_default()).into_owned()
}

/// Writes the lines of a file to the kernel one after the other. What the first one makes is deleted
/// beside the others.
#[must_use]
pub fn write_lines(file: &Path) -> ExitCode {
    let text = fs::read_to_string(file).or_fail("read the lines");
    let mut deletes = Vec::new();
    for line in text.lines() {
        let answer = connect(line);
        if line.contains(DISCOVERY_NQN) {
            let number = answer.trim().split(',').next().unwrap_or_default();
            let number = number.trim_start_matches("instance=").to_owned();
            deletes.push(thread::spawn(move || {
                let file = format!("/sys/class/nvme/nvme{number}/delete_controller");
                fs::write(file, "1").or_fail("delete the discovery controller");
            }));
        }
    }
    for delete in deletes {
        if delete.join().is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Deletes all fabrics controllers with four writers.
#[must_use]
pub fn delete_all() -> ExitCode {
    let queue = Mutex::new(host::controllers().into_iter());
    let next = || queue.lock().ok().and_then(|mut queue| queue.next());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(controller) = next() {
                    controller.delete();
                }
            });
        }
    });
    ExitCode::SUCCESS
}
