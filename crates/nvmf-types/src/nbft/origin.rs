//! Places in boot tables.

use std::fmt;

/// Which entry of which table a connection comes from, written `NBFT entry SSNS 2, HFI 1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootOrigin {
    /// Name of the table's file: `NBFT`, `NBFT1`, …
    pub table: String,
    /// The entry.
    pub entry: BootEntry,
    /// Index of the interface; `None`: whichever there is.
    pub hfi: Option<u8>,
}

/// An entry, by its index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BootEntry {
    /// Namespaces of one controller.
    Ssns(Vec<u16>),
    /// A discovery controller.
    Discovery(u8),
}

impl fmt::Display for BootOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.table, self.entry)?;
        match self.hfi {
            Some(hfi) => write!(f, ", HFI {hfi}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for BootEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Discovery(index) => write!(f, "entry Discovery {index}"),
            Self::Ssns(indexes) => {
                let entry = if indexes.len() == 1 {
                    "entry"
                } else {
                    "entries"
                };
                let indexes: Vec<_> = indexes.iter().map(u16::to_string).collect();
                write!(f, "{entry} SSNS {}", indexes.join(" and "))
            }
        }
    }
}
