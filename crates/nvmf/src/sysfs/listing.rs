//! What a folder of sysfs has in it.
//!
//! A single reading of such a folder can leave out what is there all the time: Linux before 6.15
//! (`fs/kernfs/dir.c`, `kernfs_fop_readdir`) lets go of its lock after each entry, and if just that
//! entry is removed then, it goes on after the next one. So a reading counts only if nothing that it
//! named is gone afterwards, which the next one shows.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::DirEntryExt;
use std::path::Path;

use super::SysfsError;

/// How often a folder is read at most that something goes from every time.
const READINGS: usize = 16;

/// Names and inodes. A name that is used again has another inode.
type Listing = BTreeMap<String, u64>;

/// What is in a folder of sysfs; nothing if it is not there, because it is gone or its driver is not
/// loaded. What comes or goes meanwhile may be among it or not.
pub(super) fn entries(folder: &Path) -> Result<BTreeMap<String, u64>, SysfsError> {
    complete(|| read(folder)).map_err(|source| SysfsError {
        operation: "read",
        path: folder.to_owned(),
        source,
    })
}

/// The names of [`entries`].
pub(crate) fn names(folder: &Path) -> Result<impl Iterator<Item = String>, SysfsError> {
    entries(folder).map(BTreeMap::into_keys)
}

/// A reading that is complete, because all of the one before it is still there. In a folder that
/// does not come to rest, all that was read: that something is gone is noticed when it is opened.
fn complete<E>(mut read: impl FnMut() -> Result<Listing, E>) -> Result<Listing, E> {
    let mut last = read()?;
    let mut all = last.clone();
    for _ in 1..READINGS {
        let next = read()?;
        if last.iter().all(|(name, ino)| next.get(name) == Some(ino)) {
            return Ok(next);
        }
        all.extend(next.clone());
        last = next;
    }
    Ok(all)
}

fn read(folder: &Path) -> io::Result<Listing> {
    let entries = match std::fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Listing::new()),
        other => other?,
    };
    let mut listing = Listing::new();
    for entry in entries {
        let entry = match entry {
            // the folder itself has gone
            Err(e) if e.kind() == io::ErrorKind::NotFound => break,
            other => other?,
        };
        if let Ok(name) = entry.file_name().into_string() {
            listing.insert(name, entry.ino());
        }
    }
    Ok(listing)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What [`complete`] makes of readings, and how many of them it takes.
    fn of(readings: &[&[(&str, u64)]]) -> (Vec<String>, usize) {
        let mut taken = 0;
        let listing = complete(|| -> io::Result<Listing> {
            let reading = readings.get(taken).or(readings.last()).unwrap();
            taken += 1;
            Ok(reading
                .iter()
                .map(|(n, ino)| ((*n).to_owned(), *ino))
                .collect())
        });
        (listing.unwrap().into_keys().collect(), taken)
    }

    #[test]
    fn what_a_removal_hid_is_found() {
        // nvme1 goes while it is read, and the reading leaves nvme2 out.
        let hidden: &[_] = &[("nvme0", 1), ("nvme1", 2)];
        let rest: &[_] = &[("nvme0", 1), ("nvme2", 3)];
        assert_eq!(of(&[hidden, rest]).0, ["nvme0", "nvme2"]);
        // The same where the number is another's by then.
        let again: &[_] = &[("nvme0", 1), ("nvme1", 4), ("nvme2", 3)];
        assert_eq!(of(&[hidden, again]).0, ["nvme0", "nvme1", "nvme2"]);
    }

    #[test]
    fn a_folder_at_rest_or_growing_is_read_twice() {
        assert_eq!(of(&[&[]]), (vec![], 2));
        let (one, two): (&[_], &[_]) = (&[("nvme0", 1)], &[("nvme0", 1), ("nvme1", 2)]);
        assert_eq!(of(&[one, two]), (vec!["nvme0".into(), "nvme1".into()], 2));
    }

    #[test]
    fn a_folder_that_never_rests_gives_all_that_was_seen() {
        let (odd, even): (&[_], &[_]) = (&[("nvme0", 1)], &[("nvme1", 2)]);
        let readings: Vec<_> = [odd, even].into_iter().cycle().take(40).collect();
        let all = vec!["nvme0".to_owned(), "nvme1".to_owned()];
        assert_eq!(of(&readings), (all, READINGS));
    }

    #[test]
    fn no_folder_has_nothing_in_it() {
        let none = Path::new("/nonexistent/class/nvme");
        assert!(entries(none).unwrap().is_empty());
        let error = entries(Path::new("/proc/self/stat"))
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("cannot read `/proc/self/stat`"),
            "{error}"
        );
    }
}
