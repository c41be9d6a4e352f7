//! `dead groups|list|show|replay|discard`.

mod moves;

use std::time::Duration;

use super::job;
use crate::age::ago;
use crate::cli::Dead;
use crate::failure::Failure;
use crate::output::{self, counted, or_dash};
use crate::session::Session;
use moves::Deed;

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
            let which = Listed {
                queue,
                group,
                since,
                limit,
            };
            list(session, which, json).await
        }
        Dead::Show(args) => {
            let operator = session.operator().await?;
            let letter = operator.letter(&args.id, args.reveal).await?;
            job::show(&letter, &args)
        }
        Dead::Replay(args) => moves::run(session, Deed::from(args)).await,
        Dead::Discard(args) => moves::run(session, Deed::from(args)).await,
    }
}

async fn groups(session: &Session, queue: Option<&str>, json: bool) -> Result<(), Failure> {
    let groups = session.operator().await?.groups(queue).await?;
    if json {
        return output::json(&groups);
    }
    if groups.is_empty() {
        output::note("no dead letters");
        return Ok(());
    }
    let rows = groups
        .into_iter()
        .map(|row| {
            vec![
                row.group,
                row.count.to_string(),
                // A kind has one queue; only what has none is told by its queue.
                row.kind.unwrap_or(row.queue),
                ago(&row.first_at),
                ago(&row.last_at),
                row.reason,
            ]
        })
        .collect();
    let header = ["group", "count", "kind", "first", "last", "reason"];
    output::table(&header, rows)
}

struct Listed {
    queue: Option<String>,
    group: Option<String>,
    since: Option<Duration>,
    limit: u32,
}

async fn list(session: &Session, which: Listed, json: bool) -> Result<(), Failure> {
    let limit = which.limit as usize;
    let operator = session.operator().await?;
    let letters = operator
        .letters(
            which.queue.as_deref(),
            which.group.as_deref(),
            which.since,
            limit,
        )
        .await?;
    if json {
        return output::json(&letters);
    }
    let count = letters.len();
    if count == 0 {
        output::note("no dead letters");
        return Ok(());
    }
    let rows = letters
        .into_iter()
        .map(|row| {
            vec![
                row.id,
                ago(&row.died_at),
                or_dash(row.kind),
                row.reason.unwrap_or_default(),
            ]
        })
        .collect();
    output::table(&["id", "died", "kind", "reason"], rows)?;
    if count == limit {
        let shown = counted(u64::from(which.limit), "dead letter");
        output::note(&format!(
            "the newest {shown}; there may be more: `longshore dead groups` counts, --limit N lists"
        ));
    }
    Ok(())
}
