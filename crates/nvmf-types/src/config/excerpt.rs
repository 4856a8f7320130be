//! What of a line may be shown.
//!
//! The rule is the safe one: a value is shown if its key is one whose values are harmless, not
//! hidden if it is known to be a secret. A misspelt `kxchap_secert` shows nothing.

use crate::{ConnectOptions, Span, ini};

use super::DaemonConfig;
use super::layer::{SECURITY, first_word};

/// How much of a line an excerpt has at most, in characters.
const LIMIT: usize = 400;

/// What secrets start with, wherever they stand.
const SECRETS: [&str; 2] = ["DHHC-1:", "NVMeTLSkey-1:"];

/// The keys besides the options whose values are no secrets: those of the configuration of connections.
const HARMLESS: [&str; 10] = [
    "transport",
    "traddr",
    "trsvcid",
    "nqn",
    "host-traddr",
    "host-iface",
    "hostnqn",
    "hostid",
    "hostsymname",
    "persistent",
];

/// The line of a configuration file without what is or may be a secret: as many characters as it
/// has, [`LIMIT`] at most.
pub(super) fn excerpt(line: &str) -> String {
    without(secrets(line), line)
}

/// [`excerpt`] of a line of command line options.
pub(super) fn command_line(line: &str) -> String {
    let mut secrets = Vec::new();
    let (mut column, mut behind_secret) = (1, false);
    for word in line.split(char::is_whitespace) {
        let option = word.split_once('=').map_or(word, |(option, _)| option);
        let letters = word.strip_prefix('-').filter(|w| !w.starts_with('-'));
        let letter = letters.and_then(|letters| letters.find(['S', 'C']));
        let shown = match (behind_secret, letter) {
            (true, _) => 0,
            // what follows the letter
            (false, Some(at)) => word.get(..=at + 1).unwrap_or_default().chars().count(),
            (false, None) if is_secret_option(option) => option.chars().count(),
            (false, None) => word.chars().count(),
        };
        secrets.push(Span {
            line: 1,
            column: column + shown,
            length: word.chars().count() - shown,
        });
        if !word.is_empty() {
            let alone = letters
                .zip(letter)
                .is_some_and(|(all, at)| at + 1 == all.len());
            behind_secret = !behind_secret && (alone || is_secret_option(word) && option == word);
        }
        column += word.chars().count() + 1;
    }
    without(secrets, line)
}

/// [`excerpt`] of a line of JSON: of one that names a key or a secret, or no key at all, only the
/// shape.
pub(super) fn json(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let harmless = line.contains(':') && !lower.contains("key") && !lower.contains("secret");
    let shown = |c: char| match c.is_alphanumeric() && !harmless {
        true => '*',
        false => printable(c),
    };
    let text: String = line.chars().map(shown).collect();
    scrub(&text).chars().take(LIMIT).collect()
}

fn is_secret_option(word: &str) -> bool {
    let name = spelt_right(word);
    name.starts_with("--") && ["secret", "tls-key"].iter().any(|part| name.contains(part))
}

fn without(secrets: Vec<Span>, line: &str) -> String {
    let mut shown: Vec<char> = line.chars().map(printable).collect();
    for secret in secrets {
        let start = secret.column.saturating_sub(1);
        let hidden = shown.iter_mut().skip(start).take(secret.length);
        hidden.for_each(|c| *c = '*');
    }
    shown.truncate(LIMIT);
    scrub(&shown.into_iter().collect::<String>())
}

/// `text` with asterisks for what looks like a secret.
pub(super) fn scrub(text: &str) -> String {
    let mut scrubbed = text.to_owned();
    for start in SECRETS {
        let mut from = 0;
        while let Some(at) = scrubbed.get(from..).and_then(|rest| rest.find(start)) {
            let begin = from + at + start.len();
            let rest = scrubbed.get(begin..).unwrap_or_default();
            let ends = |c: char| matches!(c, ';' | '`' | ',') || c.is_whitespace();
            let secret = rest.split(ends).next().unwrap_or_default();
            let asterisks = "*".repeat(secret.chars().count());
            let end = begin + secret.len();
            scrubbed.replace_range(begin..end, &asterisks);
            from = begin + asterisks.len();
        }
    }
    scrubbed
}

/// The pieces of a line that are not to be shown.
fn secrets(line: &str) -> Vec<Span> {
    let (text, span) = ini::trim(1, 1, line);
    if text.starts_with(['#', '[']) {
        return Vec::new();
    }
    let Some(entry) = ini::entry(1, 1, line) else {
        return vec![behind_first_word(text, span)];
    };
    if entry.key != "controller" {
        return secrets_of(&entry);
    }
    let parts = super::controller_line::parts(&entry);
    let secrets = parts.map(|(text, span)| match ini::entry(1, span.column, text) {
        Some(part) => secrets_of(&part),
        None => vec![behind_first_word(text, span)],
    });
    secrets.flatten().collect()
}

fn secrets_of(entry: &ini::Entry) -> Vec<Span> {
    let key = spelt_right(&entry.key);
    let option = ConnectOptions::KEYS.contains(&key.as_str()) && !SECURITY.contains(&key.as_str());
    let daemon = DaemonConfig::KEYS.contains(&key.as_str());
    let flag = matches!(key.as_str(), "tls" | "concat")
        && ConnectOptions::default().set(&key, &entry.value).is_ok();
    let reference = entry.value.starts_with("file:/") || entry.value.starts_with("credential:");
    if option || daemon || flag || reference || HARMLESS.contains(&key.as_str()) {
        return Vec::new();
    }
    vec![
        behind_first_word(&entry.key, entry.key_span),
        entry.value_span,
    ]
}

/// The key that was probably meant.
pub(super) fn spelt_right(key: &str) -> String {
    key.replace('_', "-").to_ascii_lowercase()
}

/// With a blank in the place of `=`, or on a line of its own, the rest of a line is a value.
fn behind_first_word(text: &str, span: Span) -> Span {
    let word = first_word(text).chars().count();
    Span {
        column: span.column + word,
        length: span.length.saturating_sub(word),
        ..span
    }
}

/// What a terminal may be sent in the place of `c`.
fn printable(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            char::REPLACEMENT_CHARACTER
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_and_what_not() {
        for (line, shown) in [
            ("  tos = 256  ", "  tos = 256  "),
            ("[Sub\u{1b}[2J\tx\u{202e}", "[Sub\u{fffd}[2J x\u{fffd}"),
            ("kxchap-secret = hush", "kxchap-secret = ****"),
            ("KXCHAP_secert = hush", "KXCHAP_secert = ****"),
            (
                "kxchap-secret = file:/etc/key",
                "kxchap-secret = file:/etc/key",
            ),
            ("dhchap-secret hush", "dhchap-secret*****"),
            ("dhchap-secret hush=:", "dhchap-secret*****=*"),
            ("DHHC-1:00:hush:", "DHHC-1*********"),
            ("tls = yes", "tls = yes"),
            ("tls = hush", "tls = ****"),
            ("tls-key = hush", "tls-key = ****"),
            ("nqn = DHHC-1:00:hush: x", "nqn = DHHC-1:******** x"),
            ("# DHHC-1:00:hush:", "# DHHC-1:********"),
            (
                "controller = transport=tcp; kxchap-secret = hush ;tos=1;hush",
                "controller = transport=tcp; kxchap-secret = **** ;tos=1;hush",
            ),
            (
                "controller = kxchap-secret hush;DHHC-1:00:hush:",
                "controller = kxchap-secret*****;DHHC-1*********",
            ),
        ] {
            assert_eq!(excerpt(line), shown, "{line}");
            assert_eq!(shown.chars().count(), line.chars().count(), "{line}");
        }
        assert_eq!(excerpt(&"x".repeat(1000)).len(), LIMIT);
    }

    #[test]
    fn options_and_their_secrets() {
        for (line, shown) in [
            (
                "-t tcp  --traddr=::1 -S hush -p",
                "-t tcp  --traddr=::1 -S **** -p",
            ),
            ("--dhchap-secret=hush -t tcp", "--dhchap-secret***** -t tcp"),
            (
                "--kxchap_secret  hush -t tcp",
                "--kxchap_secret  **** -t tcp",
            ),
            ("-Shush -Chush", "-S**** -C****"),
            ("-DS=hush x", "-DS***** x"),
            ("-t DHHC-1:00:hush:", "-t DHHC-1:********"),
        ] {
            assert_eq!(command_line(line), shown);
        }
    }

    #[test]
    fn json_and_its_secrets() {
        for (line, shown) in [
            (r#" "tos": 256,"#, r#" "tos": 256,"#),
            (r#""dhchap_key": "hush""#, r#""******_***": "****""#),
            (r#"  "hush""#, r#"  "****""#),
            (r#""nqn": "DHHC-1:00:hush:""#, r#""nqn": "DHHC-1:*********"#),
        ] {
            assert_eq!(json(line), shown);
        }
    }
}
