//! For programs that enqueue on behalf of others, such as the HTTP API: args come as text, and the trace with the request.

use longshore_job::Prepared;

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

    /// Looks whether the keys of these jobs of one queue are free, or stand for the same args. Enqueues nothing.
    ///
    /// # Errors
    /// When an option is wrong, a key stands for other args ([`ClientError::KeyTaken`]), or Redis cannot be reached or refuses.
    pub async fn check_keys(
        &self,
        queue: &str,
        jobs: Vec<(Prepared, EnqueueOptions)>,
    ) -> Result<(), ClientError> {
        for (_, options) in &jobs {
            options.check()?;
        }
        let jobs = jobs.into_iter();
        let jobs = jobs.map(|(prepared, options)| self.new_job(prepared, &options));
        let jobs: Vec<_> = jobs.collect();
        Ok(self.target(queue)?.check_keys(&jobs).await?)
    }
}
