//! `dead groups|list|show|replay|discard`.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};
use longshore_operator::{Moved, Operator, Target};
use serde_json::json;

use super::{job, operator_name};
use crate::cli::{Dead, Which};
use crate::failure::Failure;
use crate::output::{self, or_dash};
use crate::session::Session;

pub(super) async fn run(session: &Session, command: Dead) -> Result<(), Failure> {
    match command {
        Dead::Groups { queue, json } => groups(session, queue.as_deref(), json).await,
        Dead::List {
            queue,
            group,
            since,
            limit,
            json,
        } => {
            let operator = session.operator().await?;
            let letters = operator.letters(queue.as_deref(), group.as_deref(), since, limit).await?;
            if json {
                return output::json(&letters);
            }
            let rows = letters
                .into_iter()
                .map(|row| {
                    vec![row.id, row.died_at, or_dash(row.kind), row.attempt.to_string(), row.reason.unwrap_or_default()]
                })
                .collect();
            output::table(&["id", "died at", "kind", "attempt", "reason"], rows)
        }
        Dead::Show(args) => {
            job::check_id(&args.id)?;
            let letter = session.operator().await?.letter(&args.id, args.reveal).await?;
            job::show(&letter, args.json)
        }
        Dead::Replay(which) => change(session, which, Deed::Replay).await,
        Dead::Discard(which) => change(session, which, Deed::Discard).await,
    }
}

async fn groups(session: &Session, queue: Option<&str>, json: bool) -> Result<(), Failure> {
    let groups = session.operator().await?.groups(queue).await?;
    if json {
        return output::json(&groups);
    }
    let rows = groups
        .into_iter()
        .map(|row| {
            vec![row.group, row.queue, or_dash(row.kind), row.count.to_string(), row.first_at, row.last_at, row.reason]
        })
        .collect();
    output::table(&["group", "queue", "kind", "count", "first at", "last at", "reason"], rows)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Replay,
    Discard,
}

async fn change(session: &Session, which: Which, deed: Deed) -> Result<(), Failure> {
    if deed == Deed::Discard && which.reason.as_deref().is_none_or(str::is_empty) {
        return Err(Failure::input("a discard is for good: say why with --reason"));
    }
    let target = match (which.group, which.queue) {
        (Some(group), _) => Target::Group(group),
        (None, Some(queue)) => Target::Queue(queue),
        (None, None) => {
            which.ids.iter().try_for_each(|id| job::check_id(id))?;
            let mut ids = which.ids;
            ids.sort();
            ids.dedup();
            Target::Ids(ids)
        }
    };
    let operator = session.operator().await?;
    let count = operator.count(&target).await?;
    confirm(deed, count, which.yes)?;
    let moved = with_progress(&operator, &target, deed, count).await?;
    let (done, verb) = match deed {
        Deed::Replay => ("replayed", "are pending again"),
        Deed::Discard => ("discarded", "are gone"),
    };
    let reason = which.reason.unwrap_or_default();
    tracing::info!(by = operator_name(), reason, jobs = moved.moved, "{done}");
    if which.json {
        return output::json(&json!({ done: moved.moved, "skipped": moved.skipped }));
    }
    output::line(&format!("{} dead letters {verb}", moved.moved))?;
    for id in moved.skipped {
        output::line(&format!("{id} is not dead: left alone"))?;
    }
    Ok(())
}

async fn with_progress(operator: &Operator, target: &Target, deed: Deed, count: u64) -> Result<Moved, Failure> {
    let bar = ProgressBar::new(count);
    // indicatif draws on stderr, and only on a terminal.
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len}  {per_sec}  {eta}") {
        bar.set_style(style);
    }
    let progress = |moved| bar.set_position(moved);
    let moved = match deed {
        Deed::Replay => operator.replay(target, progress).await,
        Deed::Discard => operator.discard(target, progress).await,
    };
    bar.finish_and_clear();
    Ok(moved?)
}

/// More than one job needs `--yes` or an interactive yes; a discard always does.
fn confirm(deed: Deed, count: u64, yes: bool) -> Result<(), Failure> {
    let what = match deed {
        Deed::Replay => "replay",
        Deed::Discard => "discard",
    };
    if yes || (deed == Deed::Replay && count <= 1) {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::input(format!("this would {what} {count} dead letters: add --yes")));
    }
    eprint!("{what} {count} dead letters? [y/N] ");
    let _ = io::stderr().flush();
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(Failure::failed)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Failure::input("nothing was changed")),
    }
}
