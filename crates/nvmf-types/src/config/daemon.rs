//! How the daemon behaves: `nvme-discoverd.conf`.

use serde::{Deserialize, Serialize};

use crate::{Origin, ini};

use super::layer::not_supported;
use super::report::Report;
use super::{Problem, Problems};

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
        let document = ini::parse(text);
        for junk in &document.junk {
            report.error(
                Origin::new(file, junk.line),
                format!(
                    "`{}` is no section, entry or comment",
                    junk.text.escape_debug()
                ),
                "write `[Global]`, `key = value` or `# comment`",
            );
        }
        for entry in &document.preamble {
            report.error(
                Origin::new(file, entry.line),
                format!(
                    "`{}` stands before the first section",
                    entry.key.escape_debug()
                ),
                "put it below [Global]",
            );
        }
        for section in &document.sections {
            if section.name == "Global" {
                for entry in &section.entries {
                    config.set(entry, &Origin::new(file, entry.line), &mut report);
                }
            } else {
                report.warning(
                    Origin::new(file, section.line),
                    format!(
                        "unknown section [{}]: it does nothing",
                        section.name.escape_debug()
                    ),
                    "write [Global]",
                );
            }
        }
        if config.retry_initial_ms > config.retry_max_ms {
            report.error(
                Origin::new(file, last_retry_line(&document)),
                "retry-initial is longer than retry-max",
                "write a shorter retry-initial or a longer retry-max",
            );
        }
        let warnings = report.finish(&[file])?;
        Ok((config, warnings))
    }

    fn set(&mut self, entry: &ini::Entry, origin: &Origin, report: &mut Report) {
        let default = Self::default();
        let mut number = |default_ms: u64, unit: u64, (low, high): (u64, u64)| {
            if entry.value.is_empty() {
                return default_ms;
            }
            let digits = entry.value.bytes().all(|b| b.is_ascii_digit());
            match entry.value.parse::<u64>() {
                Ok(n) if digits && (low..=high).contains(&n) => n * unit,
                _ => {
                    report.error(
                        origin.clone(),
                        format!(
                            "`{}` is not possible for {}",
                            entry.value.escape_debug(),
                            entry.key
                        ),
                        format!("write {low} to {high}"),
                    );
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
                None => report.error(
                    origin.clone(),
                    format!(
                        "`{}` is not possible for debug-level",
                        entry.value.escape_debug()
                    ),
                    "write error, warning, info, debug or trace",
                ),
            },
            "nbft"
            | "zeroconf"
            | "fc-kickstart-interval-minutes"
            | "dc-giveup-hours"
            | "dc-recheck-minutes" => not_supported(&entry.key, origin, report),
            key => report.warning(
                origin.clone(),
                format!("unknown key `{}` in [Global]", key.escape_debug()),
                "correct or remove it: it does nothing",
            ),
        }
    }
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

fn last_retry_line(document: &ini::Document) -> usize {
    let entries = document.sections.iter().flat_map(|s| &s.entries);
    let retry = entries.filter(|e| e.key.starts_with("retry-"));
    retry.map(|e| e.line).max().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> String {
        match DaemonConfig::parse("d.conf", text) {
            Ok((_, warnings)) => Problems(warnings).to_string(),
            Err(problems) => problems.to_string(),
        }
    }

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

    #[test]
    fn what_is_wrong() {
        for (text, want) in [
            (
                "[Global]\nretry-max = -1",
                "d.conf:2: error: `-1` is not possible for retry-max; write 1 to 86400",
            ),
            (
                "[Global]\nretry-max = +1",
                "d.conf:2: error: `+1` is not possible for retry-max; write 1 to 86400",
            ),
            (
                "[Global]\nretry-max = 5\n\nretry-initial=6",
                "d.conf:4: error: retry-initial is longer than retry-max; write a shorter retry-initial or a longer retry-max",
            ),
            (
                "[Global]\ndebug-level = 7",
                "d.conf:2: error: `7` is not possible for debug-level; write error, warning, info, debug or trace",
            ),
            (
                "nbft = yes",
                "d.conf:1: error: `nbft` stands before the first section; put it below [Global]",
            ),
            (
                "[Global]\nwhat",
                "d.conf:2: error: `what` is no section, entry or comment; write `[Global]`, `key = value` or `# comment`",
            ),
            (
                "[Global]\nnbft = yes\nretry_max = 5\n[Locals]",
                "d.conf:2: warning: `nbft` is not supported yet and does nothing; remove the line\nd.conf:3: warning: unknown key `retry_max` in [Global]; correct or remove it: it does nothing\nd.conf:4: warning: unknown section [Locals]: it does nothing; write [Global]",
            ),
        ] {
            assert_eq!(problems(text), want);
        }
    }
}
