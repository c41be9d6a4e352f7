//! `workers`.

use longshore_operator::WorkerRow;

use crate::age::{ago, rough};
use crate::cli::Shown;
use crate::failure::Failure;
use crate::output::{self, or_dash};
use crate::session::Session;

pub(super) async fn run(session: &Session, args: &Shown) -> Result<(), Failure> {
    let rows = session.operator().await?.workers().await?;
    if args.json {
        return output::json(&rows);
    }
    if rows.is_empty() {
        output::note("no worker is running: start one with `longshore work`");
    }
    let header = [
        "worker", "version", "started", "beat", "running", "queues", "fit", "note",
    ];
    output::table(&header, rows.iter().map(cells).collect())
}

fn cells(row: &WorkerRow) -> Vec<String> {
    vec![
        row.worker.clone(),
        or_dash(row.version.as_deref()),
        or_dash(row.started_at.as_deref().map(ago)),
        rough(row.beat_age_seconds as i64),
        row.running.to_string(),
        row.queues.join(","),
        if row.fit { "yes" } else { "no" }.to_owned(),
        or_dash(row.note.as_deref()),
    ]
}
