//! A system that says no: one clear error, and everything as it was.

use std::path::Path;
use std::process::Command;

use nvmf::Root;
use nvmf::config::WriteError;
use rustix::io::Errno;

use crate::host::{Host, content, converted, created, fill, nvme};
use crate::small_file_system;

/// Whether the child is to do something, and where.
const INSIDE: &str = "NVMF_TEST_CONFIG_FAILURE";

type Operation = fn(&Root) -> Result<(), WriteError>;

const OPERATIONS: [Operation; 2] = [
    |root| converted(root).map(drop),
    |root| created(root, 1).map(drop),
];

#[test]
#[ignore = "it is a child of the other test"]
fn inside() {
    let Ok(root) = std::env::var(INSIDE) else {
        return;
    };
    let top = Path::new(&root);
    let mut failed = 0;
    let both = |operation| [("inodes", operation), ("pages", operation)];
    for (what, operation) in OPERATIONS.iter().flat_map(both) {
        for free in 0..20 {
            fill(top, 20);
            small_file_system::fill_up(&nvme(top), what, free);
            let before = content(top);
            let Err(error) = operation(&Root::new(top)) else {
                break;
            };
            let message = error.to_string();
            assert!(
                matches!(
                    error,
                    WriteError::Io {
                        reason: Errno::NOSPC,
                        ..
                    }
                ),
                "{message}"
            );
            assert!(
                message.contains("No space left") && message.contains("`df` shows"),
                "{message}"
            );
            assert_eq!(content(top), before, "{message}");
            failed += 1;
            assert!(free < 19, "it never works");
        }
    }
    eprintln!("{failed} failures");
    assert!(failed >= 8, "only {failed} failures");
}

#[test]
fn a_full_file_system() {
    let host = Host::new(1);
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "failures::inside", "--ignored", "--nocapture"]);
    child.env(INSIDE, host.top());
    small_file_system::run(&host.path(""), &child);
}
