//! One event, from its job to its outcome.

use longshore_job::{Answer, Handler, JobError, Outcome, Run};

use crate::error::NAME;
use crate::{DeliverEvent, EventsEndpoint};

/// Carries out `deliver_event` jobs, with one request each.
#[derive(Debug, Clone)]
pub struct DeliverEventHandler {
    endpoint: EventsEndpoint,
}

impl DeliverEventHandler {
    /// A handler that posts to this endpoint.
    #[must_use]
    pub fn new(endpoint: EventsEndpoint) -> Self {
        Self { endpoint }
    }
}

impl Handler for DeliverEventHandler {
    type Job = DeliverEvent;

    // Receivers tell repeats by their webhook-id.
    const MAY_REPEAT: bool = true;

    async fn run(&self, event: DeliverEvent, run: Run) -> Result<Outcome, JobError> {
        let response = self.endpoint.post(&run, &event).await?;
        Ok(Outcome::Done {
            result: None,
            answer: Answer {
                status: Some(response.status.as_u16()),
                ..Answer::of(NAME)
            },
        })
    }
}
