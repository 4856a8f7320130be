//! Where the log goes.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt;

use nvmf_types::config::LogLevel;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
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
        None => registry.with(Plain).try_init(),
    };
    // only tests start twice
    Level(started.is_ok().then_some(handle))
}

/// One line for each event: level and message; the fields are for the journal. Less than a tenth
/// of what the subscriber's own formatting would add to the program.
struct Plain;

impl<S: Subscriber> Layer<S> for Plain {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line(format!("{:>5} ", event.metadata().level()));
        event.record(&mut line);
        line.0.push('\n');
        // with standard error closed there is nobody to tell
        let _ = std::io::stderr().write_all(line.0.as_bytes());
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // a string takes everything
            let _ = write!(self.0, "{value:?}");
        }
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
