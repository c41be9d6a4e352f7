//! Logs go to stderr; data goes to stdout.

mod lines;

use std::io::IsTerminal;
use std::sync::OnceLock;

use longshore_integration::settings::KeyPath;
use longshore_integration::{Family, Integration};
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, LogSettings};
use crate::failure::Failure;
use lines::{AsJson, Fields, Lines};

/// What is logged unless `RUST_LOG` says otherwise.
const DEFAULT: &str = "info";

/// What the names of this workspace's crates begin with.
const OURS: &str = "longshore";

/// How this process writes its lines.
static JSON: OnceLock<AsJson> = OnceLock::new();

/// From here on lines are written as the configuration says.
pub(crate) fn use_format(format: LogFormat) {
    JSON.get_or_init(AsJson::default)
        .set(format == LogFormat::Json);
}

/// Whether each line is to be a JSON object.
pub(crate) fn is_json() -> bool {
    JSON.get().is_some_and(AsJson::get)
}

/// Where lines are JSON, why a process ended is one of them. What is returned has been told then.
pub(crate) fn told(failure: Failure) -> Failure {
    if !is_json() || !tracing::enabled!(tracing::Level::ERROR) {
        return failure;
    }
    let text = failure.to_string();
    if !text.is_empty() {
        tracing::error!("{text}");
    }
    failure.without_text()
}

/// Starts logging, and has panics logged by their place only: their message may quote an address.
/// What the crates of these integrations say is shown, too.
pub(crate) fn init(integrations: &[Integration], families: &[Family]) {
    let json = JSON.get_or_init(AsJson::default);
    // The configuration says it later.
    let early = std::env::var(KeyPath::from(LogSettings::FORMAT).variable()).unwrap_or_default();
    json.set(LogFormat::named(&early) == Some(LogFormat::Json));
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
    let ours = Ours::and(integrations, families);
    let asks_for_others = ours.names_others(&wanted);
    subscriber(filter, stderr, colours, ours, json).init();
    if let Some(error) = wrong {
        tracing::warn!(
            "RUST_LOG is not a filter such as `debug` or `info,longshore=debug`: {error}"
        );
    } else if asks_for_others {
        tracing::warn!(
            "RUST_LOG names crates that are not ours: their lines are never shown, since they may hold secrets and \
             personal data"
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

/// Writes what the filter lets through, and of that only what our own crates say. The spans and events of others hold
/// what goes over their wires: AWS's SDK logs object keys at DEBUG and session tokens at TRACE. What matters of their
/// errors reaches our own lines, redacted.
fn subscriber<W>(
    filter: EnvFilter,
    writer: W,
    colours: bool,
    ours: Ours,
    json: &AsJson,
) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(colours)
        // It would complain on stderr, of all places, and panic where that is closed: a worker outlives its log.
        .log_internal_errors(false)
        .fmt_fields(Fields::new(json))
        .event_format(Lines::new(json, colours))
        .finish()
        .with(filter_fn(move |metadata| ours.has(metadata.target())))
}

/// The crates whose lines are shown: those of this workspace, and those of the program's integrations.
#[derive(Debug, Clone, Default)]
struct Ours(Vec<&'static str>);

impl Ours {
    /// Those of these integrations, too, and those of the providers beside theirs.
    fn and(integrations: &[Integration], families: &[Family]) -> Self {
        let providers = integrations.iter().filter_map(|of| of.provider);
        let others = providers.flat_map(|of| of.others).map(|of| of.crate_name);
        let names = integrations.iter().map(|of| of.crate_name);
        let made = families.iter().map(|of| of.crate_name);
        Self(names.chain(others).chain(made).collect())
    }

    /// Whether a target is a module of one of them.
    fn has(&self, target: &str) -> bool {
        let name = target.split("::").next().unwrap_or_default();
        let own = name
            .strip_prefix(OURS)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
        own || self.0.contains(&name)
    }

    /// Whether a filter asks for the lines of other crates: a directive such as `hyper=trace` or `hyper`.
    fn names_others(&self, filter: &str) -> bool {
        filter.split(',').any(|directive| {
            let target = directive
                .split(['=', '['])
                .next()
                .unwrap_or_default()
                .trim();
            let is_level = target
                .parse::<tracing_subscriber::filter::LevelFilter>()
                .is_ok();
            !(target.is_empty() || is_level || self.has(target))
        })
    }
}

#[cfg(test)]
mod tests;
