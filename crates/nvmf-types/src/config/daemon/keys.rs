//! One line of `[Global]`.

use std::net::SocketAddr;

use crate::ini::Entry;
use crate::options::boolean;

use crate::config::layer::first_word;
use crate::config::report::FileReport;

use super::{DaemonConfig, LogLevel};

/// Ten years, so that no sum of milliseconds overflows.
const LONG_HOURS: u64 = 10 * 365 * 24;
const DAY_MINUTES: u64 = 24 * 60;
const DAY_SECONDS: u64 = 24 * 60 * 60;

impl DaemonConfig {
    /// The keys of `[Global]`.
    pub const KEYS: [&'static str; 11] = [
        "exclusion-soak-ms",
        "probe-timeout-ms",
        "retry-initial",
        "retry-max",
        "debug-level",
        "nbft",
        "zeroconf",
        "fc-kickstart-interval-minutes",
        "dc-giveup-hours",
        "dc-recheck-minutes",
        "metrics-listen",
    ];

    /// Takes a line; what is wrong with it goes to `report`. An empty value is the default.
    pub(super) fn set(&mut self, entry: &Entry, report: &mut FileReport<'_>) {
        let default = Self::default();
        let mut number = |field: &mut u64, default: u64, unit: u64, (low, high): (u64, u64)| {
            let digits = entry.value.bytes().all(|b| b.is_ascii_digit());
            *field = match entry.value.parse::<u64>() {
                _ if entry.value.is_empty() => default,
                Ok(n) if digits && (low..=high).contains(&n) => n * unit,
                _ => return impossible(entry, &format!("write {low} to {high}"), report),
            };
        };
        match entry.key.as_str() {
            "exclusion-soak-ms" => number(
                &mut self.exclusion_soak_ms,
                default.exclusion_soak_ms,
                1,
                (0, 10_000),
            ),
            "probe-timeout-ms" => number(
                &mut self.probe_timeout_ms,
                default.probe_timeout_ms,
                1,
                (1, 60_000),
            ),
            "retry-initial" => number(
                &mut self.retry_initial_ms,
                default.retry_initial_ms,
                1000,
                (1, DAY_SECONDS),
            ),
            "retry-max" => number(
                &mut self.retry_max_ms,
                default.retry_max_ms,
                1000,
                (1, DAY_SECONDS),
            ),
            "fc-kickstart-interval-minutes" => number(
                &mut self.fc_kickstart_interval_minutes,
                default.fc_kickstart_interval_minutes,
                1,
                (0, DAY_MINUTES),
            ),
            "dc-giveup-hours" => number(
                &mut self.dc_giveup_hours,
                default.dc_giveup_hours,
                1,
                (0, LONG_HOURS),
            ),
            "dc-recheck-minutes" => number(
                &mut self.dc_recheck_minutes,
                default.dc_recheck_minutes,
                1,
                (1, DAY_MINUTES),
            ),
            "debug-level" => match LogLevel::from_word(&entry.value) {
                Some(level) => self.debug_level = level,
                None => impossible(entry, "write error, warning, info, debug or trace", report),
            },
            "nbft" => flag(&mut self.nbft, default.nbft, entry, report),
            "zeroconf" => flag(&mut self.zeroconf, default.zeroconf, entry, report),
            "metrics-listen" => self.metrics(entry, report),
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

    /// What others can reach is no place for names and addresses of a host's storage.
    fn metrics(&mut self, entry: &Entry, report: &mut FileReport<'_>) {
        let remedy = "write a loopback address and a port, for example `127.0.0.1:9469`";
        match entry.value.parse::<SocketAddr>() {
            _ if entry.value.is_empty() => self.metrics_listen = None,
            Ok(address) if address.ip().is_loopback() && address.port() != 0 => {
                self.metrics_listen = Some(address);
            }
            _ => impossible(entry, remedy, report),
        }
    }
}

fn flag(field: &mut bool, default: bool, entry: &Entry, report: &mut FileReport<'_>) {
    match boolean("", &entry.value) {
        Ok(value) => *field = value.unwrap_or(default),
        Err(_) => impossible(entry, "write yes or no", report),
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
