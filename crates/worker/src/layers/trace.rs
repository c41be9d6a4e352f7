use std::sync::Arc;

use tracing::Instrument;

use super::{End, Rest};
use crate::entry::Entry;
use crate::station::Station;

/// The span that all of a run's log lines stand in.
pub(super) async fn around(station: Arc<Station>, entry: Arc<Entry>, rest: Rest) -> End {
    let claimed = &entry.claimed;
    // W3C: version-trace id-parent id-flags.
    let trace_id = claimed
        .traceparent
        .as_deref()
        .and_then(|parent| parent.split('-').nth(1));
    let span = tracing::info_span!(
        "job",
        queue = station.queue.name(),
        job_id = %claimed.id,
        attempt = claimed.run.used + 1,
        trace_id,
    );
    rest.instrument(span).await
}
