//! Any bytes in an attribute's file: without the file, so that it is fast.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmf_types::Owner;

#[path = "../../crates/nvmf/src/registry/text.rs"]
mod text;

fuzz_target!(|content: &[u8]| {
    let value = text::value(content);
    assert_eq!(value.is_none(), content.is_empty());
    let Some(value) = value else { return };
    assert!(!value.ends_with(['\r', '\n']));
    if let Ok(plain) = std::str::from_utf8(content) {
        assert!(plain.starts_with(&value));
        assert!(plain[value.len()..].bytes().all(|b| b"\r\n".contains(&b)));
    }

    let owner = text::believed_owner(&value);
    assert_eq!(owner.is_none(), value.is_empty());
    if let Some(owner) = owner {
        assert_eq!(owner.as_str().parse::<Owner>().as_ref(), Ok(&owner));
        if value.parse::<Owner>().is_ok() {
            assert_eq!(owner.as_str(), value);
        }
    }
});
