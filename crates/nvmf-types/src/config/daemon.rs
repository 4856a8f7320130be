//! How the daemon behaves: `nvme-discoverd.conf`.

use serde::{Deserialize, Serialize};

use crate::ini::{self, Document, Entry};

use super::excerpt::excerpt;
use super::layer::first_word;
use super::read::{strays, unknown_section};
use super::report::{FileReport, Report};
use super::{ConfigFile, Problem, Problems};

const GLOBAL: &str = "Global";

/// The `[Global]` section of `nvme-discoverd.conf`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct DaemonConfig {
    /// Milliseconds without a change after which the exclusion files are read (default 1000).
    pub exclusion_soak_ms: u64,
    /// Milliseconds a target has to answer the probe (default 2000).
    pub probe_timeout_ms: u64,
    /// Milliseconds before the first retry (default 1000); key `retry-initial`, in seconds.
    pub retry_initial_ms: u64,
    /// Milliseconds between two retries at most (default 300000); key `retry-max`, in seconds.
    pub retry_max_ms: u64,
    /// What is logged: error, warning, info (default), debug or trace.
    pub debug_level: LogLevel,
}

/// How much the daemon logs.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Only what failed.
    Error,
    /// Also what is odd.
    Warning,
    /// Also what was done.
    #[default]
    Info,
    /// Also why.
    Debug,
    /// Everything.
    Trace,
}

impl Default for DaemonConfig {
    fn default() -> Self {
        Self {
            exclusion_soak_ms: 1000,
            probe_timeout_ms: 2000,
            retry_initial_ms: 1000,
            retry_max_ms: 300_000,
            debug_level: LogLevel::default(),
        }
    }
}

impl DaemonConfig {
    /// Reads the text of `file`; what it does not say keeps its default. The problems returned
    /// beside it are warnings.
    ///
    /// # Errors
    /// Everything that is wrong, in one go.
    pub fn parse(file: &str, text: &str) -> Result<(Self, Vec<Problem>), Problems> {
        let mut config = Self::default();
        let mut report = Report::default();
        let mut here = report.file(file);
        let document = ini::parse(text);
        strays(&document, &mut here);
        for section in &document.sections {
            if section.name == GLOBAL {
                for entry in &section.entries {
                    config.set(entry, &mut here);
                }
            } else {
                unknown_section(section, &[GLOBAL], &mut here);
            }
        }
        if config.retry_initial_ms > config.retry_max_ms
            && let Some(entry) = last_retry(&document)
        {
            here.error(
                entry.value_span,
                "retry-initial is longer than retry-max",
                "write a shorter retry-initial or a longer retry-max",
            );
        }
        let harmless = report.finish(&[ConfigFile::new(file, text)], excerpt)?;
        Ok((config, harmless.warnings))
    }

    fn set(&mut self, entry: &Entry, report: &mut FileReport<'_>) {
        let default = Self::default();
        let mut number = |default_ms: u64, unit: u64, (low, high): (u64, u64)| {
            if entry.value.is_empty() {
                return default_ms;
            }
            let digits = entry.value.bytes().all(|b| b.is_ascii_digit());
            match entry.value.parse::<u64>() {
                Ok(n) if digits && (low..=high).contains(&n) => n * unit,
                _ => {
                    impossible(entry, &format!("write {low} to {high}"), report);
                    default_ms
                }
            }
        };
        match entry.key.as_str() {
            "exclusion-soak-ms" => {
                self.exclusion_soak_ms = number(default.exclusion_soak_ms, 1, (0, 10_000));
            }
            "probe-timeout-ms" => {
                self.probe_timeout_ms = number(default.probe_timeout_ms, 1, (1, 60_000));
            }
            "retry-initial" => {
                self.retry_initial_ms = number(default.retry_initial_ms, 1000, (1, 86_400));
            }
            "retry-max" => self.retry_max_ms = number(default.retry_max_ms, 1000, (1, 86_400)),
            "debug-level" => match LogLevel::from_word(&entry.value) {
                Some(level) => self.debug_level = level,
                None => impossible(entry, "write error, warning, info, debug or trace", report),
            },
            "nbft"
            | "zeroconf"
            | "fc-kickstart-interval-minutes"
            | "dc-giveup-hours"
            | "dc-recheck-minutes" => {
                let message = format!("`{}` is not supported yet and does nothing", entry.key);
                report.warning(entry.key_span, &message, "remove the line");
            }
            key => {
                let message = format!(
                    "unknown key `{}` in [Global]",
                    first_word(key).escape_debug()
                );
                let remedy = "correct or remove it: it does nothing";
                report.warning(entry.key_span, &message, remedy);
            }
        }
    }
}

fn impossible(entry: &Entry, remedy: &str, report: &mut FileReport<'_>) {
    let value = entry.value.escape_debug();
    let message = format!("`{value}` is not possible for {}", entry.key);
    report.error(entry.value_span, &message, remedy);
}

impl LogLevel {
    /// An empty text is the default.
    fn from_word(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "error" => Some(Self::Error),
            "warning" => Some(Self::Warning),
            "" | "info" => Some(Self::Info),
            "debug" => Some(Self::Debug),
            "trace" => Some(Self::Trace),
            _ => None,
        }
    }
}

fn last_retry(document: &Document) -> Option<&Entry> {
    let entries = document.sections.iter().flat_map(|s| &s.entries);
    entries.rev().find(|e| e.key.starts_with("retry-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key() {
        let text = "[Global]\nexclusion-soak-ms = 0\nprobe-timeout-ms=500\nretry-initial = 2\nretry-max = 60\ndebug-level = Debug\n";
        let (config, warnings) = DaemonConfig::parse("d.conf", text).unwrap();
        assert_eq!(warnings, []);
        assert_eq!(
            config,
            DaemonConfig {
                exclusion_soak_ms: 0,
                probe_timeout_ms: 500,
                retry_initial_ms: 2000,
                retry_max_ms: 60_000,
                debug_level: LogLevel::Debug,
            }
        );
        let empty = "[Global]\nexclusion-soak-ms =\nprobe-timeout-ms=\nretry-initial=\nretry-max=\ndebug-level=\n";
        for text in ["", empty] {
            let (config, _) = DaemonConfig::parse("d.conf", text).unwrap();
            assert_eq!(config, DaemonConfig::default());
        }
    }
}
