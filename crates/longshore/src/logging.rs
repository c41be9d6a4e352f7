//! Logs go to stderr; data goes to stdout.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// What is logged unless `RUST_LOG` says otherwise. apalis says at `info` what our own lines say better.
const DEFAULT: &str = "info,apalis_core=warn";

/// Starts logging, and has panics logged by their place only: their message may quote an address.
pub fn init() {
    let wanted = std::env::var("RUST_LOG").unwrap_or_default();
    let (filter, wrong) = match wanted.trim() {
        "" => (EnvFilter::new(DEFAULT), None),
        wanted => match EnvFilter::try_new(wanted) {
            Ok(filter) => (filter, None),
            Err(error) => (EnvFilter::new(DEFAULT), Some(error)),
        },
    };
    let stderr = std::io::stderr;
    let colours =
        stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(colours)
        .with_target(false)
        // It would complain on stderr, of all places, and panic where that is closed: a worker outlives its log.
        .log_internal_errors(false)
        .init();
    if let Some(error) = wrong {
        tracing::warn!(
            "RUST_LOG is not a filter such as `debug` or `info,longshore=debug`: {error}"
        );
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let thread = std::thread::current()
            .name()
            .unwrap_or("unnamed")
            .to_owned();
        tracing::error!(place, thread, "panic");
    }));
}
