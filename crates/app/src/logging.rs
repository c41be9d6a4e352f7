//! Logs go to stderr; data goes to stdout.

use std::io::IsTerminal;

use longshore_integration::Integration;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What is logged unless `RUST_LOG` says otherwise.
const DEFAULT: &str = "info";

/// What the names of this workspace's crates begin with.
const OURS: &str = "longshore";

/// Starts logging, and has panics logged by their place only: their message may quote an address.
/// What the crates of these integrations say is shown, too.
pub(crate) fn init(integrations: &[Integration]) {
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
    let ours = Ours::and(integrations);
    let asks_for_others = ours.names_others(&wanted);
    subscriber(filter, stderr, colours, ours).init();
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
) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(colours)
        .with_target(false)
        // It would complain on stderr, of all places, and panic where that is closed: a worker outlives its log.
        .log_internal_errors(false)
        .finish()
        .with(filter_fn(move |metadata| ours.has(metadata.target())))
}

/// The crates whose lines are shown: those of this workspace, and those of the program's integrations.
#[derive(Debug, Clone, Default)]
struct Ours(Vec<&'static str>);

impl Ours {
    /// Those of these integrations, too, and those of the providers beside theirs.
    fn and(integrations: &[Integration]) -> Self {
        let providers = integrations.iter().filter_map(|of| of.provider);
        let others = providers.flat_map(|of| of.others).map(|of| of.crate_name);
        let names = integrations.iter().map(|of| of.crate_name);
        Self(names.chain(others).collect())
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
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            written.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged with this filter of what our crates and others say.
    fn logged(filter: &str) -> String {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = subscriber(
            EnvFilter::new(filter),
            move || writer.clone(),
            false,
            Ours(vec!["harbour_slack"]),
        );
        tracing::subscriber::with_default(subscriber, || {
            let others = tracing::info_span!(target: "aws_sdk_s3::operation", "GetObject", key = "planted-in-a-span");
            let _entered = others.enter();
            tracing::trace!(target: "aws_smithy_runtime", token = "planted-at-trace", "request");
            tracing::debug!(target: "hyper::proto::h1", "planted-at-debug");
            tracing::error!(target: "rustls", "planted-at-error");
            tracing::warn!(target: "longshoreman", "planted-by-a-namesake");
            let ours = tracing::info_span!(target: "longshore_worker::layers", "job", job_id = "ours-in-a-span");
            let _entered = ours.enter();
            tracing::trace!(target: "longshore_queue", "ours-at-trace");
            tracing::info!(target: "longshore", "ours-at-info");
            tracing::info!(target: "harbour_slack::client", "an-integrations");
        });
        let written = written.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&written).into_owned()
    }

    #[test]
    fn others_are_never_heard_whatever_is_asked_for() {
        for filter in [
            "trace",
            "info,aws_sdk_s3=trace,aws_smithy_runtime=trace,hyper=trace,rustls=trace,longshoreman=trace",
        ] {
            let said = logged(filter);
            assert!(!said.contains("planted"), "{filter}: {said}");
            assert!(said.contains("ours-at-info"), "{filter}: {said}");
            assert!(said.contains("ours-in-a-span"), "{filter}: {said}");
            assert!(said.contains("an-integrations"), "{filter}: {said}");
        }
        assert!(logged("trace").contains("ours-at-trace"));
        assert!(!logged("info").contains("ours-at-trace"));
    }

    #[test]
    fn a_filter_that_asks_for_others_is_answered() {
        for filter in ["hyper=trace", "info,aws_sdk_s3", "longshoreman=info"] {
            assert!(Ours::default().names_others(filter), "{filter}");
        }
        for filter in [
            "",
            "trace",
            "info,longshore=debug",
            "longshore_queue::claim=trace",
            "harbour_slack=debug",
            "INFO,[job]=trace",
        ] {
            assert!(
                !Ours(vec!["harbour_slack"]).names_others(filter),
                "{filter}"
            );
        }
    }
}
