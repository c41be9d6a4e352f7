//! `audit`.

use crate::cli::Audit;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

pub(super) async fn run(session: &Session, args: &Audit) -> Result<(), Failure> {
    let operator = session.operator().await?;
    let limit = args.limit as usize;
    let rows = operator
        .audit(args.queue.as_deref(), args.since, limit)
        .await?;
    if args.json {
        return output::json(&rows);
    }
    if rows.is_empty() {
        output::note("nothing was done");
        return Ok(());
    }
    let count = rows.len();
    let cells = rows.into_iter().map(|row| {
        let why = row.reason.map(|reason| format!("\"{reason}\""));
        let result: Vec<_> = row.result.into_iter().chain(why).collect();
        vec![
            row.at,
            row.by,
            row.action,
            row.queue,
            row.target,
            output::marked(result.join(", "), row.broken.as_deref()),
        ]
    });
    let header = ["at", "by", "what", "queue", "of", "result, why"];
    output::table(&header, cells.collect())?;
    if count == limit {
        output::note(&format!("the newest {count}; there may be more: --limit N"));
    }
    Ok(())
}
