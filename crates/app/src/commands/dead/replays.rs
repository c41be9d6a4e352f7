//! Replays as operations: begun, waited for, listed, cancelled, resumed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use longshore_operator::{OperationRow, Operator, ReplayRow};
use longshore_queue::Replaying;
use serde_json::json;
use tokio::time::sleep;

use super::super::operations::{self, became};
use super::super::signals;
use super::moves::{bar, confirm, target};
use crate::age::ago;
use crate::cli::{ReplayArgs, ReplayChange};
use crate::failure::Failure;
use crate::output::{self, counted, or_dash, plain};
use crate::session::Session;

/// How often one that waits looks how it goes.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long the first runs that are out when a replay stops itself are waited for, from the last of them: the number that is
/// told then is the one that everybody sees later.
const LAST_RUNS_WITHIN: Duration = Duration::from_secs(10);

/// `dead replay --rate`, or `--detach`.
pub(super) async fn begin(session: &Session, args: ReplayArgs) -> Result<(), Failure> {
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
            true => print_rows(session, &begun),
            false => output::line("no dead letters to replay"),
        };
    }
    follow(session, &operator, begun, args.detach, args.json).await
}

/// How letters are to be replayed.
pub(super) fn how(args: &ReplayArgs) -> Replaying {
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
            or_dash(row.rate.map(|_| row.failed)),
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
        ReplayChange::Cancel {
            id, reason, json, ..
        } => {
            let signed = session.signed(&reason);
            let changed = operator.cancel_replay(&id, &signed).await?;
            let row = operator.replay_of(&id).await?;
            if json {
                return session.done_json(&json!({ "replay": row }));
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
            ..
        } => {
            let signed = session.signed(&reason);
            operator.resume_replay(&id, &signed).await?;
            let row = operator.replay_of(&id).await?;
            follow(session, &operator, vec![row], detach, json).await
        }
    }
}

/// Waits for the end of replays, unless somebody else is to: then the fleet carries them on by itself.
async fn follow(
    session: &Session,
    operator: &Operator,
    mut rows: Vec<ReplayRow>,
    detach: bool,
    json: bool,
) -> Result<(), Failure> {
    let ids = rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>();
    let ids = ids.join(" ");
    if detach {
        for row in &rows {
            operations::warn_without_workers(operator, &row.queue, &row.id).await;
        }
        return match json {
            true => print_rows(session, &rows),
            false => output::done(&format!(
                "{ids} runs in the fleet: `longshore dead replays` shows its progress"
            )),
        };
    }
    if !watch(operator, &mut rows, &ids).await? {
        return Ok(());
    }
    if json {
        print_rows(session, &rows)?;
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

/// Carries replays on, and looks how they go, until they are over and their last runs have ended. Returns whether it came to
/// that: a signal leaves them to the fleet.
async fn watch(operator: &Operator, rows: &mut [ReplayRow], ids: &str) -> Result<bool, Failure> {
    let bar = bar(rows.iter().map(|row| row.total).sum());
    let mut stop = signals::listen()?;
    let mut told = BTreeSet::new();
    let mut last_runs = LastRuns::default();
    while rows.iter().any(ReplayRow::is_open) || last_runs.are_to_come(rows, Instant::now()) {
        // It is carried on from here, too: there may be no worker.
        let broken = |queue: &str, why: &str| {
            if told.insert(queue.to_owned()) {
                let text = format!("warning: {queue}: its replays cannot continue: {why}");
                output::note(&plain(&text));
            }
        };
        let wait = operator.advance_operations(broken).await;
        let wait = wait.inspect_err(|_| output::note(&format!("{ids} continues in the fleet")))?;
        for row in rows.iter_mut() {
            *row = operator.replay_of(&row.id).await?;
        }
        bar.set_position(rows.iter().map(|row| row.moved).sum());
        tokio::select! {
            () = sleep(wait.unwrap_or(LOOK_EVERY).min(LOOK_EVERY)) => {}
            _ = stop.recv() => {
                bar.finish_and_clear();
                if !rows.iter().any(ReplayRow::is_open) {
                    return Ok(true);
                }
                output::note(&format!(
                    "{ids} continues in the fleet: `longshore dead replays` shows its progress, and cancels"
                ));
                return Ok(false);
            }
        }
    }
    bar.finish_and_clear();
    Ok(true)
}

/// The first runs that were out when a replay stopped itself.
#[derive(Default)]
struct LastRuns {
    /// How many there were when one ended last, and when that was.
    last: Option<(u64, Instant)>,
}

impl LastRuns {
    fn are_to_come(&mut self, rows: &[ReplayRow], now: Instant) -> bool {
        let stopped = rows.iter().filter(|row| row.has_stopped());
        let left: u64 = stopped.map(ReplayRow::not_run_yet).sum();
        let since = match self.last {
            Some((before, since)) if before == left => since,
            _ => now,
        };
        self.last = Some((left, since));
        left > 0 && now.duration_since(since) < LAST_RUNS_WITHIN
    }
}

fn print_rows(session: &Session, rows: &[ReplayRow]) -> Result<(), Failure> {
    let replayed: u64 = rows.iter().map(|row| row.moved).sum();
    session.done_json(&json!({
        "replayed": replayed, "skipped": [], "not_found": [], "replays": rows,
    }))
}

/// How one ended, and whether that is well.
fn ended(row: &ReplayRow) -> Result<String, String> {
    let id = &row.id;
    let came_to = came_to(row);
    if row.has_stopped() {
        let cause = or_dash(row.cause.as_deref());
        return Err(format!(
            "{id} stopped itself after {} of {}, since they fail again: {cause}\n\
             {came_to}. When that is mended: `longshore dead replays resume {id}` for the rest; those that died again are \
             dead letters as before",
            row.moved, row.total
        ));
    }
    if row.state == "cancelled" {
        return Err(format!(
            "{id} was cancelled after {} of {}. {came_to}",
            row.moved, row.total
        ));
    }
    match row.rate.is_some() && row.moved > 0 && row.completed == 0 {
        true => Err(format!("{id}: none of them completed. {came_to}")),
        false => Ok(came_to),
    }
}

/// What its letters came to: all that it has moved, once each.
fn came_to(row: &ReplayRow) -> String {
    let replayed = counted(row.moved, "dead letter");
    match OperationRow::from(row.clone()).became {
        Some(of) if row.moved > 0 => format!("{replayed} replayed: {}", became(&of)),
        _ => format!("{replayed} replayed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stopped(moved: u64, failed: u64) -> ReplayRow {
        ReplayRow {
            id: "01JD2Z5V9GQ8X0T6M3K7W4R1YB".to_owned(),
            queue: "email".to_owned(),
            target: "email".to_owned(),
            group: None,
            state: "stopped",
            rate: Some(20),
            by: "kari".to_owned(),
            reason: None,
            total: 60,
            moved,
            completed: 0,
            dead_again: failed,
            cancelled: 0,
            first_completed: 0,
            failed,
            again: failed,
            otherwise: 0,
            begun_at: String::new(),
            ended_at: None,
            cause: None,
            broken: None,
        }
    }

    #[test]
    fn last_runs_are_waited_for_as_long_as_they_come() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut runs = LastRuns::default();
        assert!(runs.are_to_come(&[stopped(42, 21)], at(0)));
        assert!(runs.are_to_come(&[stopped(42, 21)], at(9)));
        assert!(runs.are_to_come(&[stopped(42, 22)], at(9)));
        assert!(runs.are_to_come(&[stopped(42, 22)], at(18)));
        assert!(!runs.are_to_come(&[stopped(42, 22)], at(19)));
        assert!(!LastRuns::default().are_to_come(&[stopped(42, 42)], at(0)));
    }

    #[test]
    fn what_became_of_each_is_told() {
        assert_eq!(
            came_to(&stopped(42, 21)),
            "42 dead letters replayed: 21 dead again, 21 on their way"
        );
    }
}
