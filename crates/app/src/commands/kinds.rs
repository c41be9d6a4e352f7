//! `kinds`.

use std::time::Duration;

use longshore_job::{KindSpec, Names, Priority, RetrySchedule};
use serde::Serialize;

use crate::cli::KindsArgs;
use crate::config::{Effective, KindSettings, SetBy};
use crate::failure::Failure;
use crate::output::{self, or_dash};
use crate::session::Session;

pub(super) fn run(session: &Session, args: &KindsArgs) -> Result<(), Failure> {
    let Some(kind) = &args.kind else {
        let kinds = session.config.kinds().in_queues();
        let rows: Vec<_> = kinds.filter_map(|spec| row(session, spec)).collect();
        return match args.json {
            true => output::json(&rows),
            false => table(&rows),
        };
    };
    find(session, kind)?;
    let specs = session.config.kinds().in_queues();
    let specs = specs.filter(|spec| spec.kind == kind);
    let rows: Vec<_> = specs.filter_map(|spec| row(session, spec)).collect();
    if args.json {
        return match rows.as_slice() {
            [row] => output::json(row),
            rows => output::json(&rows),
        };
    }
    for (n, row) in rows.iter().enumerate() {
        if n > 0 {
            output::line("")?;
        }
        for (name, value) in fields(row) {
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
    queue: &'static str,
    version: u32,
    timeout_seconds: Shown<f64>,
    expires_seconds: Shown<Option<f64>>,
    /// Where the args decide, the shortest that there is.
    shortest_expires_seconds: Option<f64>,
    retry_seconds: Shown<Vec<f64>>,
    on_unknown: Shown<&'static str>,
    priority: Shown<Priority>,
    verifiable: bool,
    /// As a JSON Schema.
    args: serde_json::Value,
    #[serde(skip)]
    names: Names,
    public_args: &'static [&'static str],
}

/// A value, and the section that says so: `kinds.<kind>` or `queues.<queue>` of the configuration, `kind` or `default`.
#[derive(Serialize)]
struct Shown<T> {
    value: T,
    from: String,
}

fn row(session: &Session, spec: &KindSpec) -> Option<Row> {
    let settings = session.config.kind(spec.kind, spec.queue)?;
    Some(Row {
        kind: spec.kind,
        queue: spec.queue,
        version: spec.version,
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
        verifiable: spec.verifiable,
        args: spec.schema(),
        names: spec.args(),
        public_args: spec.public_args,
    })
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
    let cells = rows.iter().map(|row| {
        vec![
            row.kind.to_owned(),
            row.queue.to_owned(),
            timeout(row),
            retries(row),
            expires(row),
            with_source(row.on_unknown.value, &row.on_unknown.from),
        ]
    });
    output::table(&header, cells.collect())
}

fn fields(row: &Row) -> Vec<(&'static str, String)> {
    let list = |names: &[&str]| or_dash(Some(names.join(", ")).filter(|names| !names.is_empty()));
    let args: Vec<_> = row.names.iter().copied().collect();
    vec![
        ("kind", row.kind.to_owned()),
        ("queue", row.queue.to_owned()),
        ("version", row.version.to_string()),
        ("timeout", timeout(row)),
        ("retries", retries(row)),
        ("expires", expires(row)),
        (
            "on unknown",
            with_source(row.on_unknown.value, &row.on_unknown.from),
        ),
        (
            "priority",
            with_source(row.priority.value.as_str(), &row.priority.from),
        ),
        (
            "verifiable",
            if row.verifiable { "yes" } else { "no" }.to_owned(),
        ),
        ("args", list(&args)),
        ("public args", list(row.public_args)),
    ]
}

fn timeout(row: &Row) -> String {
    let seconds = row.timeout_seconds.value;
    with_source(&format!("{seconds} s"), &row.timeout_seconds.from)
}

fn retries(row: &Row) -> String {
    let waits: Vec<_> = row.retry_seconds.value.iter().map(f64::to_string).collect();
    let text = match waits.as_slice() {
        [] => "none".to_owned(),
        waits => format!("{} s", waits.join(", ")),
    };
    with_source(&text, &row.retry_seconds.from)
}

fn expires(row: &Row) -> String {
    let text = match (row.expires_seconds.value, row.shortest_expires_seconds) {
        (Some(seconds), _) => format!("{seconds} s"),
        (None, Some(shortest)) => format!("set by its args, at least {shortest} s"),
        (None, None) => "never".to_owned(),
    };
    with_source(&text, &row.expires_seconds.from)
}

/// A value with who says so.
fn with_source(value: &str, from: &str) -> String {
    format!("{value} ({from})")
}
