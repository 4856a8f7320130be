//! Where the log goes.

use std::fmt;
use std::os::unix::fs::MetadataExt;

use nvmf_types::config::LogLevel;
use tracing::field::Field;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::format;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, reload};

/// How much is logged, to be changed while it runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Level(Option<reload::Handle<LevelFilter, Registry>>);

impl Level {
    /// Logs this much from now on.
    pub(crate) fn set(&self, level: LogLevel) {
        if let Some(handle) = &self.0 {
            // fails only when the log is gone
            let _ = handle.reload(filter(level));
        }
    }
}

/// Sends the log to the journal if that is where standard error goes, else to standard error as
/// plain lines.
pub(crate) fn start(level: LogLevel) -> Level {
    let (filter, handle) = reload::Layer::new(filter(level));
    let registry = tracing_subscriber::registry().with(filter);
    let journal = stderr_is_journal()
        .then(tracing_journald::layer)
        .and_then(Result::ok)
        // fields have the names that people search for
        .map(|layer| layer.with_field_prefix(None));
    let started = match journal {
        Some(journal) => registry.with(journal).try_init(),
        None => {
            let plain = tracing_subscriber::fmt::layer()
                .with_writer(std::io::stderr)
                .with_target(false)
                .without_time()
                .fmt_fields(format::debug_fn(message_only));
            registry.with(plain).try_init()
        }
    };
    // only tests start twice
    Level(started.is_ok().then_some(handle))
}

/// The fields are for the journal.
fn message_only(
    writer: &mut format::Writer<'_>,
    field: &Field,
    value: &dyn fmt::Debug,
) -> fmt::Result {
    match field.name() {
        "message" => write!(writer, "{value:?}"),
        _ => Ok(()),
    }
}

const fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warning => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

/// Whether standard error is the stream that systemd connected to the journal
/// (systemd.exec, `$JOURNAL_STREAM`), and not something that was put in its place since.
fn stderr_is_journal() -> bool {
    let Ok(named) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    std::fs::metadata("/proc/self/fd/2")
        .is_ok_and(|stderr| named == format!("{}:{}", stderr.dev(), stderr.ino()))
}
