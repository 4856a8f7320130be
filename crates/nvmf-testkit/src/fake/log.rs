//! A discovery log page that may say anything (Base Specification, Get Log Page 70h).

use crate::host::DISCOVERY_NQN;

/// Length of the header and of each record.
pub(super) const RECORD: usize = 1024;

/// What the fake discovery controller says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FakeLog {
    /// Generation counter of the header.
    pub genctr: u64,
    /// Number of records the header claims; the true number if `None`.
    pub numrec: Option<u64>,
    /// The records that are there. What is read beyond them is zero.
    pub records: Vec<FakeRecord>,
    /// Whether each read of the header finds another generation.
    pub restless: bool,
    /// Whether a read is never answered.
    pub mute: bool,
    /// Whether a Connect is not answered, before this is false.
    pub aloof: bool,
}

/// One record: a subsystem reached by NVMe/TCP over IPv4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FakeRecord {
    /// Subsystem type: 1 referral, 2 NVM subsystem, 3 this discovery subsystem.
    pub subtype: u8,
    /// Subsystem NQN; cut at 256 bytes.
    pub subnqn: String,
    /// Transport address; cut at 256 bytes.
    pub traddr: String,
    /// Transport service id; cut at 32 bytes.
    pub trsvcid: String,
    /// Entry flags: 1 DUPRETINFO, 2 EPCSD.
    pub eflags: u16,
}

impl FakeLog {
    /// The bytes `offset .. offset + length`.
    pub(super) fn read(&self, offset: u64, length: usize) -> Vec<u8> {
        let mut page = vec![0; RECORD];
        let numrec = self.numrec.unwrap_or(self.records.len() as u64);
        fill(&mut page, 0, &self.genctr.to_le_bytes());
        fill(&mut page, 8, &numrec.to_le_bytes());
        for record in &self.records {
            page.extend(record.encode());
        }
        let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
        let mut bytes: Vec<u8> = page.into_iter().skip(skipped).take(length).collect();
        bytes.resize(length, 0);
        bytes
    }
}

impl FakeRecord {
    /// A subsystem at 127.0.0.1.
    #[must_use]
    pub fn subsystem(subnqn: &str, port: u16) -> Self {
        Self {
            subtype: 2,
            subnqn: subnqn.to_owned(),
            traddr: "127.0.0.1".to_owned(),
            trsvcid: port.to_string(),
            eflags: 0,
        }
    }

    /// Another discovery controller at 127.0.0.1.
    #[must_use]
    pub fn referral(port: u16) -> Self {
        Self {
            subtype: 1,
            ..Self::subsystem(DISCOVERY_NQN, port)
        }
    }

    /// The discovery controller itself, with these entry flags.
    #[must_use]
    pub fn own(port: u16, eflags: u16) -> Self {
        Self {
            subtype: 3,
            eflags,
            ..Self::subsystem(DISCOVERY_NQN, port)
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut record = vec![0; RECORD];
        // trtype tcp, adrfam IPv4, subtype, treq; portid 1; cntlid any; asqsz 32.
        fill(
            &mut record,
            0,
            &[3, 1, self.subtype, 0, 1, 0, 0xff, 0xff, 32, 0],
        );
        fill(&mut record, 10, &self.eflags.to_le_bytes());
        for (at, room, text) in [
            (32, 32, &self.trsvcid),
            (256, 256, &self.subnqn),
            (512, 256, &self.traddr),
        ] {
            let text = text.as_bytes();
            fill(&mut record, at, text.get(..room).unwrap_or(text));
        }
        record
    }
}

/// Copies `bytes` to `at`, as far as there is room.
pub(super) fn fill(buffer: &mut [u8], at: usize, bytes: &[u8]) {
    for (to, from) in buffer.iter_mut().skip(at).zip(bytes) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_piece_of_the_page_can_be_read_and_beyond_it_is_zero() {
        let log = FakeLog {
            genctr: 7,
            numrec: Some(9),
            records: vec![FakeRecord::subsystem("nqn.2026-11.test:a", 4420)],
            ..FakeLog::default()
        };
        let header = log.read(0, 16);
        assert_eq!(header, [7, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(log.read(1024 + 256, 18), b"nqn.2026-11.test:a");
        assert_eq!(log.read(1024 + 32, 5), b"4420\0");
        assert_eq!(log.read(2040, 16), [0; 16]);
        assert_eq!(log.read(u64::MAX, 2), [0; 2]);
    }
}
