use tracing::Instrument;

use super::{End, JobRun};

impl JobRun {
    /// Puts all log lines of a run into one span.
    pub(super) async fn trace(&self, rest: impl Future<Output = End>) -> End {
        let claimed = &self.entry.claimed;
        let span = tracing::info_span!(
            "job",
            queue = self.station.queue.name(),
            job_id = %claimed.id,
            // Known once its payload is read.
            kind = tracing::field::Empty,
            attempt = claimed.run.used + 1,
            trace_id = claimed.trace_id(),
        );
        rest.instrument(span).await
    }
}
