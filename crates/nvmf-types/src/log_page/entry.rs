//! One entry.

use serde::ser::{Serialize, SerializeMap, Serializer};
use zerocopy::FromBytes;

use super::raw::RawEntry;
use super::{ENTRY_LEN, LogPageError};

/// One entry of the discovery log page.
///
/// Serialised, it has the keys and words of `nvme discover -o json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Transport type.
    pub trtype: Trtype,
    /// Address family: 1 IPv4, 2 IPv6, 3 InfiniBand, 4 Fibre Channel, 254 within the host.
    pub adrfam: u8,
    /// What the entry names.
    pub subtype: Subtype,
    /// Transport requirements: bits 1:0 secure channel (1 required, 2 not required), bit 2 queues
    /// without flow control are possible.
    pub treq: u8,
    /// Port of the NVM subsystem.
    pub portid: u16,
    /// Controller id; 0xffff dynamic, 0xfffe static.
    pub cntlid: u16,
    /// Largest admin submission queue, in entries.
    pub asqsz: u16,
    /// Entry flags: bit 0 DUPRETINFO, bit 1 EPCSD, bit 2 NCC.
    pub eflags: u16,
    /// Transport service id.
    pub trsvcid: String,
    /// Name of the subsystem, as reported.
    pub subnqn: String,
    /// Transport address.
    pub traddr: String,
    /// Transport specific address subtype.
    pub tsas: [u8; 256],
}

/// Transport type (TRTYPE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trtype {
    /// 1.
    Rdma,
    /// 2.
    Fc,
    /// 3.
    Tcp,
    /// 254: within the host, Linux's loop.
    Loop,
    /// Any other value.
    Other(u8),
}

/// Subsystem type (SUBTYPE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subtype {
    /// 1: another discovery controller.
    Referral,
    /// 2: an NVM subsystem.
    Nvm,
    /// 3: the discovery controller that was asked.
    Current,
    /// Any other value.
    Other(u8),
}

/// Security type of NVMe/TCP (TSAS, SECTYPE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sectype {
    /// 0: none.
    None,
    /// 1: TLS before 1.3.
    Tls,
    /// 2: TLS 1.3.
    Tls13,
    /// Any other value.
    Other(u8),
}

impl LogEntry {
    /// Reads the entry at the beginning of `bytes`. Text ends at the first NUL and is trimmed.
    ///
    /// # Errors
    /// Fewer than [`ENTRY_LEN`] bytes, only zeros, or a text field that is not printable.
    pub fn decode(bytes: &[u8]) -> Result<Self, LogPageError> {
        let (raw, _) = RawEntry::ref_from_prefix(bytes).map_err(|_| LogPageError::Short {
            what: "entry",
            have: bytes.len(),
            need: ENTRY_LEN,
        })?;
        if bytes.iter().take(ENTRY_LEN).all(|b| *b == 0) {
            return Err(LogPageError::Zeroed);
        }
        Ok(Self {
            trtype: Trtype::from(raw.trtype),
            adrfam: raw.adrfam,
            subtype: Subtype::from(raw.subtype),
            treq: raw.treq,
            portid: raw.portid.get(),
            cntlid: raw.cntlid.get(),
            asqsz: raw.asqsz.get(),
            eflags: raw.eflags.get(),
            trsvcid: text("trsvcid", &raw.trsvcid)?,
            subnqn: text("subnqn", &raw.subnqn)?,
            traddr: text("traddr", &raw.traddr)?,
            tsas: raw.tsas,
        })
    }

    /// The security type of a TCP entry.
    #[must_use]
    pub fn sectype(&self) -> Option<Sectype> {
        let byte = self.tsas.first().filter(|_| self.trtype == Trtype::Tcp)?;
        Some(Sectype::from(*byte))
    }

    /// EPCSD: the discovery controller supports explicit persistent connections.
    #[must_use]
    pub const fn explicit_persistent(&self) -> bool {
        self.eflags & 2 != 0
    }

    /// DUPRETINFO: another port of this discovery controller returns the same page. Defined where
    /// the controller speaks of itself; elsewhere the bit means nothing (Base Specification 2.4,
    /// figure 320).
    #[must_use]
    pub fn duplicate_information(&self) -> bool {
        self.subtype == Subtype::Current && self.eflags & 1 != 0
    }

    /// [`Self::adrfam`] in a word.
    #[must_use]
    pub const fn adrfam_str(&self) -> &'static str {
        match self.adrfam {
            0 => "pci",
            1 => "ipv4",
            2 => "ipv6",
            3 => "infiniband",
            4 => "fibre-channel",
            254 => "loop",
            _ => UNKNOWN,
        }
    }

    /// [`Self::treq`] in words.
    #[must_use]
    pub const fn treq_str(&self) -> &'static str {
        match self.treq {
            0 => "not specified",
            1 => "required",
            2 => "not required",
            4 => "not specified, sq flow control disable supported",
            5 => "required, sq flow control disable supported",
            6 => "not required, sq flow control disable supported",
            _ => UNKNOWN,
        }
    }

    /// [`Self::eflags`] in words.
    #[must_use]
    pub fn eflags_str(&self) -> String {
        let words: Vec<_> = [
            (2, "explicit discovery connections"),
            (1, "duplicate discovery information"),
            (4, "no cdc connectivity"),
        ]
        .into_iter()
        .filter(|(bit, _)| self.eflags & bit != 0)
        .map(|(_, word)| word)
        .collect();
        if words.is_empty() {
            return "none".to_owned();
        }
        words.join(", ")
    }
}

const UNKNOWN: &str = "unrecognized";

fn text(field: &'static str, bytes: &[u8]) -> Result<String, LogPageError> {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    let text = bytes
        .get(..end)
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .map(str::trim)
        .filter(|text| !text.contains(char::is_control));
    text.map(str::to_owned).ok_or(LogPageError::Text(field))
}

impl From<u8> for Trtype {
    fn from(value: u8) -> Self {
        match value {
            1 => Self::Rdma,
            2 => Self::Fc,
            3 => Self::Tcp,
            254 => Self::Loop,
            other => Self::Other(other),
        }
    }
}

impl Trtype {
    /// The type in a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rdma => "rdma",
            Self::Fc => "fc",
            Self::Tcp => "tcp",
            Self::Loop => "loop",
            Self::Other(_) => UNKNOWN,
        }
    }
}

impl From<u8> for Subtype {
    fn from(value: u8) -> Self {
        match value {
            1 => Self::Referral,
            2 => Self::Nvm,
            3 => Self::Current,
            other => Self::Other(other),
        }
    }
}

impl Subtype {
    /// The type in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Referral => "discovery subsystem referral",
            Self::Nvm => "nvme subsystem",
            Self::Current => "current discovery subsystem",
            Self::Other(_) => UNKNOWN,
        }
    }
}

impl From<u8> for Sectype {
    fn from(value: u8) -> Self {
        match value {
            0 => Self::None,
            1 => Self::Tls,
            2 => Self::Tls13,
            other => Self::Other(other),
        }
    }
}

impl Sectype {
    /// The type in a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Tls => "tls",
            Self::Tls13 => "tls13",
            Self::Other(_) => UNKNOWN,
        }
    }
}

impl Serialize for LogEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("trtype", self.trtype.as_str())?;
        map.serialize_entry("adrfam", self.adrfam_str())?;
        map.serialize_entry("subtype", self.subtype.as_str())?;
        map.serialize_entry("treq", self.treq_str())?;
        map.serialize_entry("portid", &self.portid)?;
        map.serialize_entry("trsvcid", &self.trsvcid)?;
        map.serialize_entry("subnqn", &self.subnqn)?;
        map.serialize_entry("traddr", &self.traddr)?;
        map.serialize_entry("eflags", &self.eflags_str())?;
        if let Some(sectype) = self.sectype() {
            map.serialize_entry("sectype", sectype.as_str())?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_page::log::tests::bytes_of;

    #[test]
    fn every_field_from_its_place() {
        let mut bytes = bytes_of(3, 2, "4420", "nqn.2014-08.org.example:a", "192.0.2.1  ");
        bytes[3..12].copy_from_slice(&[4, 0x34, 0x12, 0xff, 0xff, 32, 0, 3, 0]);
        bytes[768] = 2;
        let entry = LogEntry::decode(&bytes).unwrap();
        assert_eq!((entry.portid, entry.cntlid), (0x1234, 0xffff));
        assert_eq!((entry.asqsz, entry.eflags), (32, 3));
        assert!(entry.explicit_persistent() && !entry.duplicate_information());
        bytes[2] = 3;
        assert!(LogEntry::decode(&bytes).unwrap().duplicate_information());
        assert_eq!(
            serde_json::to_string(&entry).unwrap(),
            r#"{"trtype":"tcp","adrfam":"ipv4","subtype":"nvme subsystem","treq":"not specified, sq flow control disable supported","portid":4660,"trsvcid":"4420","subnqn":"nqn.2014-08.org.example:a","traddr":"192.0.2.1","eflags":"explicit discovery connections, duplicate discovery information","sectype":"tls13"}"#
        );
    }

    #[test]
    fn bad_entries() {
        let good = bytes_of(3, 2, "4420", "nqn.2014-08.org.example:a", "192.0.2.1");
        let error = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            LogEntry::decode(&bytes).unwrap_err()
        };
        assert_eq!(error(33, 0xff), LogPageError::Text("trsvcid"));
        assert_eq!(error(257, 0x1b), LogPageError::Text("subnqn"));
        assert_eq!(error(513, 0x80), LogPageError::Text("traddr"));
        assert_eq!(LogEntry::decode(&[0; 1024]), Err(LogPageError::Zeroed));
        assert!(matches!(
            LogEntry::decode(&good[..1023]),
            Err(LogPageError::Short { have: 1023, .. })
        ));
    }

    #[test]
    fn a_field_without_a_nul_ends_with_the_field() {
        let entry = LogEntry::decode(&bytes_of(
            3,
            2,
            &"9".repeat(32),
            &"n".repeat(256),
            &"a".repeat(256),
        ))
        .unwrap();
        assert_eq!(entry.trsvcid.len(), 32);
        assert_eq!(entry.subnqn.len(), 256);
        assert_eq!(entry.traddr.len(), 256);
    }
}
