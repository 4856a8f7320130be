//! `DHHC-1:<hash>:<base64 of key and CRC-32>:` (Base Specification 2.x §8.3.5.5.7; Linux
//! `drivers/nvme/common/auth.c`, `nvme_auth_extract_key`).

use thiserror::Error;

/// Why a text is no DH-HMAC-CHAP secret. It never holds any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MalformedDhchap {
    /// Not the three parts.
    #[error("it does not consist of `DHHC-1`, a hash and base64, with a colon behind each")]
    Form,
    /// Another hash than the four that there are.
    #[error("its hash is none of 00, 01, 02 and 03")]
    Hash,
    /// The key is no base64.
    #[error("its third part is not base64")]
    Base64,
    /// The key has an impossible length.
    #[error("its key has {0} bytes instead of 32, 48 or 64")]
    Length(usize),
    /// A part of it was changed.
    #[error("its checksum is wrong: a character is missing or was changed")]
    Checksum,
}

pub(super) fn check(text: &str) -> Result<(), MalformedDhchap> {
    let rest = text.strip_prefix("DHHC-1:").ok_or(MalformedDhchap::Form)?;
    let (hash, rest) = rest.split_once(':').ok_or(MalformedDhchap::Form)?;
    let key = rest.strip_suffix(':').ok_or(MalformedDhchap::Form)?;
    if !matches!(hash, "00" | "01" | "02" | "03") {
        return Err(MalformedDhchap::Hash);
    }
    let bytes = base64(key).ok_or(MalformedDhchap::Base64)?;
    let Some((key, checksum)) = bytes.split_last_chunk::<4>() else {
        return Err(MalformedDhchap::Length(0));
    };
    if !matches!(key.len(), 32 | 48 | 64) {
        return Err(MalformedDhchap::Length(key.len()));
    }
    match crc32(key) == u32::from_le_bytes(*checksum) {
        true => Ok(()),
        false => Err(MalformedDhchap::Checksum),
    }
}

/// RFC 4648 §4, padding required.
fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    if !text.len().is_multiple_of(4) || padding > 2 {
        return None;
    }
    let (mut bytes, mut buffer, mut bits) = (Vec::new(), 0_u32, 0);
    for digit in digits.bytes() {
        let six = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        buffer = buffer << 6 | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            let [.., byte] = (buffer >> bits).to_be_bytes();
            bytes.push(byte);
        }
    }
    Some(bytes)
}

/// The CRC-32 of Ethernet and zlib.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), step)
    });
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the bytes 0 to 31.
    const GOOD: &str = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";

    #[test]
    fn known_values() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(base64("TWE=").unwrap(), b"Ma");
        assert_eq!(base64("TWFu").unwrap(), b"Man");
        assert_eq!(base64("").unwrap(), b"");
    }

    #[test]
    fn well_formed_and_not() {
        assert_eq!(check(GOOD), Ok(()));
        assert_eq!(check(&GOOD.replace(":00:", ":03:")), Ok(()));
        for (text, why) in [
            ("", MalformedDhchap::Form),
            ("hush", MalformedDhchap::Form),
            ("DHHC-1:00", MalformedDhchap::Form),
            (GOOD.strip_suffix(':').unwrap(), MalformedDhchap::Form),
            (&GOOD.replace(":00:", ":04:"), MalformedDhchap::Hash),
            (&GOOD.replace(":00:", ":0:"), MalformedDhchap::Hash),
            ("DHHC-1:00::", MalformedDhchap::Length(0)),
            ("DHHC-1:00:TWFuTWFu:", MalformedDhchap::Length(2)),
            ("DHHC-1:00:TWFuTWF:", MalformedDhchap::Base64),
            ("DHHC-1:00:TWFu====:", MalformedDhchap::Base64),
            ("DHHC-1:00:TWF*:", MalformedDhchap::Base64),
            (&GOOD.replace("AAEC", "AAED"), MalformedDhchap::Checksum),
        ] {
            assert_eq!(check(text), Err(why), "{text}");
        }
    }
}
