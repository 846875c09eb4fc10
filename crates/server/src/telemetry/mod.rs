//! Logs: to the terminal and to rotating files, cleaned of what is private.
//!
//! Our own crates write at `LOG_LEVEL`; others only warnings and errors, because their debug lines show the content of
//! messages. Lines are written by threads of their own: neither a disk that is full nor a terminal that nobody reads holds a
//! call up.

pub mod redact;
pub mod rotate;
pub mod steady;

use std::backtrace::Backtrace;
use std::io::{IsTerminal, Write};
use std::panic::PanicHookInfo;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ringback_session::PIPELINE;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, fmt};

use crate::config::{Config, ConfigError, LogConfig, LogFormat};
use crate::requests::panic_text;
use redact::{Redacting, Redactor};
use rotate::RotatingFile;
use steady::Steady;

/// Lines that wait for the disk or the terminal at most; more are dropped rather than a call held up.
const WAITING_LINES: usize = 16_384;

/// What is said at a start in test mode.
pub const TEST_MODE: &str = "test mode: what callers and agent say is written to this log, and slow voices are waited for; do not take calls of strangers";

/// Keeps the writers of the log alive; dropped, they write what waits.
#[must_use = "the log ends when this is dropped"]
#[derive(Debug)]
pub struct LogGuard(#[expect(dead_code, reason = "it works by being dropped")] [WorkerGuard; 2]);

/// Starts logging for the whole process. A folder that cannot be written to is told of on the terminal, where lines go on.
///
/// # Errors
/// Logging was started before.
pub fn start(config: &Config, redactor: Redactor) -> Result<LogGuard, ConfigError> {
    let (files, files_guard) = aside(files(&config.log), "log");
    let (console, console_guard) = aside(std::io::stderr(), "console");
    let terminal = std::io::stderr().is_terminal();
    let subscriber = tracing_subscriber::registry()
        .with(lines(
            config.log.format,
            terminal,
            Redacting {
                inner: console,
                redactor: redactor.clone(),
            },
        ))
        .with(lines(
            config.log.format,
            false,
            Redacting {
                inner: files,
                redactor,
            },
        ))
        .with(visible(config.log.level, config.operation.test));
    tracing::subscriber::set_global_default(subscriber)
        .map_err(|error| ConfigError(format!("logging: {error}")))?;
    let test = config.operation.test;
    std::panic::set_hook(Box::new(move |panic| tell_panic(panic, test)));
    Ok(LogGuard([files_guard, console_guard]))
}

/// What a panic says may be content, so it is said in test mode alone, with how it came to it.
fn tell_panic(panic: &PanicHookInfo<'_>, test: bool) {
    let place = panic.location().map(ToString::to_string);
    let place = place.unwrap_or_default();
    if test {
        let what = panic_text(panic.payload());
        let backtrace = Backtrace::force_capture();
        tracing::error!(panic.place = place, what, %backtrace, "Error: a part of the server panicked");
    } else {
        tracing::error!(panic.place = place, "Error: a part of the server panicked");
    }
}

/// A writer whose lines a thread of its own writes.
fn aside(writer: impl Write + Send + 'static, name: &str) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(WAITING_LINES)
        .thread_name(name)
        .finish(writer)
}

fn files(config: &LogConfig) -> Steady<RotatingFile> {
    let retention = (config.retention_days > 0)
        .then(|| Duration::from_secs(u64::from(config.retention_days) * 86_400));
    let file = RotatingFile::new(
        &config.dir,
        config.rotation_bytes,
        retention,
        Box::new(Timestamp::now),
    );
    let place = format!("LOG_DIR={}", config.dir.display());
    Steady::new(file, place, Box::new(Instant::now))
}

/// Which events are written at a level. What is said in calls, and what other libraries tell of their work, in test mode alone.
pub fn visible(level: LevelFilter, test: bool) -> Targets {
    let (others, pipeline) = if test {
        (LevelFilter::INFO, level)
    } else {
        (LevelFilter::WARN, LevelFilter::OFF)
    };
    Targets::new()
        .with_default(level.min(others))
        .with_target("ringback", level)
        .with_target(PIPELINE, pipeline)
}

/// A layer that writes events as lines to a writer.
pub fn lines<S, W>(format: LogFormat, colours: bool, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    match format {
        LogFormat::Text => fmt::layer().with_ansi(colours).with_writer(writer).boxed(),
        LogFormat::Json => fmt::layer()
            .json()
            .flatten_event(true)
            .with_writer(writer)
            .boxed(),
    }
}
