//! Lines of Debian's kernel 6.12, as it wrote them.

use super::*;

const NQN: &str = "nqn.2026-11.a:1";

fn find(messages: &[&str], error: Option<Errno>) -> Option<Reason> {
    let tid = format!("transport=tcp;traddr=192.0.2.10;nqn={NQN}");
    let messages: Vec<String> = messages.iter().map(|&it| it.to_owned()).collect();
    Reason::find(&messages, &tid.parse().unwrap(), error, |device| {
        device == "nvme7"
    })
}

fn cause(messages: &[&str], error: Errno) -> Option<Cause> {
    find(messages, Some(error)).map(|reason| reason.cause)
}

#[test]
fn what_targets_say() {
    let unknown = [
        "nvmet: connect request for invalid subsystem nqn.2026-11.a:1!",
        r#"nvme nvme0: Connect Invalid Data Parameter, subsysnqn "nqn.2026-11.a:1""#,
        "nvme nvme0: failed to connect queue: 0 ret=16770",
    ];
    let reason = find(&unknown, Some(Errno::IO)).unwrap();
    assert_eq!(reason.cause, Cause::UnknownSubsystem);
    assert_eq!(reason.status, NvmeStatus::from_linux(0x182));

    // fc calls it a success; loop does not log the status
    let fc = [
        unknown[1],
        "nvme nvme0: NVME-FC{0}: create_assoc failed, assoc_id 66248302ed940000 ret 16770",
        "nvme nvme0: NVME-FC{0}: reset: Reconnect attempt failed (16770)",
        "nvme nvme0: NVME-FC{0}: reconnect failure",
        r#"nvme nvme0: Removing ctrl: NQN "nqn.2026-11.a:1""#,
    ];
    assert_eq!(find(&fc, None).unwrap(), reason);
    let looped = find(&unknown[..2], Some(Errno::IO)).unwrap();
    assert_eq!(
        (looped.cause, looped.status),
        (Cause::UnknownSubsystem, None)
    );

    let not_allowed = [
        "nvme nvme0: Connect for subsystem nqn.2026-11.a:1 is not allowed, hostnqn: nqn.h:1",
        "nvme nvme0: failed to connect queue: 0 ret=16772",
    ];
    let reason = find(&not_allowed, Some(Errno::IO)).unwrap();
    let hostnqn = "nqn.h:1".to_owned();
    assert_eq!(reason.cause, Cause::HostNotAllowed { hostnqn });
    assert_eq!(reason.status, NvmeStatus::from_linux(0x184));

    let other = ["nvme nvme0: failed to connect queue: 0 ret=16774"];
    let reason = find(&other, Some(Errno::IO)).unwrap();
    assert_eq!(reason.cause, Cause::Rejected);
    assert_eq!(reason.status, NvmeStatus::from_linux(0x186));
}

#[test]
fn keys() {
    let failed = "nvme nvme0: qid 0: authentication failed, error -129";
    let queue = "nvme nvme0: failed to connect queue: 0 ret=-129";
    assert_eq!(
        cause(&[failed, queue], Errno::KEYREJECTED),
        Some(Cause::SecretRejected)
    );
    let damaged = ["key crc mismatch (key 83e3d465, crc 82e3d465)"];
    assert_eq!(
        cause(&damaged, Errno::KEYREJECTED),
        Some(Cause::SecretDamaged)
    );
    let controller = [
        "nvme nvme0: qid 0: authenticated with hash hmac(sha256) dhgroup null",
        "nvme nvme0: qid 0: controller authentication failed",
        "nvme nvme0: I/O tag 18 (1012) type 4 opcode 0x7f (Fabrics Cmd) QID 0 timeout",
        "nvme nvme0: failed to send request -32",
        "nvme nvme0: qid 0 auth_send failed with status 880",
        failed,
        queue,
    ];
    let reason = find(&controller, Some(Errno::KEYREJECTED)).unwrap();
    assert_eq!(
        (reason.cause, reason.status),
        (Cause::ControllerSecretRejected, None)
    );
    for (messages, expected) in [
        (
            [
                "nvme nvme0: qid 0: no key",
                "nvme nvme0: qid 0: authentication setup failed",
            ],
            Cause::NoSecret,
        ),
        (["nvme nvme1: no valid PSK found", ""], Cause::NoTlsKey),
        (
            [
                "key id 00003039 not found",
                "nvme_fabrics: key id 00003039 not found",
            ],
            Cause::NoSuchKey,
        ),
    ] {
        assert_eq!(cause(&messages, Errno::NOKEY), Some(expected));
    }
}

#[test]
fn options() {
    let named = |kind: fn(String) -> Cause, name: &str| Some(kind(name.to_owned()));
    for (message, expected) in [
        (
            "nvme_fabrics: unknown parameter or missing value 'dhchap_secret=hush' in ctrl creation request",
            named(Cause::UnknownOption, "dhchap-secret"),
        ),
        (
            "nvme_fabrics: invalid parameter 'host_iface=%s'",
            named(Cause::OtherTransportsOption, "host-iface"),
        ),
        (
            "nvme_fabrics: missing parameter 'host_traddr=%s'",
            named(Cause::MissingOption, "host-traddr"),
        ),
        (
            "nvme_fabrics: found same hostnqn nqn.h:1 but different hostid 11111111-1111-1111-1111-111111111177",
            Some(Cause::OtherHostId),
        ),
        (
            "nvme_fabrics: found same hostid 11111111-1111-1111-1111-111111111101 but different hostnqn nqn.h:zz",
            Some(Cause::OtherHostNqn),
        ),
        ("nvme_fabrics: Invalid DH-CHAP secret hush", None),
    ] {
        let found = cause(&[message], Errno::INVAL);
        assert_eq!(found, expected);
        assert!(!found.is_some_and(|it| it.to_string().contains("hush")));
    }
}

#[test]
fn addresses() {
    for (message, error, expected) in [
        (
            "nvme_tcp: invalid interface passed: nope9",
            Errno::NODEV,
            Cause::NoInterface,
        ),
        (
            "nvme_fc: nvme_fc_create_ctrl: nn-0x1:pn-0x2 - nn-0x3:pn-0x4 combination not found",
            Errno::NOENT,
            Cause::NoFcPorts,
        ),
        (
            "nvme nvme1: Connect rejected: status 8 (invalid service ID).",
            Errno::CONNRESET,
            Cause::NothingListens,
        ),
    ] {
        assert_eq!(cause(&[message], error), Some(expected));
    }
}

#[test]
fn what_others_do_is_no_reason() {
    for message in [
        // of a controller that is there
        r#"nvme nvme7: Connect Invalid Data Parameter, subsysnqn "nqn.2026-11.a:1""#,
        // of another subsystem
        r#"nvme nvme0: Connect Invalid Data Parameter, subsysnqn "nqn.2026-11.a:12""#,
        // of an attempt that ended otherwise
        "nvme nvme0: qid 0: authentication failed, error -129",
        "nvme_fabrics: found same hostnqn nqn.h:1 but different hostid 1",
        "usb 1-1: new high-speed USB device number 2",
        "",
    ] {
        assert_eq!(cause(&[message], Errno::IO), None, "{message}");
    }
}

#[test]
fn anything_can_be_in_a_log() {
    for message in [
        "nvme nvme0: failed to connect queue: 0 ret=",
        "nvme nvme0: failed to connect queue: 0 ret=99999999999999999999",
        "nvme nvme0: failed to connect queue: 0 ret=-16770",
        "nvme ",
        "nvme_fabrics: unknown parameter or missing value '",
        "hostnqn: is not allowed, hostnqn: ",
        "\u{fffd}'\u{fffd}",
    ] {
        for error in [None, Some(Errno::IO), Some(Errno::INVAL)] {
            let said = find(&[message], error).map(|reason| reason.to_string());
            assert!(said.is_none_or(|text| !text.is_empty()));
        }
    }
}
