//! Reading a log that may change meanwhile, from a controller that may lie.

use nvmf_types::log_page::{ENTRY_LEN, HEADER_LEN, Header};

use rustix::io::Errno;

use super::LogPageFetchErrorKind;

/// Where a log page comes from.
pub(super) trait Source {
    /// Fills `buffer` from `offset` of the page; `retain` leaves the event pending.
    fn read(
        &mut self,
        offset: u64,
        buffer: &mut [u8],
        retain: bool,
    ) -> Result<(), LogPageFetchErrorKind>;
}

/// How much is read at once, in bytes. A controller may make the whole page anew for each read, as the kernel's does
/// (Linux `drivers/nvme/target/discovery.c`, `nvmet_execute_disc_get_log_page`).
const LARGE: usize = 64 * 1024;
/// And if that is too much for it, or for the kernel (Base Specification, Identify Controller: MDTS): every
/// controller can transfer as much as this.
const PAGE: usize = 4096;

/// Attempts to read the log in one generation.
const ATTEMPTS: u32 = 9;

/// Reads the bytes of the whole page in one generation: the header, the entries, and the header
/// again. Only the last read acknowledges the event that announced a change, so no change is
/// missed.
pub(super) fn read_page(source: &mut impl Source) -> Result<Vec<u8>, LogPageFetchErrorKind> {
    for _ in 0..ATTEMPTS {
        let mut page = vec![0; HEADER_LEN];
        let before = header(source, &mut page, true)?;
        let entries = before.records().map_err(LogPageFetchErrorKind::from);
        let entries = entries.and_then(|count| read_entries(source, &mut page, count));
        let after = header(source, &mut [0; HEADER_LEN], false)?;
        if after.genctr != before.genctr || after.numrec != before.numrec {
            continue; // and whatever went wrong may have come of that
        }
        return entries.map(|()| page);
    }
    Err(LogPageFetchErrorKind::Unsettled(ATTEMPTS))
}

fn header(
    source: &mut impl Source,
    bytes: &mut [u8],
    retain: bool,
) -> Result<Header, LogPageFetchErrorKind> {
    source.read(0, bytes, retain)?;
    Ok(Header::decode(bytes)?)
}

/// Appends the entries to the header in `whole`. Memory grows with what is delivered, not with what
/// is announced.
fn read_entries(
    source: &mut impl Source,
    whole: &mut Vec<u8>,
    count: usize,
) -> Result<(), LogPageFetchErrorKind> {
    let mut missing = count.saturating_mul(ENTRY_LEN);
    let mut most = LARGE;
    let mut buffer = vec![0; missing.min(most)];
    while missing > 0 {
        let page = buffer.get_mut(..missing.min(most)).unwrap_or_default();
        page.fill(0);
        match source.read(whole.len() as u64, page, true) {
            Err(error) if most > PAGE && may_be_too_much(&error) => {
                most = PAGE;
                continue;
            }
            read => read?,
        }
        let delivered = page
            .chunks(ENTRY_LEN)
            .take_while(|e| e.iter().any(|b| *b != 0))
            .count();
        if delivered < page.len() / ENTRY_LEN {
            let before = whole.len().saturating_sub(HEADER_LEN) / ENTRY_LEN;
            return Err(LogPageFetchErrorKind::Short {
                promised: count as u64,
                delivered: (before + delivered) as u64,
            });
        }
        whole.extend_from_slice(page);
        missing -= page.len();
    }
    Ok(())
}

fn may_be_too_much(error: &LogPageFetchErrorKind) -> bool {
    match error {
        LogPageFetchErrorKind::Status(_) => true,
        LogPageFetchErrorKind::Io(error) => {
            error.raw_os_error() == Some(Errno::INVAL.raw_os_error())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nvmf_types::log_page::{DiscoveryLog, LogPageError};

    fn read_log(source: &mut impl Source) -> Result<DiscoveryLog, LogPageFetchErrorKind> {
        Ok(DiscoveryLog::from_page(&read_page(source)?)?)
    }

    /// A controller with a log.
    #[derive(Default)]
    struct Fake {
        genctr: u64,
        /// What it says; `None`: the truth.
        numrec: Option<u64>,
        entries: Vec<Vec<u8>>,
        /// Changes that happen one by one, each during the read of an entry.
        changes: u32,
        /// Offsets behind the end are an error instead of zeros.
        strict: bool,
        /// A change keeps the number of entries.
        renames: bool,
        event_pending: bool,
        /// The most that it transfers, and what comes of more; `None`: all.
        most: Option<(usize, fn() -> LogPageFetchErrorKind)>,
        reads: Vec<(u64, usize)>,
    }

    impl Fake {
        fn with(count: usize) -> Self {
            Self {
                genctr: 7,
                entries: (0..count).map(entry).collect(),
                ..Self::default()
            }
        }
    }

    fn entry(number: usize) -> Vec<u8> {
        let mut bytes = vec![0; ENTRY_LEN];
        bytes[..3].copy_from_slice(&[3, 1, 2]);
        for (at, text) in [
            (32, "4420".to_owned()),
            (256, format!("nqn.2014-08.org.example:{number}")),
            (512, "192.0.2.10".to_owned()),
        ] {
            bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
        }
        bytes
    }

    impl Source for Fake {
        fn read(
            &mut self,
            offset: u64,
            buffer: &mut [u8],
            retain: bool,
        ) -> Result<(), LogPageFetchErrorKind> {
            self.reads.push((offset, buffer.len()));
            self.event_pending &= retain;
            if let Some((most, error)) = self.most
                && buffer.len() > most
            {
                return Err(error());
            }
            let mut page = vec![0; HEADER_LEN];
            page[..8].copy_from_slice(&self.genctr.to_le_bytes());
            let numrec = self.numrec.unwrap_or(self.entries.len() as u64);
            page[8..16].copy_from_slice(&numrec.to_le_bytes());
            page.extend(self.entries.concat());
            if offset > 0 && self.changes > 0 {
                self.changes -= 1;
                self.genctr += 1;
                self.event_pending = true;
                if self.renames {
                    self.entries[0] = entry(100);
                } else {
                    self.entries.pop();
                }
            }
            let offset = usize::try_from(offset).unwrap();
            if self.strict && offset + buffer.len() > page.len() {
                return Err(LogPageFetchErrorKind::Status(0x002));
            }
            page.resize(page.len().max(offset + buffer.len()), 0);
            buffer.copy_from_slice(&page[offset..offset + buffer.len()]);
            Ok(())
        }
    }

    #[test]
    fn in_large_pieces_where_that_works() {
        let mut fake = Fake {
            event_pending: true,
            strict: true,
            ..Fake::with(70)
        };
        let log = read_log(&mut fake).unwrap();
        assert_eq!(
            (log.genctr, log.entries.len(), log.ignored.len()),
            (7, 70, 0)
        );
        assert_eq!(log.entries[69].subnqn, "nqn.2014-08.org.example:69");
        let pieces = [(0, 1024), (1024, 65536), (66560, 6144), (0, 1024)];
        assert_eq!(fake.reads, pieces);
        assert!(!fake.event_pending, "the last read acknowledges");
        assert_eq!(read_log(&mut Fake::with(0)).unwrap().entries.len(), 0);
    }

    #[test]
    fn in_pages_of_four_kilobytes_where_more_is_too_much() {
        let by_the_kernel = || LogPageFetchErrorKind::from(Errno::INVAL);
        for error in [by_the_kernel, || LogPageFetchErrorKind::Status(0x002)] {
            let mut fake = Fake {
                strict: true,
                most: Some((PAGE, error)),
                ..Fake::with(6)
            };
            assert_eq!(read_log(&mut fake).unwrap().entries.len(), 6);
            let pieces = [
                (0, 1024),
                (1024, 6144),
                (1024, 4096),
                (5120, 2048),
                (0, 1024),
            ];
            assert_eq!(fake.reads, pieces);
            fake.most = Some((PAGE - 1, error));
            assert!(read_log(&mut fake).is_err(), "that is no controller");
        }
    }

    #[test]
    fn a_log_that_changes_is_read_again() {
        for strict in [false, true] {
            let mut fake = Fake {
                changes: 3,
                strict,
                ..Fake::with(6)
            };
            let log = read_log(&mut fake).unwrap();
            assert_eq!((log.genctr, log.entries.len()), (10, 3));
            assert!(!fake.event_pending);
        }
        let mut fake = Fake {
            changes: 1,
            renames: true,
            ..Fake::with(6)
        };
        let log = read_log(&mut fake).unwrap();
        assert_eq!(log.entries[0].subnqn, "nqn.2014-08.org.example:100");
        let mut fake = Fake {
            changes: 1000,
            ..Fake::with(1000)
        };
        let error = read_log(&mut fake).unwrap_err();
        assert!(
            matches!(error, LogPageFetchErrorKind::Unsettled(9)),
            "{error}"
        );
    }

    #[test]
    fn lies_about_numrec() {
        let fetch = |numrec, count, strict| {
            let mut fake = Fake {
                numrec: Some(numrec),
                strict,
                ..Fake::with(count)
            };
            (read_log(&mut fake).unwrap_err(), fake.reads.len())
        };
        for numrec in [6, 100, 65536] {
            let (error, reads) = fetch(numrec, 5, false);
            assert_eq!(
                error.to_string(),
                format!("the controller announces {numrec} entries and delivers 5")
            );
            assert_eq!(reads, 3, "no reading on behind the end");
        }
        let (error, _) = fetch(1, 0, false);
        assert!(matches!(
            error,
            LogPageFetchErrorKind::Short {
                promised: 1,
                delivered: 0
            }
        ));
        let (error, _) = fetch(9, 5, true);
        assert!(matches!(error, LogPageFetchErrorKind::Status(2)), "{error}");
        for numrec in [65537, u64::MAX] {
            let (error, reads) = fetch(numrec, 5, false);
            assert!(
                matches!(error, LogPageFetchErrorKind::Page(LogPageError::TooManyRecords(n)) if n == numrec)
            );
            assert_eq!(reads, 2, "nothing but headers");
        }
    }
}
