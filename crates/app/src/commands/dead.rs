//! `dead groups|list|show|edit|replay|replays|export|discard`.

mod edit;
mod export;
mod moves;
mod rehearse;
mod replays;

use std::collections::BTreeSet;
use std::time::Duration;

use longshore_operator::Filter;
use tokio::time::timeout;

use super::job;
use crate::age::ago;
use crate::cli::DeadCommand;
use crate::failure::Failure;
use crate::output::{self, counted, or_dash};
use crate::session::Session;
use moves::LetterChange;

pub(super) use edit::{given as given_args, rehearsed as rehearsed_edit};
pub(super) use moves::bar;

/// How long a shell may wait for the groups that it offers.
const PROMPT_WAITS: Duration = Duration::from_secs(1);

pub(super) async fn run(session: &Session, command: DeadCommand) -> Result<(), Failure> {
    match command {
        DeadCommand::Groups {
            queue, ids: true, ..
        } => {
            // A prompt waits for it: no answer is as good as none.
            let ids = timeout(PROMPT_WAITS, group_ids(session, queue.as_deref())).await;
            ids.unwrap_or(Ok(()))
        }
        DeadCommand::Groups {
            queue, kind, json, ..
        } => groups(session, queue.as_deref(), kind.as_deref(), json).await,
        DeadCommand::List(args) => {
            let filters = &args.filters;
            let which = Filter {
                queue: filters.queue.as_deref(),
                group: filters.group.as_deref(),
                kind: filters.labels.kind.as_deref(),
                tenant: filters.labels.tenant.as_deref(),
                tag: filters.labels.tag.as_deref(),
                key: filters.labels.key.as_deref(),
                delivery: filters.delivery,
                since: filters.since,
                limit: args.limit as usize,
            };
            list(session, &which, args.json).await
        }
        DeadCommand::Show(args) => {
            let operator = session.operator().await?;
            let reveal = job::reveal(session, &args);
            let letter = operator.letter(&args.id, reveal.as_ref()).await?;
            job::show(&letter, &args)
        }
        DeadCommand::Edit(args) => edit::run(session, &args).await,
        DeadCommand::Replay(args) => match (args.dry_run, args.rate, args.detach) {
            (true, ..) => rehearse::run(session, args).await,
            (false, None, false) => moves::run(session, LetterChange::from(args)).await,
            _ => replays::begin(session, args).await,
        },
        DeadCommand::Replays { json, change } => match change {
            None => replays::list(session, json).await,
            Some(change) => replays::change(session, change).await,
        },
        DeadCommand::Export(args) => export::run(session, args).await,
        DeadCommand::Discard(args) if args.dry_run => rehearse::discard(session, args).await,
        DeadCommand::Discard(args) => moves::run(session, LetterChange::from(args)).await,
    }
}

async fn groups(
    session: &Session,
    queue: Option<&str>,
    kind: Option<&str>,
    json: bool,
) -> Result<(), Failure> {
    let mut groups = session.operator().await?.groups(queue).await?;
    groups.retain(|row| kind.is_none_or(|kind| row.kind.as_deref() == Some(kind)));
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
            let mut reason = match &row.first_version {
                Some(version) => format!("{} (first with {version})", row.reason),
                None => row.reason,
            };
            let deliveries = row.deliveries.and_then(|of| of.words(row.count));
            reason.extend(deliveries.map(|words| format!("; {words}")));
            vec![
                row.group,
                row.count.to_string(),
                or_dash(row.grew.map(|grew| grew.last_hour)),
                // A kind has one queue; only what has none is told by its queue.
                row.kind.unwrap_or(row.queue),
                ago(&row.first_at),
                ago(&row.last_at),
                output::marked(reason, row.broken.as_deref()),
            ]
        })
        .collect();
    let header = ["group", "count", "1h", "kind", "first", "last", "reason"];
    output::table(&header, rows)
}

async fn group_ids(session: &Session, queue: Option<&str>) -> Result<(), Failure> {
    let groups = session.operator().await?.groups(queue).await?;
    let ids: BTreeSet<_> = groups.into_iter().map(|row| row.group).collect();
    ids.iter().try_for_each(|id| output::line(id))
}

async fn list(session: &Session, which: &Filter<'_>, json: bool) -> Result<(), Failure> {
    let letters = session.operator().await?.letters(which).await?;
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
            let mut reason = row.reason.unwrap_or_default();
            let delivery = row.delivery.map(|known| format!(" (message: {known})"));
            reason.extend(delivery);
            vec![
                row.id,
                ago(&row.died_at),
                or_dash(row.kind),
                output::marked(reason, row.broken.as_deref()),
            ]
        })
        .collect();
    output::table(&["id", "died", "kind", "reason"], rows)?;
    if count == which.limit {
        let shown = counted(count as u64, "dead letter");
        output::note(&format!(
            "the newest {shown}; there may be more: `longshore dead groups` counts, --limit N lists"
        ));
    }
    Ok(())
}
