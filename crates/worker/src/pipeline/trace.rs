use tracing::Instrument;

use super::{End, JobRun};

impl JobRun {
    /// Puts all log lines of a run into one span.
    pub(super) async fn trace(&self, rest: impl Future<Output = End>) -> End {
        let claimed = &self.entry.claimed;
        // W3C: version-trace id-parent id-flags.
        let trace_id = claimed
            .traceparent
            .as_deref()
            .and_then(|parent| parent.split('-').nth(1));
        let span = tracing::info_span!(
            "job",
            queue = self.station.queue.name(),
            job_id = %claimed.id,
            attempt = claimed.run.used + 1,
            trace_id,
        );
        rest.instrument(span).await
    }
}
