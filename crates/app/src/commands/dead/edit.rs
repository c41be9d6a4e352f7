//! `dead edit`.

use serde_json::json;

use crate::cli::EditArgs;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

pub(super) async fn run(session: &Session, args: &EditArgs) -> Result<(), Failure> {
    let json = match args.args.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Failure::input(format!("{path} cannot be read: {error}")))?,
        None => args.args.clone(),
    };
    let signed = session.signed(&args.reason);
    let operator = session.operator().await?;
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
