//! `enqueue`.

use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};
use longshore_client::{Enqueued, Options, RunAt};
use longshore_job::{KindSpec, Prepared, kinds};
use serde::Serialize;

use super::queues;
use crate::cli::Enqueue;
use crate::failure::Failure;
use crate::output::{self, counted};
use crate::registry;
use crate::session::Session;

/// How many jobs one call takes: the client's own measure.
const CHUNK: usize = 500;

pub(super) async fn run(session: &Session, args: Enqueue) -> Result<(), Failure> {
    let spec = kinds::find(&args.kind).ok_or_else(|| {
        let known: Vec<_> = kinds::ALL.iter().map(|spec| spec.kind).collect();
        let cure = match output::nearest(&args.kind, &known) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("the kinds are {}", known.join(", ")),
        };
        Failure::input(format!("there is no kind `{}`: {cure}", args.kind))
    })?;
    let bulk = args.args == "-";
    if bulk && args.key.is_some() {
        return Err(Failure::input(
            "--key with several jobs would enqueue only the first: leave it out",
        ));
    }
    let jobs = if bulk {
        from_stdin(spec)?
    } else {
        vec![from_text(spec, &args.args)?]
    };
    warn(session, &args, &jobs);
    let options = Options {
        run_at: match (args.delay, args.at) {
            (Some(delay), _) => RunAt::In(delay),
            (None, Some(at)) => RunAt::At(at),
            (None, None) => RunAt::Now,
        },
        key: args.key,
        expires_in: args.expires_in,
    };
    push(session, spec, jobs, &options, args.json).await?;
    queues::warn_of_nobody(session, spec.queue).await;
    Ok(())
}

/// Enqueues them, as many at a time as one call takes, so that it can be seen how far it has come.
async fn push(
    session: &Session,
    spec: &KindSpec,
    jobs: Vec<Prepared>,
    options: &Options,
    as_json: bool,
) -> Result<(), Failure> {
    let client = session.client()?;
    let bar = progress(jobs.len());
    let mut enqueued = Vec::with_capacity(jobs.len());
    let mut jobs = jobs.into_iter();
    loop {
        let chunk: Vec<_> = jobs.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            break;
        }
        let chunk = chunk.into_iter().map(|job| (job, options.clone()));
        match client.enqueue_prepared(spec.queue, chunk.collect()).await {
            Ok(accepted) => {
                bar.inc(accepted.len() as u64);
                enqueued.extend(accepted);
            }
            Err(error) if enqueued.is_empty() => {
                bar.finish_and_clear();
                return Err(error.into());
            }
            Err(error) => {
                bar.finish_and_clear();
                // What was accepted is named, so that the rest can be enqueued without doubling it.
                let count = enqueued.len();
                print(as_json, enqueued)?;
                output::note(&format!(
                    "the first {count} jobs were enqueued, of the {CHUNK} after them it is not known, the rest were not"
                ));
                return Err(error.into());
            }
        }
    }
    bar.finish_and_clear();
    print(as_json, enqueued)
}

/// Drawn on stderr, and only on a terminal; not for what is done in a moment.
fn progress(jobs: usize) -> ProgressBar {
    if jobs <= CHUNK * 4 {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} enqueued, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(jobs as u64).with_style(style)
}

#[derive(Serialize)]
struct Row {
    id: String,
    duplicate: bool,
}

fn print(as_json: bool, enqueued: impl IntoIterator<Item = Enqueued>) -> Result<(), Failure> {
    for job in enqueued {
        let (id, duplicate) = (job.id.to_string(), job.duplicate);
        if as_json {
            output::json(&Row { id, duplicate })?;
        } else {
            output::line(&id)?;
        }
    }
    Ok(())
}

/// What is accepted, and will come to nothing.
fn warn(session: &Session, args: &Enqueue, jobs: &[Prepared]) {
    let mut doubts: BTreeMap<String, u64> = BTreeMap::new();
    for job in jobs {
        if let Some(doubt) = registry::doubt(&session.config, job) {
            *doubts.entry(doubt).or_default() += 1;
        }
    }
    for (doubt, count) in doubts {
        tracing::warn!(jobs = count, "{doubt}");
    }
    if let (Some(delay), Some(life)) = (args.delay, args.expires_in)
        && life < delay
    {
        tracing::warn!("--expires-in ends before --in begins: it will be dead as expired");
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
    spec.prepare(without_mark(&text)).map_err(|error| {
        Failure::input(format!(
            "{place}these are not the args of {}: {error}",
            spec.kind
        ))
    })
}

fn from_stdin(spec: &KindSpec) -> Result<Vec<Prepared>, Failure> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        output::note("one JSON object on each line; Ctrl-D ends them");
    }
    let jobs = from_lines(spec, stdin.lock())?;
    if jobs.is_empty() {
        output::note("nothing was enqueued: there was nothing on stdin");
    }
    Ok(jobs)
}

/// JSON Lines; empty lines are passed over. All wrong lines are told at once, twenty at the most.
fn from_lines(spec: &KindSpec, lines: impl BufRead) -> Result<Vec<Prepared>, Failure> {
    let mut jobs = Vec::new();
    let mut wrong = Vec::new();
    for (number, line) in (1..).zip(lines.split(b'\n')) {
        let line =
            line.map_err(|error| Failure::input(format!("stdin cannot be read: {error}")))?;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let prepared = match std::str::from_utf8(&line) {
            Ok(text) => spec
                .prepare(without_mark(text))
                .map_err(|error| error.to_string()),
            Err(_) => Err("not UTF-8".to_owned()),
        };
        match prepared {
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
        "nothing was enqueued: {lines} on stdin cannot be the args of {}\n{}",
        spec.kind,
        wrong.join("\n")
    )))
}

/// Some programs begin a file with a byte order mark.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}
