//! What is in an attribute's file.

use nvmf_types::Owner;

/// The value in a file's content: without line ends, and none in an empty file. What is not UTF-8
/// is replaced.
pub(super) fn value(content: &[u8]) -> Option<String> {
    if content.is_empty() {
        return None;
    }
    let text = String::from_utf8_lossy(content);
    Some(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// The owner that a value means. What another tool wrote against the rules still means that
/// somebody owns the controller: it is shown with `_` for what an owner cannot have.
pub(super) fn believed_owner(text: &str) -> Option<Owner> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let shown: String = text
        .chars()
        .take(Owner::MAX_LEN)
        .map(|c| if fits(c) { c } else { '_' })
        .collect();
    shown.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        for (content, expected) in [
            (&b""[..], None),
            (b"\n", Some("")),
            (b"a\n", Some("a")),
            (b"a\r\n\n", Some("a")),
            (b" a b \n", Some(" a b ")),
            (b"a\nb\n", Some("a\nb")),
            (b"\xff", Some("\u{fffd}")),
        ] {
            assert_eq!(value(content).as_deref(), expected, "{content:?}");
        }
    }

    #[test]
    fn owners_against_the_rules() {
        for (text, expected) in [
            ("", None),
            ("stas", Some("stas")),
            ("not an owner!", Some("not_an_owner_")),
            ("a\nb", Some("a_b")),
            (" ", Some("_")),
        ] {
            let owner = believed_owner(text).map(|owner| owner.to_string());
            assert_eq!(owner.as_deref(), expected, "{text:?}");
        }
        assert_eq!(believed_owner(&"x".repeat(100)).unwrap().as_str().len(), 64);
    }
}
