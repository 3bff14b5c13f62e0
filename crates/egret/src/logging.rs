//! Logs: to stderr, as text on a terminal, else as JSON.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::arguments::Global;

/// Starts logging at the level that was asked for.
pub fn start(global: &Global) {
    let filter = EnvFilter::new(format!("{level},sqlx=warn,datafusion=warn", level = global.log_level));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Only the first start in a process counts, and this is the only one.
    let _ = if std::io::stderr().is_terminal() {
        builder.compact().without_time().try_init()
    } else {
        builder.json().try_init()
    };
}
