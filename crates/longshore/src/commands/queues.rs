//! `queues`, `pause`, `resume`.

use longshore_operator::{BreakerRow, PauseRow, QueueRow};
use longshore_queue::BreakerState;
use serde_json::json;

use super::operator_name;
use crate::age::{ago, rough};
use crate::cli::{Pause, Resume, Shown};
use crate::failure::Failure;
use crate::output::{self, or_dash, plain};
use crate::session::Session;

pub(super) async fn list(session: &Session, args: &Shown) -> Result<(), Failure> {
    let rows = session.operator().await?.queues().await?;
    if args.json {
        return output::json(&rows);
    }
    let header = [
        "queue",
        "pending",
        "scheduled",
        "running",
        "retryable",
        "dead",
        "completed",
        "latency",
        "paused",
    ];
    output::table(&header, rows.iter().map(cells).collect())?;
    for row in &rows {
        for breaker in row
            .breakers
            .iter()
            .filter(|b| b.state != BreakerState::Closed)
        {
            output::line(&plain(&breaker_line(row, breaker)))?;
        }
        for breaker in &row.breakers {
            if let Some(refused) = &breaker.refused {
                output::line(&plain(&format!("{}: {}", row.queue, refused.reason)))?;
            }
        }
        if let Some(until) = &row.held_until {
            let text = format!("{}: its provider said to come back at {until}", row.queue);
            output::line(&plain(&text))?;
        }
        if let Some(pause) = &row.paused {
            output::line(&plain(&paused(&row.queue, pause)))?;
        }
    }
    Ok(())
}

fn cells(row: &QueueRow) -> Vec<String> {
    let counts = [
        row.pending,
        row.scheduled,
        row.running,
        row.retryable,
        row.dead,
        row.completed,
    ];
    let mut cells = vec![row.queue.clone()];
    cells.extend(counts.iter().map(u64::to_string));
    cells.push(or_dash(row.latency_seconds.map(latency)));
    cells.push(row.paused.as_ref().map_or("-", |_| "paused").to_owned());
    cells
}

fn latency(seconds: f64) -> String {
    if seconds < 10.0 {
        format!("{seconds:.1}s")
    } else {
        rough(seconds as i64)
    }
}

fn breaker_line(row: &QueueRow, breaker: &BreakerRow) -> String {
    let QueueRow {
        queue, fallback, ..
    } = row;
    let BreakerRow {
        provider,
        state,
        until,
        ..
    } = breaker;
    let until = or_dash(until.as_deref());
    let stands_in = fallback
        .as_ref()
        .filter(|fallback| fallback.active && fallback.provider != *provider);
    match (state, stands_in) {
        (BreakerState::HalfOpen, _) => format!(
            "{queue}: the breaker of {provider} is half-open: one call finds out whether it is back{}",
            stands_in.map_or(String::new(), |fallback| format!(
                ", other jobs go to {} meanwhile",
                fallback.provider
            ))
        ),
        (_, Some(fallback)) => format!(
            "{queue}: the breaker of {provider} is {}: jobs go to {} ({} so far), one call asks {provider} again at {until}",
            state.as_str(),
            fallback.provider,
            fallback.jobs
        ),
        (_, None) => format!(
            "{queue}: the breaker of {provider} is {}: no calls until {until}, jobs wait with their attempts intact",
            state.as_str()
        ),
    }
}

fn paused(queue: &str, pause: &PauseRow) -> String {
    let by = format!("{queue} was paused by {} {}", pause.by, ago(&pause.since));
    match pause.reason.as_str() {
        "" => by,
        reason => format!("{by}: {reason}"),
    }
}

pub(super) async fn pause(session: &Session, args: &Pause) -> Result<(), Failure> {
    let by = operator_name();
    let changed = session
        .operator()
        .await?
        .pause(&args.queue, &by, &args.reason)
        .await?;
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
        (true, "paused") => {
            format!(
                "{queue} is paused: running jobs finish, nothing new starts until `longshore resume {queue}`"
            )
        }
        (true, _) => format!("{queue} is resumed"),
        (false, "paused") => format!("{queue} was paused already: `longshore queues` says by whom"),
        (false, _) => format!("{queue} was not paused"),
    })
}
