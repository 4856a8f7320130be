//! Ethernet addresses.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// An EUI-48 address, written `52:54:00:12:34:56`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr(pub [u8; 6]);

/// The text is not a [`MacAddr`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{}` is not a MAC address: expected six pairs of hex digits with colons between", .0.escape_debug())]
pub struct NotAMac(String);

impl FromStr for MacAddr {
    type Err = NotAMac;

    fn from_str(text: &str) -> Result<Self, NotAMac> {
        let wrong = || NotAMac(text.to_owned());
        let mut pairs = text.split(':');
        let mut mac = [0; 6];
        for byte in &mut mac {
            let pair = pairs.next().ok_or_else(wrong)?;
            if pair.len() != 2 || !pair.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(wrong());
            }
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        match pairs.next() {
            None => Ok(Self(mac)),
            Some(_) => Err(wrong()),
        }
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_pairs() {
        let mac: MacAddr = "52:54:00:12:AB:ff".parse().unwrap();
        assert_eq!(mac, MacAddr([0x52, 0x54, 0, 0x12, 0xab, 0xff]));
        assert_eq!(mac.to_string(), "52:54:00:12:ab:ff");
        for wrong in [
            "",
            "52:54:00:12:ab",
            "52:54:00:12:ab:ff:00",
            "52:54:0:12:ab:ff",
            "52:54:00:12:ab:+f",
            "52-54-00-12-ab-ff",
        ] {
            assert_eq!(wrong.parse::<MacAddr>(), Err(NotAMac(wrong.into())));
        }
    }
}
