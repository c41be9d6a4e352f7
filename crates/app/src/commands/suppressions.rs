//! `suppressions`: addresses and numbers that nothing is sent to. None is ever printed or logged: they are known by their
//! hashes.

use longshore_operator::{MessageChannel, Suppressed, SuppressionRow};
use serde_json::json;

use crate::age::ago;
use crate::cli::{ChangeSuppression, Suppressions};
use crate::failure::Failure;
use crate::output::{self, counted, or_dash};
use crate::session::Session;

/// How much of a hash is shown: enough to tell a million of them apart.
const SHOWN: usize = 16;

pub(super) async fn run(session: &Session, command: Suppressions) -> Result<(), Failure> {
    match command {
        Suppressions::List {
            channel,
            limit,
            json,
        } => list(session, channel.into(), limit, json).await,
        Suppressions::Add(args) => add(session, &args).await,
        Suppressions::Remove(args) => remove(session, &args).await,
    }
}

/// What a channel names people by, and what it sends.
fn words(channel: MessageChannel) -> (&'static str, &'static str) {
    match channel {
        MessageChannel::Email => ("address", "mails"),
        MessageChannel::Sms => ("number", "texts"),
    }
}

async fn list(
    session: &Session,
    channel: MessageChannel,
    limit: u32,
    json: bool,
) -> Result<(), Failure> {
    let operator = session.operator().await?;
    let (rows, count) = operator.suppressions(channel, limit as usize).await?;
    if json {
        return output::json(&rows);
    }
    if rows.is_empty() {
        output::note(&format!("no {} is suppressed", words(channel).0));
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

async fn add(session: &Session, args: &ChangeSuppression) -> Result<(), Failure> {
    let channel = args.channel.into();
    let (word, sent) = words(channel);
    // Read here and not by the command line's own parser, which quotes what it refuses.
    let meant = Suppressed::parse(channel, &args.which).map_err(Failure::input)?;
    let Suppressed::Hash(hash) = meant else {
        return Err(Failure::input(format!(
            "write the {word} itself: the beginning of a hash names none that is not on the list"
        )));
    };
    if !args.yes {
        output::confirm(
            &format!("send no more {sent} to {}", short(hash.as_str())),
            &format!("this would keep {sent} from {}", short(hash.as_str())),
        )?;
    }
    let operator = session.operator().await?;
    let signed = session.signed(&args.reason);
    let Some(row) = operator.suppress(channel, &hash, &signed).await? else {
        return Err(Failure::failed(format!("the {word} is suppressed already")));
    };
    tracing::info!(
        by = session.by,
        reason = args.reason,
        hash = row.hash,
        channel = channel.as_str(),
        "suppressed from now on"
    );
    if args.json {
        return session.done_json(&json!({ "added": row }));
    }
    output::done(&format!("{} is suppressed", short(&row.hash)))
}

async fn remove(session: &Session, args: &ChangeSuppression) -> Result<(), Failure> {
    let channel = args.channel.into();
    let meant = Suppressed::parse(channel, &args.which).map_err(Failure::input)?;
    let operator = session.operator().await?;
    let row = operator.suppression(channel, &meant).await?;
    confirm(&row, channel, args.yes)?;
    let signed = session.signed(&args.reason);
    let removed = operator.unsuppress(channel, &row, &signed).await?;
    if !removed {
        return Err(Failure::failed("somebody else has just removed it"));
    }
    tracing::info!(
        by = session.by,
        reason = args.reason,
        hash = row.hash,
        channel = channel.as_str(),
        "no longer suppressed"
    );
    if args.json {
        return session.done_json(&json!({ "removed": row }));
    }
    output::done(&format!("{} is no longer suppressed", short(&row.hash)))?;
    output::note(match channel {
        MessageChannel::Email => {
            "SendGrid and Postmark have lists of their own: take the address off those, too, or its mails are dropped there"
        }
        MessageChannel::Sms => {
            "Twilio has a list of its own: whoever answered STOP has to answer START, or texts to them are refused there"
        }
    });
    Ok(())
}

fn confirm(row: &SuppressionRow, channel: MessageChannel, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let sent = words(channel).1;
    let what = format!(
        "{} ({}, since {})",
        short(&row.hash),
        or_dash(row.reason.as_deref()),
        or_dash(row.since.as_deref())
    );
    output::confirm(
        &format!("send {sent} again to {what}"),
        &format!("this would let {sent} be sent again to {what}"),
    )
}

/// Somebody else may have written the key, in any characters.
fn short(hash: &str) -> &str {
    hash.get(..SHOWN).unwrap_or(hash)
}
