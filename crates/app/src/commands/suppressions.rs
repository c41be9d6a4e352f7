//! `suppressions`: addresses that no mail is sent to. None is ever printed or logged: they are known by their hashes.

use longshore_operator::{Suppressed, SuppressionRow};
use serde_json::json;

use crate::age::ago;
use crate::cli::{RemoveSuppression, Suppressions};
use crate::failure::Failure;
use crate::output::{self, counted, or_dash};
use crate::session::Session;

/// How much of a hash is shown: enough to tell a million of them apart.
const SHOWN: usize = 16;

pub(super) async fn run(session: &Session, command: Suppressions) -> Result<(), Failure> {
    match command {
        Suppressions::List { limit, json } => list(session, limit, json).await,
        Suppressions::Remove(args) => remove(session, &args).await,
    }
}

async fn list(session: &Session, limit: u32, json: bool) -> Result<(), Failure> {
    let operator = session.operator().await?;
    let (rows, count) = operator.suppressions(limit as usize).await?;
    if json {
        return output::json(&rows);
    }
    if rows.is_empty() {
        output::note("no address is suppressed");
        return Ok(());
    }
    let shown = rows.len();
    let cells = rows
        .into_iter()
        .map(|row| {
            vec![
                short(&row.hash).to_owned(),
                or_dash(row.reason),
                or_dash(row.since.map(|since| ago(&since))),
                output::marked(or_dash(row.job), row.broken.as_deref()),
            ]
        })
        .collect();
    output::table(&["hash", "reason", "since", "job"], cells)?;
    if count > shown {
        let all = counted(count as u64, "suppression");
        output::note(&format!(
            "the newest {shown} of {all}: --limit N lists more"
        ));
    }
    Ok(())
}

async fn remove(session: &Session, args: &RemoveSuppression) -> Result<(), Failure> {
    // Read here and not by the command line's own parser, which quotes what it refuses.
    let meant: Suppressed = args.which.parse().map_err(Failure::input)?;
    let operator = session.operator().await?;
    let row = operator.suppression(&meant).await?;
    confirm(&row, args.yes)?;
    let signed = session.signed(&args.reason);
    let removed = operator.unsuppress(&row, &signed).await?;
    if !removed {
        return Err(Failure::failed("somebody else has just removed it"));
    }
    tracing::info!(
        by = session.by,
        reason = args.reason,
        hash = row.hash,
        "an address is no longer suppressed"
    );
    if args.json {
        return session.done_json(&json!({ "removed": row }));
    }
    output::done(&format!("{} is no longer suppressed", short(&row.hash)))?;
    output::note(
        "SendGrid has lists of its own: take the address off those, too, or its mails are dropped there",
    );
    Ok(())
}

fn confirm(row: &SuppressionRow, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let what = format!(
        "{} ({}, since {})",
        short(&row.hash),
        or_dash(row.reason.as_deref()),
        or_dash(row.since.as_deref())
    );
    output::confirm(
        &format!("send mails again to {what}"),
        &format!("this would let mails be sent again to {what}"),
    )
}

/// Somebody else may have written the key, in any characters.
fn short(hash: &str) -> &str {
    hash.get(..SHOWN).unwrap_or(hash)
}
