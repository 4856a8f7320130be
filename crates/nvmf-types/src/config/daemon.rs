//! How the daemon behaves: `nvme-discoverd.conf`.

mod keys;

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::{Span, ini};

use super::excerpt::excerpt;
use super::read::{strays, unknown_section};
use super::report::Report;
use super::{ConfigFile, Place, Problem, Problems};

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
    /// Whether what the firmware's boot tables name is connected (default yes).
    pub nbft: bool,
    /// Whether discovery controllers that announce themselves by mDNS are connected (default no).
    pub zeroconf: bool,
    /// Minutes between two requests that Fibre Channel ports announce their discovery controllers;
    /// 0 (default): only at the start and after a loss.
    pub fc_kickstart_interval_minutes: u64,
    /// Hours after which a discovery controller that nobody configured is given up when it cannot
    /// be reached (default 72); 0: never.
    pub dc_giveup_hours: u64,
    /// Minutes after which the log page is read again of a discovery controller that does not tell
    /// of changes (default 15).
    pub dc_recheck_minutes: u64,
    /// The loopback address at which metrics are served beside the Unix socket, if at all.
    pub metrics_listen: Option<SocketAddr>,
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
            nbft: true,
            zeroconf: false,
            fc_kickstart_interval_minutes: 0,
            dc_giveup_hours: 72,
            dc_recheck_minutes: 15,
            metrics_listen: None,
        }
    }
}

impl DaemonConfig {
    /// Reads `files`, the main one and its drop-ins; the last one that says something counts, and
    /// what none of them says keeps its default. The problems returned beside it are warnings.
    ///
    /// # Errors
    /// Everything that is wrong, in one go.
    pub fn parse(files: &[ConfigFile]) -> Result<(Self, Vec<Problem>), Problems> {
        let mut config = Self::default();
        let mut report = Report::default();
        let mut retry: Option<(&str, Span)> = None;
        for file in files {
            let mut here = report.file(&file.path);
            let document = ini::parse(&file.text);
            strays(&document, &mut here);
            for section in &document.sections {
                if section.name != GLOBAL {
                    unknown_section(section, &[GLOBAL], &mut here);
                    continue;
                }
                for entry in &section.entries {
                    config.set(entry, &mut here);
                    if entry.key.starts_with("retry-") {
                        retry = Some((&file.path, entry.value_span));
                    }
                }
            }
        }
        if config.retry_initial_ms > config.retry_max_ms
            && let Some((file, span)) = retry
        {
            report.error(
                Place::new(file, span),
                "retry-initial is longer than retry-max",
                "write a shorter retry-initial or a longer retry-max",
            );
        }
        let harmless = report.finish(files, excerpt)?;
        Ok((config, harmless.warnings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> (DaemonConfig, Vec<Problem>) {
        let file = |(number, text): (usize, &&str)| ConfigFile::new(format!("{number}"), *text);
        let files: Vec<ConfigFile> = texts.iter().enumerate().map(file).collect();
        DaemonConfig::parse(&files).unwrap()
    }

    #[test]
    fn every_key() {
        let text = "[Global]\nexclusion-soak-ms = 0\nprobe-timeout-ms=500\nretry-initial = 2\n\
            retry-max = 60\ndebug-level = Debug\nnbft = no\nzeroconf = TRUE\n\
            fc-kickstart-interval-minutes = 5\ndc-giveup-hours = 0\ndc-recheck-minutes = 1\n\
            metrics-listen = [::1]:9000\n";
        let all = DaemonConfig {
            exclusion_soak_ms: 0,
            probe_timeout_ms: 500,
            retry_initial_ms: 2000,
            retry_max_ms: 60_000,
            debug_level: LogLevel::Debug,
            nbft: false,
            zeroconf: true,
            fc_kickstart_interval_minutes: 5,
            dc_giveup_hours: 0,
            dc_recheck_minutes: 1,
            metrics_listen: "[::1]:9000".parse().ok(),
        };
        assert_eq!(read(&[text]), (all, Vec::new()));
        let lines = text.lines().map(|line| line.split('=').next().unwrap());
        let empty: Vec<String> = lines.map(|key| format!("{key}=")).collect();
        let empty = empty.join("\n").replace("[Global]=", "[Global]");
        for texts in [&[][..], &[""], &[&empty], &[text, &empty]] {
            assert_eq!(read(texts).0, DaemonConfig::default(), "{texts:?}");
        }
    }

    #[test]
    fn the_last_file_counts() {
        let texts = [
            "[Global]\nretry-max = 5\nzeroconf = yes\n",
            "[Global]\nretry-max = 6\n[Global]\nretry-max = 7\n",
        ];
        let (config, warnings) = read(&texts);
        assert_eq!((config.retry_max_ms, config.zeroconf), (7000, true));
        assert_eq!(warnings, []);
    }
}
