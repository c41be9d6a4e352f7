//! `jobs list|find|lost|cancel|reschedule|run|edit`.

mod cancel;
mod change;
mod lost;
mod reschedule;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_job::Person;
use longshore_operator::{JobFilter, JobQuery, JobRow, Operator};

use crate::age::ago;
use crate::cli::{FindJobs, JobFilters, JobsCommand, Labels, ListJobs};
use crate::failure::Failure;
use crate::output::{self, counted, or_dash};
use crate::session::Session;

pub(super) async fn run(session: &Session, command: JobsCommand) -> Result<(), Failure> {
    match command {
        JobsCommand::List(args) => list(session, args).await,
        JobsCommand::Find(args) => find(session, args).await,
        JobsCommand::Lost(args) => lost::run(session, args).await,
        JobsCommand::Cancel(args) => cancel::run(session, args).await,
        JobsCommand::Reschedule(args) => reschedule::run(session, args).await,
        JobsCommand::Run(args) => change::run_now(session, args).await,
        JobsCommand::Edit(args) => change::edit(session, args).await,
    }
}

/// Which jobs are meant.
fn filter(filters: JobFilters) -> JobFilter {
    JobFilter {
        states: filters.states,
        ..marked(filters.labels, filters.since)
    }
}

/// The jobs that are marked so, from so long ago or later.
pub(super) fn marked(labels: Labels, since: Option<Duration>) -> JobFilter {
    JobFilter {
        states: Vec::new(),
        kind: labels.kind,
        tenant: labels.tenant,
        tag: labels.tag,
        key: labels.key,
        since_ms: since.map(ago_ms),
    }
}

/// So long ago, in ms since the epoch.
fn ago_ms(since: Duration) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let then = now.unwrap_or_default().saturating_sub(since);
    // 0 means any time.
    u64::try_from(then.as_millis()).unwrap_or(u64::MAX).max(1)
}

async fn list(session: &Session, args: ListJobs) -> Result<(), Failure> {
    let query = JobQuery {
        queue: args.queue.as_deref(),
        filter: filter(args.filters),
        person: None,
        limit: args.limit as usize,
    };
    let rows = looked_up(&session.operator().await?, &query).await?;
    show(rows, &query, args.json)
}

async fn find(session: &Session, args: FindJobs) -> Result<(), Failure> {
    let person = Person::parse(&args.recipient).map_err(Failure::input)?;
    let query = JobQuery {
        queue: args.queue.as_deref(),
        filter: JobFilter::default(),
        person: Some(&person),
        limit: args.limit as usize,
    };
    let operator = session.operator().await?;
    let rows = looked_up(&operator, &query).await?;
    // Personal data was looked into: the audit has it, whichever door it was.
    let queues = match query.queue {
        Some(queue) => vec![queue.to_owned()],
        None => operator.queue_names(),
    };
    let found: Vec<_> = queues
        .into_iter()
        .map(|queue| {
            let of_queue = rows.iter().filter(|row| row.queue == queue);
            // The row of a queue that cannot be read is no job.
            let jobs = of_queue.filter(|row| row.state.is_some()).count() as u64;
            (queue, jobs)
        })
        .collect();
    operator
        .note_person_search(&found, &session.signed(""))
        .await?;
    show(rows, &query, args.json)
}

async fn looked_up(operator: &Operator, query: &JobQuery<'_>) -> Result<Vec<JobRow>, Failure> {
    let bar = looking();
    let rows = operator
        .jobs(query, |looked| bar.set_position(looked))
        .await;
    bar.finish_and_clear();
    Ok(rows?)
}

fn show(rows: Vec<JobRow>, query: &JobQuery<'_>, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(&rows);
    }
    if rows.is_empty() {
        output::note("no jobs");
        return Ok(());
    }
    let count = rows.len();
    let header = [
        "id", "queue", "kind", "state", "priority", "tenant", "enqueued", "next run", "held by",
        "tags",
    ];
    output::table(&header, rows.into_iter().map(cells).collect())?;
    if count == query.limit {
        let shown = counted(count as u64, "job");
        output::note(&format!(
            "the newest {shown}; there may be more: --limit N lists them"
        ));
    }
    Ok(())
}

fn cells(row: JobRow) -> Vec<String> {
    vec![
        row.id,
        row.queue,
        or_dash(row.kind),
        or_dash(row.state),
        row.priority.to_string(),
        or_dash(row.tenant),
        or_dash(row.enqueued_at.as_deref().map(ago)),
        or_dash(row.next_run_at),
        or_dash(row.held_by),
        output::marked(row.tags.join(", "), row.broken.as_deref()),
    ]
}

/// Says on a terminal how many jobs have been looked at.
pub(super) fn looking() -> indicatif::ProgressBar {
    let bar = indicatif::ProgressBar::new_spinner();
    if let Ok(style) = indicatif::ProgressStyle::with_template("{pos} jobs looked at") {
        bar.set_style(style);
    }
    bar
}

/// Asks for a yes for more than one job.
fn agree(yes: bool, count: u64, what: &str) -> Result<(), Failure> {
    match yes || count <= 1 {
        true => Ok(()),
        false => output::confirm(what, &format!("this would {what}")),
    }
}
