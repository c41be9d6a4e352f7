//! `cron list`, `cron run`, `cron pause`, `cron resume`.

use longshore_cron::ScheduledEntry;
use longshore_operator::{CronRow, TickRow};
use longshore_queue::JobState;
use serde_json::json;

use super::queues::paused;
use crate::age::ago;
use crate::cli::{ChangeEntry, Cron, Shown};
use crate::failure::Failure;
use crate::output::{self, or_dash, plain};
use crate::registry;
use crate::session::Session;

pub(super) async fn run(session: &Session, command: Cron) -> Result<(), Failure> {
    match command {
        Cron::List(args) => list(session, &args).await,
        Cron::Run { name, json, .. } => run_now(session, &name, json).await,
        Cron::Pause(args) => pause(session, &args).await,
        Cron::Resume(args) => resume(session, &args).await,
    }
}

async fn list(session: &Session, args: &Shown) -> Result<(), Failure> {
    let entries = session.config.cron.iter().map(|settings| {
        let inactive = registry::inactive(&session.config, settings);
        (settings.entry.clone(), inactive)
    });
    let entries: Vec<_> = entries.collect();
    let rows = session.operator().await?.cron(&entries).await?;
    if args.json {
        return output::json(&rows);
    }
    let header = [
        "name",
        "schedule",
        "timezone",
        "kind",
        "catch up",
        "last tick",
        "next tick",
        "last job",
        "is",
    ];
    output::table(&header, rows.iter().map(cells).collect())?;
    for row in &rows {
        if let Some(why) = &row.broken {
            output::line(&plain(&format!("{}: broken: {why}", row.name)))?;
        }
        if let Some(why) = &row.inactive {
            output::line(&plain(&format!("{} does not tick: {why}", row.name)))?;
        }
        if let Some(pause) = &row.paused {
            let text = paused(&row.name, pause);
            output::line(&plain(&format!(
                "{text}; `longshore cron resume {}` lets it tick again",
                row.name
            )))?;
        }
    }
    let mut waiting: Vec<_> = rows.iter().filter(|row| row.inactive.is_none()).collect();
    waiting.dedup_by_key(|row| &row.queue);
    for row in waiting {
        if let Some(problem) = nobody_looks(row) {
            output::line(&problem)?;
        }
    }
    Ok(())
}

fn cells(row: &CronRow) -> Vec<String> {
    // To the second: they have no fractions.
    let time =
        |time: &Option<String>| or_dash(time.as_ref().map(|time| time.replace(".000Z", "Z")));
    vec![
        row.name.clone(),
        row.schedule.clone(),
        row.timezone.clone(),
        row.kind.clone(),
        row.catch_up.clone(),
        time(&row.last_tick),
        time(&row.next_tick),
        or_dash(row.last_job.as_ref()),
        or_dash(row.ticks.first().map(became)),
    ]
}

/// What became of the job of a tick.
fn became(tick: &TickRow) -> &str {
    tick.state.map_or("forgotten", JobState::as_str)
}

/// Ticks need somebody who ticks them. Three times as long as it takes until a process notes that it is there.
fn nobody_looks(row: &CronRow) -> Option<String> {
    const LONG: jiff::SignedDuration = jiff::SignedDuration::from_mins(3);
    let queue = &row.queue;
    let Some(at) = &row.looked_at else {
        return Some(format!(
            "no `longshore work` has ticked entries of {queue} yet"
        ));
    };
    let time: jiff::Timestamp = at.parse().ok()?;
    let silent = jiff::Timestamp::now().duration_since(time) > LONG;
    silent.then(|| {
        let ago = ago(at);
        format!("no `longshore work` ticks entries of {queue}: the last one was there {ago}")
    })
}

async fn pause(session: &Session, args: &ChangeEntry) -> Result<(), Failure> {
    let entry = find(session, &args.name)?;
    let signed = session.signed(&args.reason);
    let changed = session.operator().await?.cron_pause(entry, &signed).await?;
    let name = &args.name;
    if args.json {
        return session.done_json(&json!({ "entry": name, "paused": true, "changed": changed }));
    }
    output::done(&match changed {
        true => format!(
            "{name} is paused: what it would tick until `longshore cron resume {name}` is skipped"
        ),
        false => format!("{name} was paused already: `longshore cron list` says by whom"),
    })
}

async fn resume(session: &Session, args: &ChangeEntry) -> Result<(), Failure> {
    let entry = find(session, &args.name)?;
    let signed = session.signed(&args.reason);
    let operator = session.operator().await?;
    let changed = operator.cron_resume(entry, &signed).await?;
    let name = &args.name;
    if args.json {
        return session.done_json(&json!({ "entry": name, "resumed": true, "changed": changed }));
    }
    output::done(&match changed {
        true => format!("{name} ticks again from now on: what it skipped is not made up for"),
        false => format!("{name} was not paused"),
    })
}

async fn run_now(session: &Session, name: &str, as_json: bool) -> Result<(), Failure> {
    let entry = find(session, name)?;
    if let Ok(job) = entry.job(0)
        && let Some(refusal) = registry::likely_refusal(&session.config, &job)
    {
        tracing::warn!("{refusal}");
    }
    let signed = session.signed("");
    let id = session.operator().await?.cron_run(entry, &signed).await?;
    match as_json {
        true => session.done_json(&json!({ "id": id.to_string(), "duplicate": false })),
        false => output::done(&id.to_string()),
    }
}

fn find<'a>(session: &'a Session, name: &str) -> Result<&'a ScheduledEntry, Failure> {
    let entries = || session.config.cron.iter().map(|settings| &settings.entry);
    entries().find(|entry| entry.name() == name).ok_or_else(|| {
        let known: Vec<_> = entries().map(ScheduledEntry::name).collect();
        let known = match known.as_slice() {
            [] => "there are none".to_owned(),
            known => format!("the entries are {}", known.join(", ")),
        };
        Failure::input(format!("there is no cron entry `{name}`: {known}"))
    })
}
