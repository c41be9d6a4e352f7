//! A job as a client enqueues it, with the client's name.

use longshore_job::{JobId, Prepared};
use longshore_queue::{Enqueued, EnqueuedBy, Key, Lane, NewJob};

use crate::batch::not_pushed;
use crate::trace::trace_context;
use crate::{Client, ClientError, EnqueueOptions};

impl Client {
    /// Gives the client a name, such as that of the program: operators see it with each job that the client enqueues. It takes
    /// so many bytes more of each.
    ///
    /// # Errors
    /// When it is empty, longer than 64 characters, or has control characters.
    pub fn named(self, name: impl Into<String>) -> Result<Self, ClientError> {
        let name = name.into();
        match EnqueuedBy::fits(&name) {
            true => Ok(Self {
                by: Some(EnqueuedBy::Client(name)),
                ..self
            }),
            false => Err(ClientError::InvalidOption(
                "name: must be 1 to 64 characters without control characters",
            )),
        }
    }

    /// A client that enqueues for a person, whom operators then see with each job: for tools that people use.
    #[must_use]
    pub fn for_operator(self, name: &str) -> Self {
        Self {
            by: Some(EnqueuedBy::operator(name)),
            ..self
        }
    }

    /// One job with its queue, where its options are in order.
    pub(crate) fn checked(
        &self,
        prepared: Prepared,
        options: &EnqueueOptions,
    ) -> Result<(NewJob, String), ClientError> {
        options.check()?;
        let queue = prepared.queue.clone();
        Ok((self.new_job(prepared, options), queue.into()))
    }

    /// Pushes one job.
    pub(crate) async fn push_one(
        &self,
        queue: &str,
        job: &NewJob,
    ) -> Result<Enqueued, ClientError> {
        let job = std::slice::from_ref(job);
        let pushed = self.target(queue)?.push(job).await;
        let answers = pushed.map_err(|error| not_pushed(job, error))?;
        Ok(answers.into_iter().next().unwrap_or(Enqueued {
            id: job[0].id,
            duplicate: false,
        }))
    }

    /// A job as this client enqueues it.
    pub(crate) fn new_job(&self, prepared: Prepared, options: &EnqueueOptions) -> NewJob {
        let (traceparent, tracestate) = match &self.trace {
            Some((parent, state)) => (Some(parent.clone()), state.clone()),
            None => trace_context(),
        };
        NewJob {
            id: JobId::generate(),
            key: options.key.as_deref().map(|key| Key::of(&prepared, key)),
            payload: prepared.payload,
            run_at: options.run_at,
            expires_in: options.life(),
            traceparent,
            tracestate,
            lane: Lane {
                priority: options.priority.unwrap_or(prepared.priority),
                tenant: options.tenant.clone(),
            },
            tags: options.tags.clone(),
            by: self.by.clone(),
        }
    }
}
