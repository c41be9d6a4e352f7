//! `kinds`.

use std::borrow::Cow;
use std::time::Duration;

use longshore_job::{KindSpec, Names, Priority, RetrySchedule};
use serde::Serialize;

use crate::cli::KindsArgs;
use crate::config::{Effective, KindSettings, SetBy};
use crate::failure::Failure;
use crate::output::{self, or_dash};
use crate::session::Session;

pub(super) fn run(session: &Session, args: &KindsArgs) -> Result<(), Failure> {
    let all = session.config.kinds();
    let Some(kind) = &args.kind else {
        let rows: Vec<_> = all.iter().filter_map(|spec| row(session, spec)).collect();
        return match args.json {
            true => output::json(&rows),
            false => table(&rows),
        };
    };
    let Some(row) = row(session, find(session, kind)?) else {
        return Err(Failure::failed(format!("nothing is known of {kind}")));
    };
    if args.json {
        return output::json(&row);
    }
    for (name, value) in fields(&row) {
        output::line(&format!("{name:<12} {value}"))?;
    }
    // Of a kind that has a queue of its own, that was all.
    for queue in row
        .queues
        .iter()
        .filter(|queue| queue.queue != row.of.queue)
    {
        output::line("")?;
        for (name, value) in queue.fields() {
            output::line(&format!("{name:<12} {value}"))?;
        }
    }
    Ok(())
}

/// The kind of this name.
///
/// # Errors
/// When there is none.
pub(super) fn find<'a>(session: &'a Session, kind: &str) -> Result<&'a KindSpec, Failure> {
    let kinds = session.config.kinds();
    kinds.find(kind).ok_or_else(|| {
        let known: Vec<_> = kinds.iter().map(|spec| spec.kind).collect();
        let cure = match output::nearest(kind, &known) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("the kinds are {}", known.join(", ")),
        };
        Failure::input(format!("there is no kind `{kind}`: {cure}"))
    })
}

/// Every kind as it is shown, by its name.
pub(super) fn shown_rows(session: &Session) -> Result<Vec<(String, serde_json::Value)>, Failure> {
    let kinds = session.config.kinds().of_producers();
    let rows = kinds.iter().filter_map(|spec| row(session, spec));
    rows.map(|row| {
        let shown = serde_json::to_value(&row).map_err(Failure::failed)?;
        Ok((row.kind.to_owned(), shown))
    })
    .collect()
}

/// A kind, as it is shown.
#[derive(Serialize)]
struct Row {
    kind: &'static str,
    version: u32,
    /// In its queue; of a kind whose queues are configured, what holds where nothing is set for one.
    #[serde(flatten)]
    of: InQueue,
    /// In each of its queues.
    queues: Vec<InQueue>,
    verifiable: bool,
    /// As a JSON Schema.
    args: serde_json::Value,
    #[serde(skip)]
    names: Names,
    public_args: &'static [&'static str],
}

/// How its jobs are run in one queue.
#[derive(Serialize)]
struct InQueue {
    queue: Cow<'static, str>,
    timeout_seconds: Shown<f64>,
    expires_seconds: Shown<Option<f64>>,
    /// Where the args decide, the shortest that there is.
    shortest_expires_seconds: Option<f64>,
    retry_seconds: Shown<Vec<f64>>,
    on_unknown: Shown<&'static str>,
    priority: Shown<Priority>,
}

/// A value, and the section that says so: `kinds.<kind>` or `queues.<queue>` of the configuration, `kind` or `default`.
#[derive(Serialize)]
struct Shown<T> {
    value: T,
    from: String,
}

fn row(session: &Session, spec: &KindSpec) -> Option<Row> {
    let config = &session.config;
    let theirs = config
        .kinds()
        .in_queues()
        .filter(|other| other.kind == spec.kind);
    let queues = theirs.filter_map(|other| Some(in_queue(config.kind(other.kind, other.queue)?)));
    let general = config
        .kinds()
        .families()
        .find(|other| other.kind == spec.kind);
    let of = in_queue(config.kind(spec.kind, general.unwrap_or(spec).queue)?);
    Some(Row {
        kind: spec.kind,
        version: spec.version,
        of: match general {
            // The name of the one that is called stands in it.
            Some(general) => InQueue {
                queue: format!("{}<name>", general.queue).into(),
                ..of
            },
            None => of,
        },
        queues: queues.collect(),
        verifiable: spec.verifiable,
        args: spec.schema(),
        names: spec.args(),
        public_args: spec.public_args,
    })
}

fn in_queue(settings: &KindSettings) -> InQueue {
    InQueue {
        queue: settings.queue.into(),
        timeout_seconds: shown(settings, &settings.timeout, Duration::as_secs_f64),
        expires_seconds: shown(settings, &settings.expires, |expires| {
            expires.map(|expires| expires.as_secs_f64())
        }),
        shortest_expires_seconds: settings
            .shortest_expiry
            .filter(|shortest| settings.expires.value != Some(*shortest))
            .map(|shortest| shortest.as_secs_f64()),
        retry_seconds: shown(settings, &settings.retry, waits),
        on_unknown: shown(settings, &settings.on_unknown, |rule| rule.as_str()),
        priority: shown(settings, &settings.priority, |priority| *priority),
    }
}

fn shown<T, U>(
    settings: &KindSettings,
    setting: &Effective<T>,
    value: impl Fn(&T) -> U,
) -> Shown<U> {
    Shown {
        value: value(&setting.value),
        from: match setting.by {
            SetBy::KindSection => format!("kinds.{}", settings.kind),
            SetBy::QueueSection => format!("queues.{}", settings.queue),
            SetBy::Kind => "kind".to_owned(),
            SetBy::Default => "default".to_owned(),
        },
    }
}

fn waits(schedule: &RetrySchedule) -> Vec<f64> {
    schedule.waits().map(|wait| wait.as_secs_f64()).collect()
}

fn table(rows: &[Row]) -> Result<(), Failure> {
    let header = [
        "kind",
        "queue",
        "timeout",
        "retries after",
        "expires",
        "on unknown",
    ];
    // One line for each queue; of a kind that has none yet, what would hold there.
    let lines = rows.iter().flat_map(|row| {
        let own = row.queues.is_empty().then_some(&row.of);
        own.into_iter().chain(&row.queues).map(|of| (row.kind, of))
    });
    let cells = lines.map(|(kind, of)| {
        vec![
            kind.to_owned(),
            of.queue.to_string(),
            of.timeout(),
            of.retries(),
            of.expires(),
            with_source(of.on_unknown.value, &of.on_unknown.from),
        ]
    });
    output::table(&header, cells.collect())
}

fn fields(row: &Row) -> Vec<(&'static str, String)> {
    let list = |names: &[&str]| or_dash(Some(names.join(", ")).filter(|names| !names.is_empty()));
    let args: Vec<_> = row.names.iter().copied().collect();
    let mut fields = vec![
        ("kind", row.kind.to_owned()),
        ("version", row.version.to_string()),
    ];
    fields.extend(row.of.fields());
    fields.extend([
        (
            "verifiable",
            if row.verifiable { "yes" } else { "no" }.to_owned(),
        ),
        ("args", list(&args)),
        ("public args", list(row.public_args)),
    ]);
    fields
}

impl InQueue {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("queue", self.queue.to_string()),
            ("timeout", self.timeout()),
            ("retries", self.retries()),
            ("expires", self.expires()),
            (
                "on unknown",
                with_source(self.on_unknown.value, &self.on_unknown.from),
            ),
            (
                "priority",
                with_source(self.priority.value.as_str(), &self.priority.from),
            ),
        ]
    }

    fn timeout(&self) -> String {
        let seconds = self.timeout_seconds.value;
        with_source(&format!("{seconds} s"), &self.timeout_seconds.from)
    }

    fn retries(&self) -> String {
        let waits = self.retry_seconds.value.iter();
        let waits: Vec<_> = waits.map(f64::to_string).collect();
        let text = match waits.as_slice() {
            [] => "none".to_owned(),
            waits => format!("{} s", waits.join(", ")),
        };
        with_source(&text, &self.retry_seconds.from)
    }

    fn expires(&self) -> String {
        let text = match (self.expires_seconds.value, self.shortest_expires_seconds) {
            (Some(seconds), _) => format!("{seconds} s"),
            (None, Some(shortest)) => format!("set by its args, at least {shortest} s"),
            (None, None) => "never".to_owned(),
        };
        with_source(&text, &self.expires_seconds.from)
    }
}

/// A value with who says so.
fn with_source(value: &str, from: &str) -> String {
    format!("{value} ({from})")
}
