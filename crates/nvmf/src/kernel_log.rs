//! What the kernel says while it does something for us: `/dev/kmsg` from one moment on.
//!
//! The error number of a failed connect says little; the log has the status that the target gave.
//! It may be closed to us, overrun or full of others' messages, and nothing depends on it but the
//! wording of an error.

use std::os::fd::OwnedFd;

use rustix::fs::{CWD, Mode, OFlags, SeekFrom};
use rustix::io::Errno;

use crate::Root;

/// Records are shorter (Linux `kernel/printk/printk.c`, `PRINTKRB_RECORD_MAX`).
const RECORD: usize = 8192;

/// Records that are read at most: a log that grows faster than it is read has no end.
const RECORDS: usize = 4096;

/// The log from the moment on in which this was made.
#[derive(Debug)]
pub(crate) struct KernelLog(Option<OwnedFd>);

impl KernelLog {
    /// From now on. Where the log cannot be read there are no messages.
    pub(crate) fn follow(root: &Root) -> Self {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(CWD, root.dev().join("kmsg"), flags, Mode::empty());
        Self(opened.ok().filter(|log| {
            let end = rustix::fs::seek(log, SeekFrom::End(0));
            end.is_ok()
        }))
    }

    /// The messages that have come since, oldest first. Does not wait for any.
    pub(crate) fn messages(&self) -> Vec<String> {
        let Some(log) = &self.0 else {
            return Vec::new();
        };
        let mut messages = Vec::new();
        let mut record = [0_u8; RECORD];
        for _ in 0..RECORDS {
            match rustix::io::read(log, &mut record) {
                Ok(0) => break,
                Ok(count) => messages.extend(record.get(..count).and_then(message)),
                // EPIPE: the log has overrun us, and goes on from its oldest record.
                Err(Errno::PIPE | Errno::INTR) => {}
                Err(_) => break,
            }
        }
        messages
    }
}

/// The text of a record: `level,number,microseconds,flags[,…];text`, then lines of a dictionary
/// (Linux `Documentation/ABI/testing/dev-kmsg`).
fn message(record: &[u8]) -> Option<String> {
    let record = String::from_utf8_lossy(record);
    let (_, text) = record.split_once(';')?;
    text.lines().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;
    use crate::testing::FakeHost;

    #[test]
    fn records() {
        for (record, text) in [
            (
                &b"3,1234,20426331,-;nvme nvme1: a; b\n SUBSYSTEM=nvme\n DEVICE=+nvme:nvme1\n"[..],
                Some("nvme nvme1: a; b"),
            ),
            (b"6,1,2,-,caller=T1;x", Some("x")),
            (b"6,1,2,-;", None),
            (b"no record", None),
            (b"", None),
            (b"6;\xff", Some("\u{fffd}")),
        ] {
            assert_eq!(message(record).as_deref(), text, "{record:?}");
        }
    }

    #[test]
    fn only_what_comes_afterwards() {
        let host = FakeHost::new();
        fs::create_dir(host.path("dev")).unwrap();
        fs::write(host.path("dev/kmsg"), "6,1,2,-;before\n").unwrap();
        let log = KernelLog::follow(&host.root());
        assert!(log.messages().is_empty());
        let mut kernel = fs::File::options()
            .append(true)
            .open(host.path("dev/kmsg"))
            .unwrap();
        kernel.write_all(b"6,2,3,-;after\n").unwrap();
        assert_eq!(log.messages(), ["after"]);
        assert!(log.messages().is_empty());
    }

    #[test]
    fn a_log_that_cannot_be_read_is_empty() {
        let host = FakeHost::new();
        assert!(KernelLog::follow(&host.root()).messages().is_empty());
        fs::create_dir_all(host.path("dev/kmsg")).unwrap();
        assert!(KernelLog::follow(&host.root()).messages().is_empty());
    }
}
