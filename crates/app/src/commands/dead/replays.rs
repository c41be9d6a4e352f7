//! Replays as operations: begun, waited for, listed, cancelled, resumed.

use std::collections::BTreeSet;
use std::time::Duration;

use longshore_operator::{Operator, ReplayRow};
use longshore_queue::Replaying;
use serde_json::json;
use tokio::time::sleep;

use super::super::signals;
use super::moves::{bar, confirm, target};
use crate::age::ago;
use crate::cli::{Replay, ReplayChange};
use crate::failure::Failure;
use crate::output::{self, counted, or_dash, plain};
use crate::session::Session;

/// How often one that waits looks how it goes.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// `dead replay --rate`, or `--detach`.
pub(super) async fn begin(session: &Session, args: Replay) -> Result<(), Failure> {
    let how = how(&args);
    let target = target(args.which);
    let operator = session.operator().await?;
    let count = operator.count(&target).await?;
    if count > 1 && !args.yes {
        confirm("replay", count)?;
    }
    let signed = session.signed(&args.reason);
    let begun = operator.begin_replay(&target, how, &signed).await?;
    if begun.is_empty() {
        return match args.json {
            true => said(&begun),
            false => output::line("no dead letters to replay"),
        };
    }
    follow(&operator, begun, args.detach, args.json).await
}

/// How letters are to be replayed.
pub(super) fn how(args: &Replay) -> Replaying {
    Replaying {
        rate: args.rate,
        fresh_expiry: args.fresh_expiry,
    }
}

/// `dead replays`.
pub(super) async fn list(session: &Session, json: bool) -> Result<(), Failure> {
    let rows = session.operator().await?.replays().await?;
    if json {
        return output::json(&rows);
    }
    if rows.is_empty() {
        output::note("no replays");
        return Ok(());
    }
    let cells = rows.into_iter().map(|row| {
        vec![
            row.id,
            row.state.to_owned(),
            format!("{}/{}", row.moved, row.total),
            or_dash(row.rate.map(|rate| format!("{rate}/s"))),
            (row.again + row.otherwise).to_string(),
            ago(&row.begun_at),
            row.by,
            output::marked(row.cause.unwrap_or(row.target), row.broken.as_deref()),
        ]
    });
    let header = [
        "id",
        "state",
        "moved",
        "rate",
        "failed",
        "begun",
        "by",
        "of, or why",
    ];
    output::table(&header, cells.collect())
}

/// `dead replays cancel` and `dead replays resume`.
pub(super) async fn change(session: &Session, change: ReplayChange) -> Result<(), Failure> {
    let operator = session.operator().await?;
    match change {
        ReplayChange::Cancel { id, reason, json } => {
            let signed = session.signed(&reason);
            let changed = operator.cancel_replay(&id, &signed).await?;
            let row = operator.replay_of(&id).await?;
            if json {
                return output::done_json(&row);
            }
            let moved = counted(row.moved, "dead letter");
            output::done(&match changed {
                true => format!("{id} is cancelled: {moved} of {} were replayed", row.total),
                false => format!("{id} was cancelled already"),
            })
        }
        ReplayChange::Resume {
            id,
            reason,
            detach,
            json,
        } => {
            let signed = session.signed(&reason);
            operator.resume_replay(&id, &signed).await?;
            let row = operator.replay_of(&id).await?;
            follow(&operator, vec![row], detach, json).await
        }
    }
}

/// Waits for the end of replays, unless somebody else is to: then the fleet carries them on by itself.
async fn follow(
    operator: &Operator,
    mut rows: Vec<ReplayRow>,
    detach: bool,
    json: bool,
) -> Result<(), Failure> {
    let ids = rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>();
    let ids = ids.join(" ");
    if detach {
        return match json {
            true => said(&rows),
            false => output::done(&format!(
                "{ids} runs in the fleet: `longshore dead replays` shows its progress"
            )),
        };
    }
    let bar = bar(rows.iter().map(|row| row.total).sum());
    let mut stop = signals::listen()?;
    let mut told = BTreeSet::new();
    while rows.iter().any(ReplayRow::is_open) {
        // It is carried on from here, too: there may be no worker.
        let broken = |queue: &str, why: &str| {
            if told.insert(queue.to_owned()) {
                let text = format!("warning: {queue}: its replays cannot continue: {why}");
                output::note(&plain(&text));
            }
        };
        let wait = operator.advance_replays(broken).await;
        let wait = wait.inspect_err(|_| output::note(&format!("{ids} continues in the fleet")))?;
        for row in &mut rows {
            *row = operator.replay_of(&row.id).await?;
        }
        bar.set_position(rows.iter().map(|row| row.moved).sum());
        tokio::select! {
            () = sleep(wait.unwrap_or(LOOK_EVERY).min(LOOK_EVERY)) => {}
            _ = stop.recv() => {
                bar.finish_and_clear();
                output::note(&format!(
                    "{ids} continues in the fleet: `longshore dead replays` shows its progress, and cancels"
                ));
                return Ok(());
            }
        }
    }
    bar.finish_and_clear();
    if json {
        said(&rows)?;
    }
    let mut failed = Vec::new();
    for row in &rows {
        match ended(row) {
            Ok(line) if !json => output::done(&line)?,
            Ok(_) => {}
            Err(line) => failed.push(line),
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Failure::failed(failed.join("\n"))),
    }
}

fn said(rows: &[ReplayRow]) -> Result<(), Failure> {
    let replayed: u64 = rows.iter().map(|row| row.moved).sum();
    output::done_json(&json!({
        "replayed": replayed, "skipped": [], "not_found": [], "replays": rows,
    }))
}

/// How one ended, and whether that is well.
fn ended(row: &ReplayRow) -> Result<String, String> {
    let id = &row.id;
    let moved = counted(row.moved, "dead letter");
    let failed = row.again + row.otherwise;
    if row.has_stopped() {
        let cause = or_dash(row.cause.as_deref());
        return Err(format!(
            "{id} stopped itself after {} of {}, since they fail again: {cause}\n\
             {} completed, {failed} failed. When that is mended: `longshore dead replays resume {id}` for the rest; those \
             that died again are dead letters as before",
            row.moved, row.total, row.completed
        ));
    }
    if row.state == "cancelled" {
        return Err(format!(
            "{id} was cancelled after {} of {}",
            row.moved, row.total
        ));
    }
    if row.rate.is_none() {
        return Ok(format!("{moved} replayed"));
    }
    let completed = row.completed;
    let mut line = format!("{moved} replayed: {completed} completed, {failed} failed");
    let left = row.moved.saturating_sub(completed + failed);
    if left > 0 {
        line += &format!(", {left} have not run yet");
    }
    match row.moved > 0 && completed == 0 {
        true => Err(format!("{id}: none of them completed. {line}")),
        false => Ok(line),
    }
}
