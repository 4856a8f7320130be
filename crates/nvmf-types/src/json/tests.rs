use proptest::prelude::*;

use super::*;

/// What everybody else makes of it.
fn plain(value: &Value) -> serde_json::Value {
    match &value.kind {
        Kind::Null => serde_json::Value::Null,
        Kind::Bool(bool) => (*bool).into(),
        Kind::Number(text) => serde_json::from_str(text).unwrap(),
        Kind::Text(text) => text.as_str().into(),
        Kind::Array(values) => values.iter().map(plain).collect(),
        Kind::Object(members) => members
            .iter()
            .map(|(key, value)| (key.clone(), plain(value)))
            .collect(),
    }
}

#[test]
fn everything_there_is() {
    let text = "\u{feff} {\"a\" : [ 1, -0.5e+3 , true,false , null , {}, []],\r\n\"\\u00e9\\ud83d\\ude00\\n\\\"\\\\\\/\":\"é\" }\n";
    let value = parse(text).unwrap();
    let want: serde_json::Value = serde_json::from_str(&text[3..]).unwrap();
    assert_eq!(plain(&value), want);
    let Kind::Object(members) = value.kind else {
        panic!()
    };
    assert_eq!(members[0].1.span.line, 1);
    assert_eq!(members[1].1.span.line, 2);
}

#[test]
fn where_it_is_wrong() {
    for (text, line, column, what) in [
        ("", 1, 1, "the end instead of a value"),
        ("[1,]", 1, 4, "no value"),
        ("[\n 1 2]", 2, 4, "no `,` or `]` behind a value"),
        (
            "{\"é\": 1\n  \"b\": 2}",
            2,
            3,
            "no `,` or `}` behind a value",
        ),
        ("{a: 1}", 1, 2, "no `\"` to start a key"),
        ("{\"a\" 1}", 1, 6, "no `:` behind a key"),
        (
            "\"a\nb\"",
            1,
            3,
            "a line end or control character in a string",
        ),
        ("\"a", 1, 3, "the end in a string"),
        ("\"\\x\"", 1, 4, "an unknown escape"),
        ("\"\\ud800x\"", 1, 8, "half a character as an escape"),
        ("\"\\u12g4\"", 1, 7, "no four hex digits behind `\\u`"),
        ("01", 1, 2, "something behind the end"),
        ("1.", 1, 3, "a malformed number"),
        ("-", 1, 2, "a malformed number"),
        ("tru", 1, 4, "no value"),
        ("[] // x", 1, 4, "something behind the end"),
        ("'a'", 1, 1, "no value"),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(
            (error.line, error.column, error.what),
            (line, column, what),
            "{text}"
        );
    }
}

#[test]
fn deep_is_not_endless() {
    let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(&nested(DEPTH)).is_ok());
    assert_eq!(
        parse(&nested(DEPTH + 1)).unwrap_err().what,
        "too deep a nesting"
    );
    assert!(parse(&"[".repeat(1_000_000)).is_err());
}

proptest! {
    #[test]
    fn as_everybody_else_reads_it(text in "[\\[\\]{}:,\"\\\\ua0-9.eE+ trfalsn\n-]{0,24}") {
        let theirs: serde_json::Result<serde_json::Value> = serde_json::from_str(&text);
        // what a number is worth is not asked here
        prop_assume!(!theirs.as_ref().is_err_and(|e| e.to_string().contains("out of range")));
        let ours = parse(&text).map(|value| plain(&value));
        prop_assert_eq!(ours.ok(), theirs.ok());
    }
}
