//! `operations list|show|cancel|resume`, and how one is waited for.

use std::time::Duration;

use longshore_operator::{BecameRow, OperationRow, Operator};
use serde_json::json;
use tokio::time::sleep;

use super::dead::bar;
use super::signals;
use crate::age::ago;
use crate::cli::{Operations, OperationsCommand};
use crate::failure::Failure;
use crate::output::{self, counted, or_dash, plain};
use crate::session::Session;

/// How often one that waits looks how it goes.
const LOOK_EVERY: Duration = Duration::from_millis(250);

pub(super) async fn run(session: &Session, args: Operations) -> Result<(), Failure> {
    match args.command {
        None => list(session, args.json).await,
        Some(OperationsCommand::List(args)) => list(session, args.json).await,
        Some(OperationsCommand::Show { id, json }) => show(session, &id, json).await,
        Some(OperationsCommand::Cancel { id, change }) => {
            let operator = session.operator().await?;
            let signed = session.signed(&change.reason);
            let changed = operator.cancel_operation(&id, &signed).await?;
            let row = operator.operation(&id).await?;
            if change.json {
                return session.done_json(&row);
            }
            output::done(&match changed {
                true => format!("{id} is cancelled: {}", came_to(&row)),
                false => format!("{id} was cancelled already"),
            })
        }
        Some(OperationsCommand::Resume { id, detach, change }) => {
            let operator = session.operator().await?;
            let signed = session.signed(&change.reason);
            operator.resume_operation(&id, &signed).await?;
            let row = operator.operation(&id).await?;
            follow(session, &operator, row, detach, change.json).await
        }
    }
}

async fn list(session: &Session, json: bool) -> Result<(), Failure> {
    let rows = session.operator().await?.operations().await?;
    if json {
        return output::json(&rows);
    }
    if rows.is_empty() {
        output::note("no operations");
        return Ok(());
    }
    let cells = rows.into_iter().map(|row| {
        vec![
            row.id,
            row.act.to_owned(),
            row.queue,
            row.state.to_owned(),
            format!("{}/{}", row.done, row.total),
            row.failed.to_string(),
            ago(&row.started_at),
            row.by,
            output::marked(row.filter, row.broken.as_deref()),
        ]
    });
    let header = [
        "id", "act", "queue", "state", "done", "failed", "started", "by", "of",
    ];
    output::table(&header, cells.collect())
}

async fn show(session: &Session, id: &str, json: bool) -> Result<(), Failure> {
    let operator = session.operator().await?;
    let row = operator.operation(id).await?;
    if json {
        return output::json(&row);
    }
    for (name, value) in [
        ("id", row.id.clone()),
        ("act", row.act.to_owned()),
        ("queue", row.queue.clone()),
        ("of", row.filter.clone()),
        ("by", row.by.clone()),
        ("reason", or_dash(row.reason.as_deref())),
        ("state", row.state.to_owned()),
        ("done", format!("{} of {}", row.done, row.total)),
        ("asked", row.asked.to_string()),
        ("failed", row.failed.to_string()),
        ("missed", row.missed.to_string()),
        ("due at", or_dash(row.due_at.as_deref())),
        (
            "became",
            or_dash(row.became.as_ref().map(became).as_deref()),
        ),
        ("started at", row.started_at.clone()),
        ("ended at", or_dash(row.ended_at.as_deref())),
    ] {
        output::line(&format!("{name:<12} {}", plain(&value)))?;
    }
    if row.is_open() {
        warn_without_workers(&operator, &row.queue, id).await;
    }
    Ok(())
}

/// Says so on stderr where an operation's queue has no worker that would carry it on. What cannot be found out is not said.
pub(super) async fn warn_without_workers(operator: &Operator, queue: &str, id: &str) {
    let row = operator.queue_row(queue).await;
    if row.is_ok_and(|row| row.workers == 0) {
        output::note(&plain(&format!(
            "warning: {queue}: NO WORKER serves it, so nothing continues {id}; `longshore operations resume {id}` does"
        )));
    }
}

/// Waits for the end of an operation, and carries it on meanwhile.
pub(super) async fn wait_for(
    operator: &Operator,
    mut row: OperationRow,
) -> Result<OperationRow, Failure> {
    let id = row.id.clone();
    let bar = bar(row.total);
    let mut stop = signals::listen()?;
    let mut told = false;
    while row.is_open() {
        // It is carried on from here, too: there may be no worker.
        let broken = |queue: &str, why: &str| {
            if !told {
                told = true;
                output::note(&plain(&format!(
                    "warning: {queue}: its operations cannot continue: {why}"
                )));
            }
        };
        let wait = operator.advance_operations(broken).await;
        let wait = wait.inspect_err(|_| output::note(&format!("{id} continues in the fleet")))?;
        row = operator.operation(&id).await?;
        bar.set_position(row.done + row.asked + row.failed);
        tokio::select! {
            () = sleep(wait.unwrap_or(LOOK_EVERY).min(LOOK_EVERY)) => {}
            _ = stop.recv() => {
                bar.finish_and_clear();
                let now = came_to(&row);
                return Err(Failure::failed(format!(
                    "stopped waiting: {now} so far; {id} continues in the fleet; `longshore operations resume {id}` waits for it again"
                )));
            }
        }
    }
    bar.finish_and_clear();
    Ok(row)
}

/// Waits for the end of an operation, unless somebody else is to: then the fleet carries it on by itself.
pub(super) async fn follow(
    session: &Session,
    operator: &Operator,
    row: OperationRow,
    detach: bool,
    json: bool,
) -> Result<(), Failure> {
    let id = row.id.clone();
    let print = |row: &OperationRow| session.done_json(&json!({ "operation": row }));
    if detach {
        warn_without_workers(operator, &row.queue, &id).await;
        return match json {
            true => print(&row),
            false => output::done(&format!(
                "{id} runs in the fleet: `longshore operations show {id}` shows its progress"
            )),
        };
    }
    let row = wait_for(operator, row).await?;
    if json {
        print(&row)?;
    }
    match (row.state, row.failed) {
        ("done", 0) if json => Ok(()),
        ("done", 0) => output::done(&came_to(&row)),
        ("done", _) if row.act == "reschedule" => Err(Failure::failed(format!(
            "{}: what stands of those is broken; `longshore jobs list` says how",
            came_to(&row)
        ))),
        ("done", _) => Err(Failure::failed(format!(
            "{}: `longshore jobs list` shows them; what may have been sent takes --force",
            came_to(&row)
        ))),
        (state, _) => Err(Failure::failed(format!(
            "{id} is {state}: {}",
            came_to(&row)
        ))),
    }
}

/// `3 jobs cancelled, 2 that run asked to stop, 1 not`.
pub(super) fn came_to(row: &OperationRow) -> String {
    let (thing, done) = match row.act {
        "replay" => ("dead letter", "replayed"),
        "forget" => ("job", "forgotten"),
        "reschedule" => ("job", "rescheduled"),
        "discard" => ("dead letter", "discarded"),
        _ => ("job", "cancelled"),
    };
    let mut text = format!("{} {done}", counted(row.done, thing));
    if row.asked > 0 {
        text += &format!(", {} that run asked to stop", row.asked);
    }
    if row.act != "replay" && row.failed > 0 {
        text += &format!(", {} not", row.failed);
    }
    if row.missed > 0 {
        text += &match row.act {
            "reschedule" => format!(
                ", {} were due then already, or ran or had ended before it came to them",
                row.missed
            ),
            "discard" => format!(", {} were gone before it came to them", row.missed),
            _ => format!(", {} had ended before it came to them", row.missed),
        };
    }
    text
}

/// `2301 completed, 39 dead again, 2 cancelled, 4 on their way`: what became of replayed jobs, but for what none of them did.
pub(super) fn became(of: &BecameRow) -> String {
    let parts = [
        (of.completed, "completed"),
        (of.dead_again, "dead again"),
        (of.cancelled, "cancelled"),
        (of.on_their_way, "on their way"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let said: Vec<_> = parts
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    match said.is_empty() {
        true => "nothing yet".to_owned(),
        false => said.join(", "),
    }
}
