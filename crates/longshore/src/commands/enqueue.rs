//! `enqueue`.

use std::io::{self, BufRead};

use longshore_client::{Options, RunAt};
use longshore_job::{KindSpec, Prepared, kinds};
use serde_json::json;

use crate::cli::Enqueue;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

pub(super) async fn run(session: &Session, args: Enqueue) -> Result<(), Failure> {
    let spec = kinds::find(&args.kind).ok_or_else(|| {
        let known: Vec<_> = kinds::ALL.iter().map(|spec| spec.kind).collect();
        Failure::input(format!("there is no kind `{}`: the kinds are {}", args.kind, known.join(", ")))
    })?;
    let bulk = args.args == "-";
    if bulk && args.key.is_some() {
        return Err(Failure::input("--key with several jobs would enqueue only the first: leave it out"));
    }
    let jobs = if bulk {
        from_lines(spec, io::stdin().lock())?
    } else {
        vec![from_text(spec, &args.args)?]
    };
    let options = Options {
        run_at: match (args.delay, args.at) {
            (Some(delay), _) => RunAt::In(delay),
            (None, Some(at)) => RunAt::At(at),
            (None, None) => RunAt::Now,
        },
        key: args.key,
        expires_in: args.expires_in,
    };
    let jobs = jobs.into_iter().map(|job| (job, options.clone())).collect();
    let enqueued = match session.client()?.enqueue_prepared(spec.queue, jobs).await {
        Ok(enqueued) => enqueued,
        Err(longshore_client::ClientError::Interrupted { accepted, source }) => {
            // What was accepted is named, so that the rest can be enqueued without doubling it.
            for id in &accepted {
                print(args.json, &id.to_string(), false)?;
            }
            let count = accepted.len();
            tracing::error!("the first {count} lines were enqueued, of the 500 after them it is not known, the rest were not");
            return Err(source.into());
        }
        Err(error) => return Err(error.into()),
    };
    for job in enqueued {
        print(args.json, &job.id.to_string(), job.duplicate)?;
    }
    Ok(())
}

fn print(as_json: bool, id: &str, duplicate: bool) -> Result<(), Failure> {
    if as_json {
        output::json(&json!({ "id": id, "duplicate": duplicate }))
    } else {
        output::line(id)
    }
}

/// JSON, or `@file` with JSON.
fn from_text(spec: &KindSpec, args: &str) -> Result<Prepared, Failure> {
    let (text, place) = match args.strip_prefix('@') {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| Failure::input(format!("{path} cannot be read: {error}")))?;
            (text, format!("{path}: "))
        }
        None => (args.to_owned(), String::new()),
    };
    spec.prepare(&text)
        .map_err(|error| Failure::input(format!("{place}these are no args of {}: {error}", spec.kind)))
}

/// JSON Lines; empty lines are passed over. All wrong lines are told at once, twenty at the most.
fn from_lines(spec: &KindSpec, lines: impl BufRead) -> Result<Vec<Prepared>, Failure> {
    let mut jobs = Vec::new();
    let mut wrong = Vec::new();
    for (number, line) in (1..).zip(lines.split(b'\n')) {
        let line = line.map_err(|error| Failure::input(format!("stdin cannot be read: {error}")))?;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let prepared = match std::str::from_utf8(&line) {
            Ok(text) => spec.prepare(text).map_err(|error| error.to_string()),
            Err(_) => Err("not UTF-8".to_owned()),
        };
        match prepared {
            Ok(job) => jobs.push(job),
            Err(error) => wrong.push(format!("line {number}: {error}")),
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
    Err(Failure::input(format!(
        "nothing was enqueued: {count} lines are no args of {}\n{}",
        spec.kind,
        wrong.join("\n")
    )))
}
