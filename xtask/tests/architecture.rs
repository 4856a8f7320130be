//! Who may use whom: ARCHITECTURE.md's table, checked against what cargo says.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test: it may panic"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// For each crate the only crates that it may depend on directly (not counting dev-dependencies).
/// A new dependency is a decision: it is entered here and in ARCHITECTURE.md.
const MAY_USE: &[(&str, &[&str])] = &[
    ("nvmf-types", &["serde", "thiserror", "uuid", "zerocopy"]),
    ("nvmf", &["nvmf-types", "rustix", "thiserror"]),
    ("discoverd-core", &["nvmf-types", "serde"]),
    (
        "nvmf-connector",
        &[
            "nvmf",
            "nvmf-types",
            "anyhow",
            "rustix",
            "sd-notify",
            "serde",
            "serde_json",
            "thiserror",
        ],
    ),
    ("nvmf-capi", &["nvmf", "nvmf-types", "libc"]),
    ("nvmf-python", &["nvmf", "nvmf-types", "pyo3", "rustix"]),
    (
        "nvme-discoverd",
        &[
            "discoverd-core",
            "nvmf",
            "nvmf-connector",
            "nvmf-types",
            "anyhow",
            "futures-core",
            "lexopt",
            "prometheus-client",
            "rustix",
            "sd-notify",
            "serde",
            "serde_json",
            "sha2",
            "tokio",
            "tracing",
            "tracing-journald",
            "tracing-subscriber",
            "zbus",
        ],
    ),
    (
        "nvmf-cli",
        &[
            "discoverd-core",
            "nvmf",
            "nvmf-types",
            "annotate-snippets",
            "anstream",
            "anstyle",
            "anyhow",
            "clap",
            "clap_complete",
            "comfy-table",
            "dialoguer",
            "futures-core",
            "indicatif",
            "ratatui",
            "rustix",
            "serde",
            "serde_json",
            "tokio",
            "zbus",
        ],
    ),
];

/// Crates for tests and for building: nothing that is shipped may use them.
const NOT_SHIPPED: &[&str] = &["nvmf-testkit", "vm-tests", "xtask"];

#[test]
fn crates_use_only_what_the_architecture_allows() {
    let used = direct_dependencies();
    for (name, allowed) in MAY_USE {
        let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
        let extra: Vec<&str> = used[*name]
            .iter()
            .map(String::as_str)
            .filter(|d| !allowed.contains(d))
            .collect();
        assert!(
            extra.is_empty(),
            "{name} may not use {extra:?}: see ARCHITECTURE.md"
        );
    }
}

#[test]
fn every_crate_is_in_the_table() {
    let known: BTreeSet<&str> = MAY_USE
        .iter()
        .map(|(name, _)| *name)
        .chain(NOT_SHIPPED.iter().copied())
        .collect();
    for name in direct_dependencies().keys() {
        assert!(
            known.contains(name.as_str()),
            "{name} is not in the table of this test"
        );
    }
}

#[test]
fn pure_crates_carry_their_own_lint_rules() {
    for name in ["nvmf-types", "discoverd-core"] {
        let path = format!(
            "{}/../crates/{name}/clippy.toml",
            env!("CARGO_MANIFEST_DIR")
        );
        let rules = std::fs::read_to_string(&path).unwrap();
        for word in [
            "HashMap",
            "std::fs::read",
            "std::time::Instant",
            "std::env::var",
        ] {
            assert!(
                rules.contains(word),
                "{name}/clippy.toml no longer bans {word}"
            );
        }
    }
}

fn direct_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap();
            let direct = dependencies
                .iter()
                .filter(|d| d["kind"] != "dev")
                .map(|d| text(&d["name"]));
            (text(&package["name"]), direct.collect())
        })
        .collect()
}
