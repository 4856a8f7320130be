//! NVMe status of a failed Connect command.

use std::fmt;

/// Status code type and status code, without the flags around them (Base Specification, Status
/// Field): `0x182` is type 1, code 82h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NvmeStatus(u16);

impl NvmeStatus {
    /// From what Linux calls a status: CRD, More and DNR above the lowest eleven bits. `None`:
    /// success, or a number that is none.
    #[must_use]
    pub fn from_linux(number: i64) -> Option<Self> {
        let number = u16::try_from(number).ok()?;
        Some(Self(number & 0x7ff)).filter(|status| status.0 != 0)
    }

    /// The specification's name (Base Specification, Status Codes; NVMe over Fabrics' own are 80h
    /// to BFh of type 1), if it is one that a Connect fails with.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0x002 => "Invalid Field in Command",
            0x006 => "Internal Error",
            0x180 => "Connect Incompatible Format",
            0x181 => "Connect Controller Busy",
            0x182 => "Connect Invalid Parameters",
            0x183 => "Connect Restart Discovery",
            0x184 => "Connect Invalid Host",
            0x185 => "Connect Invalid Queue Type",
            0x190 => "Discover Restart",
            0x191 => "Authentication Required",
            0x370 => "Host Pathing Error",
            0x371 => "Command Aborted By Host",
            _ => return None,
        })
    }
}

impl fmt::Display for NvmeStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NVMe status {:#05x}", self.0)?;
        match self.name() {
            Some(name) => write!(f, ", {name}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_the_kernels_numbers() {
        for (number, text) in [
            (16770, "NVMe status 0x182, Connect Invalid Parameters"),
            (386, "NVMe status 0x182, Connect Invalid Parameters"),
            (16772, "NVMe status 0x184, Connect Invalid Host"),
            (880, "NVMe status 0x370, Host Pathing Error"),
            (1, "NVMe status 0x001"),
        ] {
            assert_eq!(NvmeStatus::from_linux(number).unwrap().to_string(), text);
        }
        for none in [0, 0x4000, -129, 65536, i64::MAX] {
            assert_eq!(NvmeStatus::from_linux(none), None, "{none}");
        }
    }
}
