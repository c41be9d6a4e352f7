//! `queues --watch`: the queues, again and again, until a signal. A Redis that is away is told, and watched on.

use std::io::{self, IsTerminal};

use jiff::Timestamp;
use longshore_operator::{QueueRow, ThisProgram};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};

use super::json::json_rows;
use super::{found, latency, notes, rows};
use crate::cli::QueuesArgs;
use crate::commands::signals;
use crate::failure::Failure;
use crate::output::{self, or_dash, plain};
use crate::session::Session;

/// A terminal's screen is cleared from its first line on.
const FROM_THE_TOP: &str = "\x1b[H\x1b[J";

pub(super) async fn run(session: &Session, args: &QueuesArgs) -> Result<(), Failure> {
    let mut stop = signals::listen()?;
    let mut ticks = interval(args.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stop.recv() => return Ok(()),
        }
        let looked = tokio::select! {
            looked = look(session, args) => looked,
            _ = stop.recv() => return Ok(()),
        };
        let text = match looked {
            Ok(rows) => picture(session, args, &rows)?,
            // A queue that does not exist is no passing trouble.
            Err(failure @ Failure::Input(_)) => return Err(failure),
            Err(failure) => outage(args, &failure)?,
        };
        match output::write(&text) {
            Ok(()) => {}
            // Nobody looks any more.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(Failure::failed(format!("stdout: {error}"))),
        }
    }
}

async fn look(session: &Session, args: &QueuesArgs) -> Result<Vec<QueueRow>, Failure> {
    let link = session.reached().await?;
    let found = found(session, &link).await;
    let operator = session.operator_of(&link, &found)?;
    operator.check_layouts().await?;
    Ok(rows(&operator, args).await?)
}

/// What is written of a look.
fn picture(session: &Session, args: &QueuesArgs, rows: &[QueueRow]) -> Result<String, Failure> {
    let at = now();
    if args.json {
        let line = json!({ "at": at, "queues": json_rows(rows)? });
        return Ok(format!("{line}\n"));
    }
    let mut lines = vec![format!("{at}  {}", session.target(&session.link()?))];
    let header = [
        "queue", "pending", "sched", "run", "retry", "dead", "done/min", "oldest", "held",
    ];
    lines.extend(output::table_lines(
        &header,
        rows.iter().map(cells).collect(),
    ));
    let notes = notes(session, rows);
    lines.extend(
        notes
            .iter()
            .map(|note| ThisProgram::get().commands(note).into_owned()),
    );
    Ok(framed(&lines))
}

/// What is written when nothing could be seen. On a terminal the last picture goes: its numbers are old.
fn outage(args: &QueuesArgs, failure: &Failure) -> Result<String, Failure> {
    let at = now();
    let why = plain(&failure.to_string());
    if args.json {
        let line = json!({ "at": at, "error": why });
        return Ok(format!("{line}\n"));
    }
    Ok(framed(&[format!("{at}  {why}; looking again")]))
}

/// In place of the last one on a terminal, below it elsewhere.
fn framed(lines: &[String]) -> String {
    let from = match io::stdout().is_terminal() {
        true => FROM_THE_TOP,
        false => "",
    };
    format!("{from}{}\n", lines.join("\n"))
}

fn now() -> String {
    format!("{:.0}", Timestamp::now())
}

/// Nine columns that fit beside each other in 80.
fn cells(row: &QueueRow) -> Vec<String> {
    let held = match (&row.paused, row.holds.is_empty()) {
        (Some(_), _) => "paused",
        (None, false) => "held",
        (None, true) => "-",
    };
    if row.away.is_some() {
        let unknown = std::iter::repeat_n("?".to_owned(), 7);
        let mut cells: Vec<_> = std::iter::once(row.queue.clone()).chain(unknown).collect();
        cells.push("away".to_owned());
        return cells;
    }
    let mut cells = vec![row.queue.clone()];
    let counts = [
        row.pending,
        row.scheduled,
        row.running,
        row.retryable,
        row.dead,
        row.per_minute.completed,
    ];
    cells.extend(counts.iter().map(u64::to_string));
    cells.push(or_dash(row.latency_seconds.map(latency)));
    cells.push(held.to_owned());
    cells
}
