//! Keys and keyrings by name, from `/proc/keys` (Linux `security/keys/proc.c`).

use rustix::fs::{CWD, OFlags};

use crate::Root;
use crate::file::{FileError, content};

/// What is read of `/proc/keys` at most, in bytes: a key has about a hundred.
const LIMIT: u64 = 16 << 20;

/// The serial number of the key of `kind` (`psk`, `keyring`) that is described as `description`,
/// if there is one that this process can see.
pub(crate) fn serial(root: &Root, kind: &str, description: &str) -> Result<Option<u32>, FileError> {
    let (text, _) = content(CWD, &root.proc().join("keys"), OFlags::empty(), LIMIT)?;
    let text = String::from_utf8_lossy(&text);
    Ok(find(&text, kind, description))
}

/// Lines are `serial flags usage timeout perm uid gid type description: summary`.
fn find(text: &str, kind: &str, description: &str) -> Option<u32> {
    text.lines().find_map(|line| {
        let mut rest = line;
        let mut word = || {
            let (word, tail) = rest.trim_start().split_once(' ')?;
            rest = tail;
            Some(word)
        };
        let serial = word()?;
        for _ in 0..6 {
            word()?;
        }
        let same_kind = word()? == kind;
        let (have, _summary) = rest.trim_start().rsplit_once(": ")?;
        (same_kind && have == description)
            .then(|| u32::from_str_radix(serial, 16).ok())
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &str = "\
0bbe5b1a I--Q---     1 perm 1f3f0000     0 65534 keyring   _uid.0: empty
1e3a9a3c I------     2 perm 0f0b0000     0     0 keyring   .nvme: 1
2f1c22d5 I--Q---     1 perm 3f010000     0     0 psk       NVMe1R01 nqn.a nqn.b hash=: 32
";

    #[test]
    fn of_a_host() {
        let host = crate::testing::FakeHost::new();
        assert!(serial(&host.root(), "keyring", ".nvme").is_err());
        std::fs::create_dir(host.path("proc")).unwrap();
        std::fs::write(host.path("proc/keys"), KEYS).unwrap();
        let found = |name| serial(&host.root(), "keyring", name).unwrap();
        assert_eq!(found(".nvme"), Some(0x1e3a_9a3c));
        assert_eq!(found("none"), None);
    }

    #[test]
    fn by_type_and_whole_description() {
        assert_eq!(find(KEYS, "keyring", ".nvme"), Some(0x1e3a_9a3c));
        assert_eq!(
            find(KEYS, "psk", "NVMe1R01 nqn.a nqn.b hash="),
            Some(0x2f1c_22d5)
        );
        assert_eq!(find(KEYS, "psk", ".nvme"), None);
        assert_eq!(find(KEYS, "psk", "NVMe1R01 nqn.a"), None);
        assert_eq!(find("\n1 2\nx", "psk", "x"), None);
    }
}
