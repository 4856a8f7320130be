//! The first PDUs of an NVMe/TCP connection (NVMe/TCP Transport Specification §3.6.2.2, §3.6.2.3):
//! ICReq and ICResp, both of 128 bytes.

/// Length of ICReq and ICResp.
pub(super) const LEN: usize = 128;

/// Length of the header that all PDUs have.
pub(super) const HEADER_LEN: usize = 8;

const ICREQ: u8 = 0x00;
const ICRESP: u8 = 0x01;
pub(super) const C2H_TERM_REQ: u8 = 0x03;
const HLEN: u8 = 128;

/// An ICReq that asks for nothing: format 0, no digests, one R2T.
pub(super) const fn icreq() -> [u8; LEN] {
    let mut pdu = [0; LEN];
    pdu[0] = ICREQ;
    pdu[2] = HLEN;
    pdu[4] = HLEN;
    pdu
}

/// Whether a header is that of an ICResp; if not, what it is.
pub(super) fn check(header: &[u8; HEADER_LEN]) -> Result<(), String> {
    let [kind, _, hlen, _, plen @ ..] = header;
    match (*kind, *hlen, u32::from_le_bytes(*plen)) {
        (ICRESP, HLEN, plen) if plen == u32::from(HLEN) => Ok(()),
        (ICRESP, hlen, plen) => Err(format!("its ICResp has hlen {hlen} and plen {plen}")),
        (C2H_TERM_REQ, ..) => Err("it terminates the connection (C2HTermReq)".to_owned()),
        _ => Err(format!(
            "its answer begins with `{}`",
            header.escape_ascii()
        )),
    }
}
