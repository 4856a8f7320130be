//! The first 1024 bytes.

use thiserror::Error;
use zerocopy::FromBytes;

use super::raw::RawHeader;

/// Length of the header in bytes.
pub const HEADER_LEN: usize = 1024;

/// Length of an entry in bytes.
pub const ENTRY_LEN: usize = 1024;

/// More entries than this are not believed: a reader would need 64 MiB for them.
pub const MAX_RECORDS: u64 = 65536;

/// The log page's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Generation counter: differs after every change of the log.
    pub genctr: u64,
    /// Number of entries, as the controller claims; [`Header::records`] checks it.
    pub numrec: u64,
    /// Record format; 0 is the only one that there is.
    pub recfmt: u16,
}

/// Why bytes are not a discovery log page, or not an entry of one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LogPageError {
    /// Cut off.
    #[error("{what} has {have} bytes instead of {need}")]
    Short {
        /// `header` or `entry`.
        what: &'static str,
        /// Bytes that there are.
        have: usize,
        /// Bytes that there should be.
        need: usize,
    },
    /// A record format of the future.
    #[error("record format `{0}` is unknown: expected 0")]
    RecordFormat(u16),
    /// An absurd number of entries.
    #[error("`{0}` entries are not believable: at most {MAX_RECORDS} are read")]
    TooManyRecords(u64),
    /// Only zeros where an entry should be: the controller announced more than it has.
    #[error("entry consists of zeros")]
    Zeroed,
    /// A text field with other than printable UTF-8.
    #[error("{0} is not printable text")]
    Text(&'static str),
}

impl Header {
    /// Reads the header from the beginning of `bytes`.
    ///
    /// # Errors
    /// Fewer than [`HEADER_LEN`] bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, LogPageError> {
        let (raw, _) = RawHeader::ref_from_prefix(bytes).map_err(|_| LogPageError::Short {
            what: "header",
            have: bytes.len(),
            need: HEADER_LEN,
        })?;
        Ok(Self {
            genctr: raw.genctr.get(),
            numrec: raw.numrec.get(),
            recfmt: raw.recfmt.get(),
        })
    }

    /// The number of entries to read.
    ///
    /// # Errors
    /// An unknown record format, or more than [`MAX_RECORDS`].
    pub fn records(&self) -> Result<usize, LogPageError> {
        if self.recfmt != 0 {
            return Err(LogPageError::RecordFormat(self.recfmt));
        }
        match usize::try_from(self.numrec) {
            Ok(count) if self.numrec <= MAX_RECORDS => Ok(count),
            _ => Err(LogPageError::TooManyRecords(self.numrec)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_endian_and_exactly_1024_bytes() {
        let mut bytes = [0xff_u8; HEADER_LEN];
        bytes[..18].copy_from_slice(&[1, 2, 0, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let header = Header::decode(&bytes).unwrap();
        assert_eq!(header.genctr, 0x0300_0000_0000_0201);
        assert_eq!(header.records(), Ok(2));
        assert_eq!(Header::decode(&[bytes, bytes].concat()), Ok(header));
        assert_eq!(
            Header::decode(&bytes[..1023]),
            Err(LogPageError::Short {
                what: "header",
                have: 1023,
                need: 1024
            })
        );
    }

    #[test]
    fn lies_are_not_believed() {
        let header = |numrec, recfmt| Header {
            genctr: 1,
            numrec,
            recfmt,
        };
        assert_eq!(header(MAX_RECORDS, 0).records(), Ok(65536));
        for numrec in [MAX_RECORDS + 1, u64::MAX] {
            assert_eq!(
                header(numrec, 0).records(),
                Err(LogPageError::TooManyRecords(numrec))
            );
        }
        assert_eq!(header(1, 1).records(), Err(LogPageError::RecordFormat(1)));
    }
}
