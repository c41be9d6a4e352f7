//! For programs that enqueue on behalf of others, such as the HTTP API: args come as text, and the trace with the request.

use longshore_job::Prepared;
use longshore_queue::{KeyTaken, QueueError};

use crate::{Client, ClientError, EnqueueOptions};

impl Client {
    /// A client whose jobs belong to this W3C trace context (`00-…`, and the trace state), instead of that of the current span.
    #[must_use]
    pub fn in_trace(self, traceparent: String, tracestate: Option<String>) -> Self {
        Self {
            trace: Some((traceparent, tracestate)),
            ..self
        }
    }

    /// Looks whether the keys of these jobs of one queue are free, or stand for the same args. Enqueues nothing. Returns those that
    /// stand for other args: of more than 500 jobs, those of the first 500 that have any.
    ///
    /// # Errors
    /// When an option is wrong, or Redis cannot be reached or refuses.
    pub async fn check_keys(
        &self,
        queue: &str,
        jobs: Vec<(Prepared, EnqueueOptions)>,
    ) -> Result<Vec<KeyTaken>, ClientError> {
        for (_, options) in &jobs {
            options.check()?;
        }
        let jobs = jobs.into_iter();
        let jobs = jobs.map(|(prepared, options)| self.new_job(prepared, &options));
        let jobs: Vec<_> = jobs.collect();
        match self.target(queue)?.check_keys(&jobs).await {
            Ok(()) => Ok(Vec::new()),
            Err(failed) => match failed.source {
                QueueError::KeyTaken(taken) => Ok(taken),
                _ => Err(failed.into()),
            },
        }
    }
}
