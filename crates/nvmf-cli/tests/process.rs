//! What only the process as a whole shows: exit status, signals, pipes, who may do what. Nothing
//! here changes the machine that it runs on.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use tempfile::TempDir;

const NVMF: &str = env!("CARGO_BIN_EXE_nvmf");

/// Whoever owns nothing.
const NOBODY: u32 = 65534;

fn watch(args: &[&str]) -> Child {
    let mut command = Command::new(NVMF);
    command.args(["registry", "watch"]).args(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// The exit status of a child that is about to end.
fn end_of(mut child: Child) -> (ExitStatus, String) {
    let pid = Pid::from_child(&child);
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).unwrap();
    let mut fds = [PollFd::new(&pidfd, PollFlags::IN)];
    let soon = Timespec {
        tv_sec: 20,
        tv_nsec: 0,
    };
    if poll(&mut fds, Some(&soon)).unwrap() == 0 {
        child.kill().unwrap();
        panic!("it does not end");
    }
    let mut stderr = String::new();
    let mut pipe = child.stderr.take().unwrap();
    pipe.read_to_string(&mut stderr).unwrap();
    (child.wait().unwrap(), stderr)
}

/// Whether this process, and so what it starts, ignores SIGINT (proc(5), `SigIgn`).
fn ignores_interrupts() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = u64::from_str_radix(mask.unwrap().trim(), 16).unwrap();
    mask & 1 << (Signal::INT.as_raw() - 1) != 0
}

/// A copy of the program that everybody may run.
fn for_everybody() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let everybody = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path(), everybody).unwrap();
    let program = folder.path().join("nvmf");
    std::fs::copy(NVMF, &program).unwrap();
    (folder, program)
}

/// Runs it as somebody who is not root.
fn as_nobody(program: &Path, args: &str) -> (Option<i32>, String) {
    let mut command = Command::new(program);
    command.args(args.split(' ')).current_dir("/");
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), stderr)
}

#[test]
fn a_watch_ends_with_its_reader() {
    for args in [&[][..], &["-o", "json"]] {
        let mut child = watch(args);
        drop(child.stdout.take());
        let (status, stderr) = end_of(child);
        assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
    }
}

/// Dying of the signal is what a shell shows as 130, and what ends a script's loop too.
#[test]
fn a_watch_is_interrupted() {
    if ignores_interrupts() {
        eprintln!("skipped: started with SIGINT ignored, as shells start background jobs");
        return;
    }
    let child = watch(&[]);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let (status, stderr) = end_of(child);
    assert_eq!(status.signal(), Some(Signal::INT.as_raw()));
    assert_eq!(stderr, "");
}

/// Unlike a stream of events, it is done when the user has seen enough.
#[test]
fn a_status_that_is_watched_ends_well() {
    let mut command = Command::new(NVMF);
    command.args(["status", "--watch", "-o", "json"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut first = String::new();
    let stdout = child.stdout.as_mut().unwrap();
    BufReader::new(stdout).read_line(&mut first).unwrap();
    assert!(first.contains("\"connections\""), "{first}");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let (status, stderr) = end_of(child);
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn everybody_reads_and_root_changes() {
    let (_folder, program) = for_everybody();
    for args in [
        "list",
        "list -v -o json",
        "list-subsys -v",
        "list-subsys -v -o json",
        "registry list -v",
        "registry list -o json",
        "exclusion list -v",
        "exclusion list -o json",
    ] {
        assert_eq!(
            as_nobody(&program, args),
            (Some(0), String::new()),
            "{args}"
        );
    }
    for (command, args) in [
        ("connect", "-t loop -n nqn.2014-08.org.example:a"),
        ("disconnect", "-d nvme4000000000"),
        ("disconnect-all", "-t loop"),
        ("registry update", "nvme4000000000 -a note -V x"),
        ("registry delete", "nvme4000000000"),
        ("registry claim", "nvme4000000000 --owner x"),
        ("registry release", "nvme4000000000 --owner x"),
        ("registry gc", "-v"),
        ("registry reap", "nvme4000000000"),
        ("config convert", "--json /nowhere.json"),
        ("config create", "-t loop --discovery"),
        ("exclusion add", "-e nqn=a"),
        ("exclusion remove", "-e nqn=a"),
        ("exclusion edit", "-N lab"),
        ("exclusion create", "-N lab"),
        ("exclusion delete", "-N lab"),
    ] {
        let said = format!("nvmf: {command}: must be root: try again with sudo\n");
        let line = format!("{command} {args}");
        assert_eq!(as_nobody(&program, &line), (Some(1), said));
    }
}
