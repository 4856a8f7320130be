//! Secrets that are none: the kernel would write them to its log, which many may read.

use nvmf_types::ConnectString;

/// The options of the kernel's line that hold a DH-HMAC-CHAP secret.
const OPTIONS: [&str; 2] = ["dhchap_secret", "dhchap_ctrl_secret"];

/// The option whose value has not the form of a secret, `DHHC-1:00:…:` (Base Specification,
/// 8.3.5.5; Linux `nvmf_parse_options`). Whether its checksum fits is left to the kernel.
pub(super) fn malformed(line: &ConnectString) -> Option<&'static str> {
    let options = line.expose().split(',').filter_map(|it| it.split_once('='));
    let mut secrets = options.filter_map(|(name, value)| {
        let option = OPTIONS.into_iter().find(|option| *option == name)?;
        Some((option, value))
    });
    secrets
        .find(|(_, value)| !is_secret(value))
        .map(|(option, _)| option)
}

fn is_secret(value: &str) -> bool {
    let parts: Vec<&str> = value.split(':').collect();
    let [version, hash, key, ""] = parts.as_slice() else {
        return false;
    };
    let base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    *version == "DHHC-1"
        && matches!(*hash, "00" | "01" | "02" | "03")
        && !key.is_empty()
        && key.bytes().all(base64)
}

#[cfg(test)]
mod tests {
    use nvmf_types::{ConnectOptions, ControllerClass, TransportId};

    use super::*;

    fn malformed_of(secret: &str, ctrl_secret: &str) -> Option<&'static str> {
        let mut options = ConnectOptions::default();
        options.set("dhchap-secret", secret).unwrap();
        options.set("dhchap-ctrl-secret", ctrl_secret).unwrap();
        let tid: TransportId = "transport=loop;nqn=nqn.2014-08.org.example:a"
            .parse()
            .unwrap();
        let line = options.connect_string(&tid, ControllerClass::Io).unwrap();
        malformed(&line)
    }

    #[test]
    fn the_form_of_a_secret() {
        let good = "DHHC-1:01:AQgPFh0kKzI5QEdOVVxjanF4f4aNlJuiqbC3vsXM09pl1OOC:";
        assert_eq!(malformed_of(good, good), None);
        assert_eq!(malformed_of("", ""), None);
        for bad in [
            "hush",
            "DHHC-1:00:aaaa",
            "DHHC-1:00::",
            "DHHC-1:04:aaaa:",
            "DHHC-1:00:a a:",
            "DHHC-1:00:aaaa:x",
            "NVMeTLSkey-1:01:aaaa:",
        ] {
            assert_eq!(malformed_of(bad, good), Some("dhchap_secret"), "{bad}");
            assert_eq!(malformed_of(good, bad), Some("dhchap_ctrl_secret"), "{bad}");
        }
    }
}
