//! Log lines: to standard error, for people or as JSON, each naming its process.

use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use crate::config::{LogConfig, LogFormat};

/// Starts logging in this process. The filter was checked with the configuration.
pub(crate) fn start(config: &LogConfig) {
    let filter = config.filter.parse::<EnvFilter>().unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    let layer = fmt::layer().with_writer(std::io::stderr);
    // A second call in one process (tests) keeps the first.
    let _ = match config.format {
        LogFormat::Human => registry.with(layer.with_ansi(false).compact()).try_init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    };
}
