//! `jobs lost`: the jobs whose worker was lost.

use crate::age::ago;
use crate::cli::LostJobs;
use crate::failure::Failure;
use crate::output::{self, counted, or_dash};
use crate::session::Session;

pub(super) async fn run(session: &Session, args: LostJobs) -> Result<(), Failure> {
    let limit = args.limit as usize;
    let operator = session.operator().await?;
    let rows = operator.lost_jobs(args.queue.as_deref(), args.since, limit);
    let rows = rows.await?;
    if args.json {
        return output::json(&rows);
    }
    if rows.is_empty() {
        output::note("no worker was lost with a job in that time");
        return Ok(());
    }
    let count = rows.len();
    let cells = rows.into_iter().map(|row| {
        vec![
            row.id,
            ago(&row.lost_at),
            row.queue,
            or_dash(row.kind),
            row.state
                .map_or_else(|| "not kept any more".to_owned(), |state| state.to_string()),
            or_dash(row.delivery),
            row.worker,
        ]
    });
    let header = ["id", "lost", "queue", "kind", "state", "message", "worker"];
    output::table(&header, cells.collect())?;
    if count == limit {
        let shown = counted(count as u64, "job");
        output::note(&format!(
            "the newest {shown}; there may be more: --limit N lists them"
        ));
    }
    Ok(())
}
