//! `dead edit`.

use longshore_operator::EditRehearsal;
use serde_json::json;

use crate::cli::EditArgs;
use crate::failure::Failure;
use crate::output::{self, plain};
use crate::session::Session;

pub(super) async fn run(session: &Session, args: &EditArgs) -> Result<(), Failure> {
    let json = given(args)?;
    let signed = session.signed(args.reason.as_deref().unwrap_or_default());
    let operator = session.operator().await?;
    if args.dry_run {
        let rehearsal = operator.rehearse_edit(&args.id, &json, true).await?;
        return rehearsed(&rehearsal, args.json);
    }
    let (letter, changed) = operator.edit(&args.id, &json, args.force, &signed).await?;
    if args.json {
        return session.done_json(&json!({ "id": letter.id, "edited": true, "changed": changed }));
    }
    output::done(&match changed {
        true => format!(
            "{} has its new args; it is still dead: `longshore dead replay {}`",
            letter.id, letter.id
        ),
        false => format!("{} had these args already", letter.id),
    })
}

/// The new args: those that stand there, or in a file.
pub(in crate::commands) fn given(args: &EditArgs) -> Result<String, Failure> {
    match args.args.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Failure::input(format!("{path} cannot be read: {error}"))),
        None => Ok(args.args.clone()),
    }
}

/// Says what an edit would do.
pub(in crate::commands) fn rehearsed(rehearsal: &EditRehearsal, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(rehearsal);
    }
    let (id, state) = (&rehearsal.id, rehearsal.state);
    output::line(&match rehearsal.same {
        true => format!("{id} has these args already, and is {state}"),
        false => format!("{id} would get these args, and stay {state}; nothing was changed"),
    })?;
    if rehearsal.may_have_been_sent {
        output::line(
            "  a request with the old args may have been carried out: that takes --force, and its effect may happen twice",
        )?;
    }
    if let Some(why) = &rehearsal.refused {
        output::line(&plain(&format!("  it would be refused: {why}")))?;
    }
    if rehearsal.suppressed {
        output::line(
            "  it would be refused: nothing is sent to its address any more (`longshore suppressions list`)",
        )?;
    }
    if rehearsal.no_worker_knows {
        output::line(&format!(
            "  no living worker of its queue knows {}: it would wait for one",
            rehearsal.kind
        ))?;
    }
    Ok(())
}
