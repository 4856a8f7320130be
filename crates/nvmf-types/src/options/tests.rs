//! Setting and showing options.

use super::*;

#[test]
fn values_out_of_range() {
    let mut options = ConnectOptions::default();
    for (key, value) in [
        ("nr-io-queues", "0"),
        ("queue-size", "15"),
        ("tos", "256"),
        ("ctrl-loss-tmo", "-2"),
        ("reconnect-delay", "0x"),
        ("tls", "maybe"),
        ("keep-alive-tmo", "+5"),
        ("keyring", "0"),
        ("tls-key", ".nvme"),
        ("tls-key-identity", "a\tb"),
    ] {
        assert!(
            matches!(options.set(key, value), Err(OptionError::Value { .. })),
            "{key}={value}"
        );
    }
    assert_eq!(
        options.set("nonsense", "1"),
        Err(OptionError::Unknown("nonsense".into()))
    );
    assert_eq!(
        options,
        ConnectOptions::default(),
        "an error changes nothing"
    );
}

#[test]
fn every_key_can_be_set_and_reset() {
    for key in ConnectOptions::KEYS {
        let mut options = ConnectOptions::default();
        options
            .set(key, if key.ends_with("-size") { "32" } else { "1" })
            .unwrap();
        assert_ne!(options, ConnectOptions::default(), "{key}");
        let [(name, value)] = options.settings()[..] else {
            panic!("{key}")
        };
        assert_eq!(name, key);
        let mut again = ConnectOptions::default();
        again.set(name, &value.expose()).unwrap();
        assert_eq!(again, options, "{key}");
        options.set(key, "").unwrap();
        assert_eq!(options, ConnectOptions::default(), "{key}");
    }
}

#[test]
fn secrets_are_not_shown() {
    let mut options = ConnectOptions::default();
    options.set("dhchap-secret", "DHHC-1:00:hush:").unwrap();
    assert!(!format!("{options:?}").contains("hush"));
    for key in ["tls", "concat", "keyring", "tls-key", "tls-key-identity"] {
        let error = options.set(key, "NVMeTLSkey-1:01:hush:").unwrap_err();
        assert!(!format!("{error:?} {error}").contains("hush"), "{key}");
    }
}

#[test]
fn keys_by_name_and_secrets_by_reference() {
    let mut options = ConnectOptions::default();
    options.set("tls-key-identity", "12").unwrap();
    let described = KeyName::Description("12".to_owned());
    assert_eq!(options.tls_key, Some(described.clone()));
    options.set("tls-key", "0x12").unwrap();
    assert_eq!(
        options.tls_key,
        Some(KeyName::Serial(18)),
        "the last counts"
    );
    options.set("keyring", ".nvme").unwrap();
    options.set("kxchap-secret", "file:/k").unwrap();
    let json = serde_json::to_string(&options).unwrap();
    for part in [
        r#""keyring":".nvme""#,
        r#""tls-key":18"#,
        r#""dhchap-secret":"file:/k""#,
    ] {
        assert!(json.contains(part), "{json}");
    }
    let again: ConnectOptions = serde_json::from_str(&json).unwrap();
    assert_eq!(again, options);
    let error = options.set("dhchap-ctrl-secret", "file:k").unwrap_err();
    assert_eq!(
        error.to_string(),
        "kxchap-ctrl-secret: `file:k` has no absolute path: expected file:/path"
    );
}
