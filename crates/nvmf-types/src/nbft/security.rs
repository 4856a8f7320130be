//! Security profiles.

use super::decode::Descriptor;
use super::heap::Reader;
use super::raw::{HeapRef, RawSecurity};
use super::{DescriptorKind, Flaw, Nbft, Place};

/// What is demanded of connections that refer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityProfile {
    /// Its index; others refer to it by this.
    pub index: u8,
    /// Authentication within the connection (DH-HMAC-CHAP).
    pub authentication: Requirement,
    /// A secure channel (TLS).
    pub secure_channel: Requirement,
    /// Secure channel types that may be used, in the numbers of a log entry's SECTYPE.
    pub channel_algorithms: Vec<u8>,
    /// Authentication protocols that may be used.
    pub auth_protocols: Vec<u8>,
    /// Cipher suites that may be used, in bytes of the IANA registry's numbers.
    pub cipher_suites: Vec<u8>,
    /// Diffie-Hellman groups that may be used.
    pub dh_groups: Vec<u8>,
    /// Hash functions that may be used.
    pub hash_functions: Vec<u8>,
    /// What kind of place [`Self::secret_keypath`] is: 2 is a Redfish URI.
    pub secret_type: u8,
    /// Where the firmware has the secret from: a URI, never the secret itself.
    pub secret_keypath: Option<String>,
}

/// Whether something is demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// The subsystem cannot do it.
    NotSupported,
    /// It can, but does not have to.
    NotRequired,
    /// It has to.
    Required,
    /// A value that has no meaning.
    Reserved,
}

impl Requirement {
    const fn from_bits(bits: u16) -> Self {
        match bits & 3 {
            0 => Self::NotSupported,
            1 => Self::NotRequired,
            2 => Self::Required,
            _ => Self::Reserved,
        }
    }

    /// The requirement in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotSupported => "not supported",
            Self::NotRequired => "not required",
            Self::Required => "required",
            Self::Reserved => "reserved",
        }
    }
}

impl Descriptor for SecurityProfile {
    type Raw = RawSecurity;
    const KIND: DescriptorKind = DescriptorKind::Security;
    const ID: u8 = 5;

    fn head(raw: &RawSecurity) -> (bool, u8, u16) {
        (raw.flags.get() & 1 != 0, raw.structure_id, raw.index.into())
    }

    /// A list that cannot be read costs the profile: who does not know what is demanded must not
    /// connect.
    fn decode(
        raw: &RawSecurity,
        _place: Place,
        reader: &mut Reader<'_>,
        _before: &Nbft,
    ) -> Result<Option<Self>, Flaw> {
        let flags = raw.flags.get();
        let list = |used: bool, field: &'static str, place: HeapRef| {
            let found = if used {
                reader.object(field, place)?
            } else {
                None
            };
            Ok(found.unwrap_or_default().to_vec())
        };
        Ok(Some(Self {
            index: raw.index,
            authentication: Requirement::from_bits(flags >> 1),
            secure_channel: Requirement::from_bits(flags >> 5),
            auth_protocols: list(
                flags & 0x18 != 0,
                "authentication protocols",
                raw.auth_protocols,
            )?,
            channel_algorithms: list(
                flags & 0x180 != 0,
                "secure channel algorithms",
                raw.channel_algorithms,
            )?,
            cipher_suites: list(flags & 0x200 != 0, "cipher suites", raw.cipher_suites)?,
            dh_groups: list(flags & 0x400 != 0, "DH groups", raw.dh_groups)?,
            hash_functions: list(flags & 0x800 != 0, "hash functions", raw.hash_functions)?,
            secret_type: raw.secret_type,
            secret_keypath: reader
                .text("secret keypath", raw.secret_keypath)?
                .map(str::to_owned),
        }))
    }
}
