//! Jobs as JSON Lines.

use std::io::BufRead;
use std::time::Duration;

use longshore_client::{EnqueueOptions, RunAt};
use longshore_job::{KindSpec, Priority, explain};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{NewJob, without_mark};
use crate::cli;
use crate::failure::Failure;
use crate::output::counted;

/// A line that says more of its job than the args.
#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with args and perhaps key, in, at, expires_in, expires_at, priority, tenant and tags"
)]
struct Line<'a> {
    #[serde(borrow)]
    args: &'a RawValue,
    key: Option<String>,
    #[serde(rename = "in", default, deserialize_with = "wait")]
    delay: Option<Duration>,
    #[serde(default, deserialize_with = "time")]
    at: Option<u64>,
    #[serde(default, deserialize_with = "wait")]
    expires_in: Option<Duration>,
    #[serde(default, deserialize_with = "time")]
    expires_at: Option<u64>,
    priority: Option<Priority>,
    tenant: Option<String>,
    #[serde(default)]
    tags: Option<Vec<String>>,
}

fn wait<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<Duration>, D::Error> {
    let text = Option::<String>::deserialize(input)?;
    text.map(|text| {
        let wrong = |cure| serde::de::Error::custom(format!("in and expires_in: {cure}"));
        cli::duration(&text).map_err(wrong)
    })
    .transpose()
}

fn time<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<u64>, D::Error> {
    let text = Option::<String>::deserialize(input)?;
    text.map(|text| {
        let wrong = |problem| serde::de::Error::custom(format!("at and expires_at: {problem}"));
        cli::time(&text).map_err(wrong)
    })
    .transpose()
}

/// Empty lines are passed over. All wrong lines are told at once, twenty at the most. What a line says of its job wins over
/// `options`.
pub(super) fn read(
    spec: &KindSpec,
    lines: impl BufRead,
    options: &EnqueueOptions,
) -> Result<Vec<NewJob>, Failure> {
    let mut jobs = Vec::new();
    let mut wrong = Vec::new();
    for (number, line) in (1..).zip(lines.split(b'\n')) {
        let line =
            line.map_err(|error| Failure::input(format!("stdin cannot be read: {error}")))?;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let job = match std::str::from_utf8(&line) {
            Ok(text) => job(spec, without_mark(text), options),
            Err(_) => Err("not UTF-8".to_owned()),
        };
        match job {
            Ok(job) => jobs.push(job),
            // The line is known here: that the parser saw one line only is no news.
            Err(error) => wrong.push(format!(
                "line {number}: {}",
                error.replace("(line 1, column ", "(column ")
            )),
        }
    }
    if wrong.is_empty() {
        return Ok(jobs);
    }
    let count = wrong.len();
    wrong.truncate(20);
    if count > wrong.len() {
        wrong.push(format!("and {} more", count - wrong.len()));
    }
    let lines = counted(count as u64, "line");
    Err(Failure::input(format!(
        "nothing was enqueued: {lines} on stdin cannot be jobs of {}\n{}",
        spec.kind,
        wrong.join("\n")
    )))
}

/// A line is the args, or an object with `args` in it, where these args have none of that name.
fn job(spec: &KindSpec, text: &str, options: &EnqueueOptions) -> Result<NewJob, String> {
    let mut options = options.clone();
    if spec.args().contains("args") || !says_more(text) {
        let prepared = spec.prepare(text).map_err(|error| error.to_string())?;
        return Ok((prepared, options));
    }
    let line: Line<'_> = serde_json::from_str(text).map_err(|error| explain(&error))?;
    let prepared = spec.prepare(line.args.get());
    let prepared = prepared.map_err(|error| format!("args: {error}"))?;
    options.key = line.key.or(options.key);
    options.run_at = match (line.delay, line.at) {
        (Some(_), Some(_)) => return Err("at: stands beside in: write one of the two".to_owned()),
        (Some(delay), None) => RunAt::In(delay),
        (None, Some(at)) => RunAt::At(at),
        (None, None) => options.run_at,
    };
    if line.expires_in.is_some() || line.expires_at.is_some() {
        options.expires_in = line.expires_in;
        options.expires_at = line.expires_at.map(super::time);
    }
    options.priority = line.priority.or(options.priority);
    options.tenant = line.tenant.or(options.tenant);
    options.tags = line.tags.unwrap_or(options.tags);
    options.check().map_err(|error| error.to_string())?;
    Ok((prepared, options))
}

fn says_more(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Wrapped {
        #[serde(rename = "args")]
        _args: serde::de::IgnoredAny,
    }
    serde_json::from_str::<Wrapped>(text).is_ok()
}
