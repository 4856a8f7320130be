//! What can be wrong with a table, row by row.

use super::{BAD_CONTROL, DHCP_IPV4, Nbft, STATIC_IPV4, changed};

/// Bytes at an offset, and what decoding says to them.
type Row = ((usize, &'static [u8]), &'static str);

const REJECTED: &[Row] = &[
    ((0, b"NFIT"), "the signature is `NFIT` instead of `NBFT`"),
    (
        (4, &[0xff, 0xff, 0xff, 0xff]),
        "header at offset 0x4: the length is `4294967295`, but the file has 725 bytes",
    ),
    (
        (4, &[0x7f, 0, 0, 0]),
        "it has 127 bytes: header and control descriptor alone need 128",
    ),
    (
        (8, &[2]),
        "header at offset 0x8: major revision `2` is unknown: expected 1",
    ),
    (
        (0x24, &[0xff, 0xff, 0xff, 0xff]),
        "header at offset 0x24: the heap of 405 bytes at offset 0xffffffff is not within the table of 725 bytes",
    ),
    (
        (0x28, &[0x96]),
        "header at offset 0x24: the heap of 406 bytes at offset 0x140 is not within the table of 725 bytes",
    ),
    (
        (0x40, &[2]),
        "control descriptor at offset 0x40: structure id `2`: expected 1",
    ),
    (
        (0x41, &[0]),
        "control descriptor at offset 0x41: major revision `0` is unknown: expected 1",
    ),
    (
        (0x44, &[63]),
        "control descriptor at offset 0x44: the length is `63`: expected at least 64",
    ),
    (
        (0x54, &[31]),
        "control descriptor: HFI descriptors have `31` bytes each: expected at least 32",
    ),
    (
        (0x50, &[0, 0, 0, 0]),
        "control descriptor: the list of 1 HFI descriptors with 32 bytes each at offset 0x0 is not within the table of 725 bytes",
    ),
    (
        (0x58, &[0x56, 2]),
        "control descriptor: the list of 1 SSNS descriptors with 128 bytes each at offset 0x256 is not within the table of 725 bytes",
    ),
    (
        (0x5f, &[255]),
        "control descriptor: the list of 255 SSNS descriptors with 128 bytes each at offset 0xc0 is not within the table of 725 bytes",
    ),
    (
        (0x60, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0xff]),
        "control descriptor: the list of 255 security descriptors with 65535 bytes each at offset 0xffffffff is not within the table of 725 bytes",
    ),
    (
        (0x6f, &[1]),
        "control descriptor: discovery descriptors have `0` bytes each: expected at least 32",
    ),
    (
        (0x46, &[2]),
        "control descriptor at offset 0x46: the flags `0x02` do not mark it as valid: expected bit 0 to be set",
    ),
];

const LEFT_OUT: &[Row] = &[
    (
        (0x48, &[0xff, 0xff]),
        "host at offset 0xffff is left out: its 32 bytes at offset 0xffff are not within the table, or fewer than 32",
    ),
    (
        (0x4c, &[31]),
        "host at offset 0x80 is left out: its 31 bytes at offset 0x80 are not within the table, or fewer than 32",
    ),
    (
        (0x80, &[3]),
        "host at offset 0x80 is left out: structure id `3`: expected 2",
    ),
    (
        (0xa0, &[4]),
        "HFI 1 at offset 0xa0 is left out: structure id `4`: expected 3",
    ),
    (
        (0xa3, &[1]),
        "HFI 1 at offset 0xa0 is left out: transport type `1` is unknown: expected 3 (TCP)",
    ),
    (
        (0xb0, &[0xff, 0xff, 0xff, 0xff]),
        "HFI 1 at offset 0xa0 is left out: transport information: the 128 bytes at offset 0xffffffff are not within the heap",
    ),
    (
        (0xb4, &[0, 0]),
        "HFI 1 at offset 0xa0 is left out: transport information is missing",
    ),
    (
        (0xb4, &[127]),
        "HFI 1 at offset 0xa0 is left out: transport information has `127` bytes: expected at least 128",
    ),
    (
        (0x1fb, &[8]),
        "HFI 1 at offset 0xa0 is left out: transport information has structure id `8`: expected 7",
    ),
    (
        (0x1fc, &[2]),
        "HFI 1 at offset 0xa0 is left out: transport information version `2` is unknown: expected 1",
    ),
    (
        (0x1fd, &[4]),
        "HFI 1 at offset 0xa0 is left out: transport type `4` is unknown: expected 3 (TCP)",
    ),
    (
        (0x1fb + 17, &[0xff, 0x0f]),
        "HFI 1 at offset 0xa0 is left out: VLAN `4095` is not possible: expected 0 (none) to 4094",
    ),
    (
        (0xc5, &[1]),
        "SSNS 1 at offset 0xc0 is left out: transport type `1` is unknown: expected 3 (TCP)",
    ),
    (
        (0xce, &[4]),
        "SSNS 1 at offset 0xc0 is left out: transport address has `4` bytes: expected 16",
    ),
    (
        (0xce, &[0]),
        "SSNS 1 at offset 0xc0 is left out: transport address is missing",
    ),
    (
        (0x299, b"x"),
        "SSNS 1 at offset 0xc0 is left out: transport service id: `x420` is not a port: expected 1 to 65535",
    ),
    (
        (0x299, &[0xff]),
        "SSNS 1 at offset 0xc0 is left out: transport service id is not printable text",
    ),
    (
        (0xf6, &[0xff, 0xff]),
        "SSNS 1 at offset 0xc0 is left out: NQN: the 65 bytes at offset 0xffff are not within the heap",
    ),
    (
        (0xfa, &[0xff, 0xff]),
        "SSNS 1 at offset 0xc0 is left out: NQN: the 65535 bytes at offset 0x2a0 are not within the heap",
    ),
    (
        (0xfa, &[0, 0]),
        "SSNS 1 at offset 0xc0 is left out: NQN is missing",
    ),
    (
        (0xc3, &[0x55]),
        "SSNS 1 at offset 0xc0 is left out: there is no usable security descriptor `0`, which it refers to",
    ),
    (
        (0x144, &[7]),
        "discovery 1 at offset 0x140 is left out: there is no usable security descriptor `7`, which it refers to",
    ),
    (
        (0x14a, &[0, 0]),
        "discovery 1 at offset 0x140 is left out: URI is missing",
    ),
    (
        (0x2f5, &[0x1b]),
        "discovery 1 at offset 0x140 is left out: URI is not printable text",
    ),
];

const FIELD_LOST: &[Row] = &[
    (
        (0x1b6, &[0xff]),
        "host at offset 0x80: host NQN is not printable text",
    ),
    (
        (0x27c, &[7]),
        "HFI 1 at offset 0xa0: host name is not printable text",
    ),
    (
        (0x1fb + 4, &[9]),
        "HFI 1 at offset 0xa0: transport information says to belong to index `9`",
    ),
    (
        (0xee, &[9]),
        "SSNS 1 at offset 0xc0: there is no usable HFI descriptor `9`, which it refers to",
    ),
    (
        (0x29e, &[9]),
        "SSNS 1 at offset 0xc0: there is no usable HFI descriptor `9`, which it refers to",
    ),
    (
        (0xc8, &[9]),
        "SSNS 1 at offset 0xc0: there is no usable discovery descriptor `9`, which it refers to",
    ),
    (
        (0x100, &[17]),
        "SSNS 1 at offset 0xc0: extended information has `17` bytes: expected at least 18",
    ),
    (
        (0x2e2, &[8]),
        "SSNS 1 at offset 0xc0: extended information has structure id `8`: expected 9",
    ),
    (
        (0x2e4, &[2]),
        "SSNS 1 at offset 0xc0: extended information says to belong to index `2`",
    ),
    (
        (0x143, &[9]),
        "discovery 1 at offset 0x140: there is no usable HFI descriptor `9`, which it refers to",
    ),
];

#[test]
fn what_rejects_a_table() {
    for (change, message) in REJECTED {
        let bytes = changed(STATIC_IPV4, &[*change]);
        assert_eq!(Nbft::decode(&bytes).unwrap_err().to_string(), *message);
    }
    assert_eq!(
        Nbft::decode(BAD_CONTROL).unwrap_err().to_string(),
        "control descriptor at offset 0x46: the flags `0x2c` do not mark it as valid: expected bit 0 to be set"
    );
    let mut flipped = STATIC_IPV4.to_vec();
    flipped[700] ^= 1;
    assert_eq!(
        Nbft::decode(&flipped).unwrap_err().to_string(),
        "header at offset 0x9: the checksum is wrong, the bytes sum up to `0xff` instead of 0"
    );
}

#[test]
fn what_is_cut_off_is_rejected() {
    for length in 0..STATIC_IPV4.len() {
        assert!(Nbft::decode(&STATIC_IPV4[..length]).is_err(), "{length}");
    }
}

#[test]
fn what_costs_a_descriptor() {
    for (change, message) in LEFT_OUT {
        let table = Nbft::decode(&changed(DHCP_IPV4, &[*change])).unwrap();
        assert_eq!(table.problems[0].to_string(), *message);
        assert!(table.problems[0].left_out);
        let lists = table.hfis.len() + table.subsystems.len() + table.discovery.len();
        let left = lists + usize::from(table.host.is_some());
        assert_eq!(left, 3, "{message}");
    }
}

#[test]
fn what_costs_a_field() {
    for (change, message) in FIELD_LOST {
        let table = Nbft::decode(&changed(DHCP_IPV4, &[*change])).unwrap();
        let messages: Vec<_> = table.problems.iter().map(ToString::to_string).collect();
        assert_eq!(messages, [*message]);
        let lists = table.hfis.len() + table.subsystems.len() + table.discovery.len();
        assert_eq!(lists, 3, "{message}");
    }
}
