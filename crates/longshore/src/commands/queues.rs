//! `queues`, `pause`, `resume`.

use longshore_operator::QueueRow;
use serde_json::json;

use super::operator_name;
use crate::cli::{Pause, Resume, Shown};
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

pub(super) async fn list(session: &Session, args: &Shown) -> Result<(), Failure> {
    let rows = session.operator().await?.queues().await?;
    if args.json {
        return output::json(&rows);
    }
    let header = ["queue", "pending", "scheduled", "running", "retryable", "dead", "completed", "latency", "paused"];
    output::table(&header, rows.iter().map(cells).collect())
}

fn cells(row: &QueueRow) -> Vec<String> {
    let latency = row.latency_seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.1} s"));
    let paused = row.paused.as_ref().map_or_else(
        || "-".to_owned(),
        |pause| match pause.reason.as_str() {
            "" => format!("by {} since {}", pause.by, pause.since),
            reason => format!("by {} since {}: {reason}", pause.by, pause.since),
        },
    );
    let counts = [row.pending, row.scheduled, row.running, row.retryable, row.dead, row.completed];
    let mut cells = vec![row.queue.clone()];
    cells.extend(counts.iter().map(u64::to_string));
    cells.extend([latency, paused]);
    cells
}

pub(super) async fn pause(session: &Session, args: &Pause) -> Result<(), Failure> {
    let by = operator_name();
    let changed = session.operator().await?.pause(&args.queue, &by, &args.reason).await?;
    said(&args.queue, "paused", changed, args.json)
}

pub(super) async fn resume(session: &Session, args: &Resume) -> Result<(), Failure> {
    let changed = session.operator().await?.resume(&args.queue).await?;
    said(&args.queue, "resumed", changed, args.json)
}

fn said(queue: &str, what: &str, changed: bool, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return output::json(&json!({ "queue": queue, what: true, "changed": changed }));
    }
    output::line(&match (changed, what) {
        (true, _) => format!("{queue} is {what}"),
        (false, "paused") => format!("{queue} was paused already: `longshore queues` says by whom"),
        (false, _) => format!("{queue} was not paused"),
    })
}
