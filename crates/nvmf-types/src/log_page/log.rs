//! The whole page.

use serde::Serialize;

use super::{ENTRY_LEN, HEADER_LEN, Header, LogEntry, LogPageError, Subtype};

/// A discovery log page that was read in one generation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DiscoveryLog {
    /// Its generation.
    pub genctr: u64,
    /// The entries that could be read, in the order of the page.
    #[serde(rename = "records")]
    pub entries: Vec<LogEntry>,
    /// The others: which, and why.
    pub ignored: Vec<String>,
}

impl DiscoveryLog {
    /// Reads the bytes of a whole page: the header, and all entries that follow it.
    ///
    /// # Errors
    /// There is no whole header.
    pub fn from_page(page: &[u8]) -> Result<Self, LogPageError> {
        let header = Header::decode(page)?;
        let records = page.get(HEADER_LEN..).unwrap_or_default();
        Ok(Self::from_records(header.genctr, records))
    }

    /// Reads the entries that follow the header. What cannot be read is noted in
    /// [`Self::ignored`], entries counted from 0 as in `nvme discover`.
    #[must_use]
    pub fn from_records(genctr: u64, records: &[u8]) -> Self {
        let mut log = Self {
            genctr,
            ..Self::default()
        };
        for (index, bytes) in records.chunks(ENTRY_LEN).enumerate() {
            match LogEntry::decode(bytes) {
                Ok(entry) => log.entries.push(entry),
                Err(error) => log
                    .ignored
                    .push(format!("discovery log entry {index}: {error}")),
            }
        }
        log
    }

    /// The entry in which the discovery controller speaks of itself, if there is one.
    #[must_use]
    pub fn current(&self) -> Option<&LogEntry> {
        self.entries.iter().find(|e| e.subtype == Subtype::Current)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::log_page) fn bytes_of(
        trtype: u8,
        subtype: u8,
        trsvcid: &str,
        subnqn: &str,
        traddr: &str,
    ) -> Vec<u8> {
        let mut bytes = vec![0; ENTRY_LEN];
        bytes[..3].copy_from_slice(&[trtype, 1, subtype]);
        for (at, text) in [(32, trsvcid), (256, subnqn), (512, traddr)] {
            bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
        }
        bytes
    }

    #[test]
    fn a_page_is_a_header_and_entries() {
        let mut page = vec![7];
        page.resize(HEADER_LEN, 0);
        assert_eq!(
            DiscoveryLog::from_page(&page[1..]).unwrap_err().to_string(),
            "header has 1023 bytes instead of 1024"
        );
        page.extend(bytes_of(3, 2, "1", "nqn.2014-08.org.example:a", "::1"));
        let log = DiscoveryLog::from_page(&page).unwrap();
        assert_eq!((log.genctr, log.entries.len()), (7, 1));
    }

    #[test]
    fn one_bad_entry_spoils_no_other() {
        let mut records = bytes_of(3, 3, "8009", crate::Nqn::DISCOVERY, "192.0.2.1");
        records.extend([0; ENTRY_LEN]);
        records.extend(bytes_of(
            3,
            2,
            "4420",
            "nqn.2014-08.org.example:a",
            "192.0.2.1",
        ));
        records.push(1);
        let log = DiscoveryLog::from_records(7, &records);
        assert_eq!(log.entries.len(), 2);
        assert_eq!(log.current(), log.entries.first());
        assert_eq!(
            log.ignored,
            [
                "discovery log entry 1: entry consists of zeros",
                "discovery log entry 3: entry has 1 bytes instead of 1024"
            ]
        );
    }
}
