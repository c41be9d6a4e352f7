//! `enqueue`.

mod lines;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use indicatif::{ProgressBar, ProgressStyle};
use longshore_client::{ClientError, EnqueueOptions, Enqueued, QueueError, RunAt};
use longshore_job::{KindSpec, Prepared};
use serde::Serialize;

use super::{kinds, queues, signals};
use crate::cli::EnqueueArgs;
use crate::failure::Failure;
use crate::output;
use crate::registry;
use crate::session::Session;

/// A job with what was said of it.
type NewJob = (Prepared, EnqueueOptions);

/// How many jobs one call takes: the client's own measure.
const CHUNK: usize = 500;

pub(super) async fn run(session: &Session, args: EnqueueArgs) -> Result<(), Failure> {
    let spec = kinds::find(session, &args.kind)?;
    let bulk = args.args == "-";
    if bulk && args.key.is_some() {
        return Err(Failure::input(
            "--key with several jobs would enqueue only the first: leave it out",
        ));
    }
    let options = EnqueueOptions {
        run_at: match (args.delay, args.at) {
            (Some(delay), _) => RunAt::In(delay),
            (None, Some(at)) => RunAt::At(at),
            (None, None) => RunAt::Now,
        },
        key: args.key,
        expires_in: args.expires_in,
        expires_at: args.expires_at.map(time),
        priority: args.priority,
        tenant: args.tenant,
        tags: args.tags,
    };
    let jobs = if bulk {
        from_stdin(spec, &options)?
    } else {
        vec![(from_text(spec, &args.args)?, options)]
    };
    warn(session, &jobs);
    let queues: BTreeSet<_> = jobs.iter().map(|(job, _)| job.queue.clone()).collect();
    push(session, jobs, args.json).await?;
    for queue in queues {
        queues::warn_without_workers(session, &queue).await;
    }
    Ok(())
}

fn time(ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(ms)
}

/// Enqueues them, as many at a time as one call takes, and prints the ids of each call. Whatever ends it half way, how
/// many were enqueued is said: so the rest can be enqueued without doubling the first ones.
async fn push(session: &Session, jobs: Vec<NewJob>, as_json: bool) -> Result<(), Failure> {
    let client = session.client()?;
    let mut stop = signals::listen()?;
    let total = jobs.len();
    let bar = progress(total);
    let (mut enqueued, mut unprinted) = (0, 0);
    let mut jobs = jobs.into_iter();
    let ended = loop {
        let chunk: Vec<_> = jobs.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            break Ok(());
        }
        if stop.try_recv().is_ok() {
            break Err(Failure::failed("stopped by a signal"));
        }
        let sent = chunk.len();
        match client.enqueue_prepared(chunk).await {
            Ok(accepted) => {
                enqueued += accepted.len();
                bar.inc(accepted.len() as u64);
                if unprinted == 0 {
                    match bar.suspend(|| output::write(&rows(as_json, &accepted)?)) {
                        Ok(()) => {}
                        // A reader that goes away stops no job.
                        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                            unprinted = accepted.len();
                        }
                        Err(error) => {
                            unprinted = accepted.len();
                            break Err(Failure::failed(format!("stdout: {error}")));
                        }
                    }
                } else {
                    unprinted += accepted.len();
                }
            }
            Err(error) if enqueued == 0 || is_full(&error) => break Err(error.into()),
            Err(error) => {
                output::note(&format!(
                    "it is not known whether the {sent} jobs after the first {enqueued} were enqueued"
                ));
                break Err(error.into());
            }
        }
    };
    bar.finish_and_clear();
    if enqueued > 0 && (ended.is_err() || unprinted > 0) {
        output::note(&format!("{enqueued} of {total} jobs were enqueued"));
    }
    if unprinted > 0 {
        output::note(&format!(
            "the ids of the last {unprinted} of them could not be printed"
        ));
    }
    ended
}

/// Nothing of the call was enqueued: too many jobs wait.
fn is_full(error: &ClientError) -> bool {
    matches!(error, ClientError::Queue(QueueError::Full { .. }))
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

/// What is printed of accepted jobs: a line for each.
fn rows(as_json: bool, accepted: &[Enqueued]) -> io::Result<String> {
    let mut text = String::new();
    for job in accepted {
        let (id, duplicate) = (job.id.to_string(), job.duplicate);
        match as_json {
            true => text += &serde_json::to_string(&Row { id, duplicate })?,
            false => text += &id,
        }
        text.push('\n');
    }
    Ok(text)
}

/// What is accepted, and will come to nothing.
fn warn(session: &Session, jobs: &[NewJob]) {
    let mut refusals: BTreeMap<String, u64> = BTreeMap::new();
    for (job, _) in jobs {
        if let Some(refusal) = registry::likely_refusal(&session.config, job) {
            *refusals.entry(refusal).or_default() += 1;
        }
    }
    for (refusal, count) in refusals {
        tracing::warn!(jobs = count, "{refusal}");
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

fn from_stdin(spec: &KindSpec, options: &EnqueueOptions) -> Result<Vec<NewJob>, Failure> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        output::note("enter one JSON object per line; Ctrl-D ends the input");
    }
    let jobs = lines::read(spec, stdin.lock(), options)?;
    if jobs.is_empty() {
        output::note("nothing was enqueued: stdin was empty");
    }
    Ok(jobs)
}

/// Some programs begin a file with a byte order mark.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}
