//! Events that no endpoint has taken: Stripe repeats one for three days, and then has it in its list for the rest of 30.
//!
//! Each becomes the job that its delivery would have made, under the same key: one that is delivered meanwhile is the same
//! job. Stripe lists it every night until it is too old, so it is remembered for as long that it has its job.

use std::time::Duration;

use longshore_job::{Answer, Handler, JobError, Outcome, Prepared, Run};
use serde_json::json;

use super::meaning::APPLIED;
use crate::stripe::{Event, ListPage, NAME, Stripe};
use crate::{ApplyStripeEvent, BackfillStripeEvents, error};

/// How long an event is known to have its job: longer than Stripe has the event.
const REMEMBERED: Duration = Duration::from_secs(31 * 24 * 3600);

/// How long the key of its job holds, as that of a delivered event does.
const KEY_HOLDS: Duration = Duration::from_secs(7 * 24 * 3600);

/// So many pages are read at the most: a list without an end is a broken one.
const MOST_PAGES: usize = 10_000;

/// Carries out `backfill_stripe_events` jobs.
///
/// The result is `{"from","to","found","enqueued"}`: what Stripe has listed, and how much of it had no job yet.
#[derive(Debug, Clone)]
pub struct BackfillStripeEventsHandler {
    stripe: Stripe,
}

impl BackfillStripeEventsHandler {
    /// A handler that asks this client of Stripe.
    #[must_use]
    pub fn new(stripe: Stripe) -> Self {
        Self { stripe }
    }

    /// Enqueues the event's job; `false` if it has had one.
    async fn enqueue(&self, run: &Run, event: &Event) -> Result<bool, JobError> {
        let place = format!("backfilled:{}", event.id);
        if run.memory().recall(&place).await?.is_some() {
            return Ok(false);
        }
        let job = Prepared::new(&ApplyStripeEvent::new(&*event.id))
            .map_err(|error| JobError::permanent(format!("an event's job is refused: {error}")))?;
        run.outbox().enqueue(job, &event.id, KEY_HOLDS).await?;
        // Should this fail, the next run finds the job by its key.
        run.memory().keep(&place, b"1", REMEMBERED).await?;
        Ok(true)
    }
}

impl Handler for BackfillStripeEventsHandler {
    type Job = BackfillStripeEvents;

    // It only reads at Stripe, and an event has one job.
    const MAY_REPEAT: bool = true;

    async fn run(&self, job: BackfillStripeEvents, run: Run) -> Result<Outcome, JobError> {
        let time = |text: &str| {
            let time = text.parse::<jiff::Timestamp>();
            let time = time.map_err(|_| JobError::permanent("a time is not in RFC 3339"));
            time.map(jiff::Timestamp::as_second)
        };
        let (from, to) = (time(&job.from)?, time(&job.to)?);
        let (mut found, mut enqueued) = (0_u64, 0_u64);
        let mut after: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let page = ListPage {
                created_from: from,
                created_to: to,
                starting_after: after.as_deref(),
            };
            let listed = self.stripe.undelivered_events(&run, &page, &APPLIED).await;
            let listed = listed.map_err(error::of_reading)?;
            for event in &listed.data {
                found += 1;
                enqueued += u64::from(self.enqueue(&run, event).await?);
            }
            after = listed.data.last().map(|event| event.id.clone());
            if !listed.has_more || after.is_none() {
                if enqueued > 0 {
                    tracing::warn!(job = %run.id, found, enqueued, "events of Stripe's had reached no endpoint: they are applied now");
                }
                return Ok(Outcome::Done {
                    result: Some(
                        json!({ "from": job.from, "to": job.to, "found": found, "enqueued": enqueued }),
                    ),
                    answer: Answer {
                        status: Some(200),
                        ..Answer::of(NAME)
                    },
                });
            }
        }
        Err(JobError::transient(
            "stripe's list of events does not come to an end",
        ))
    }
}
