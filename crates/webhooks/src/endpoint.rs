//! A provider's source of events, and the queue that its events are written to.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::body::Bytes;
use axum::http::request::Parts;
use futures_util::{StreamExt, stream};
use longshore_integration::{
    DeliveryUpdate, Event, EventJob, Posted, PublicUrl, Refusal, Remark, Source, SourceAnswer,
};
use longshore_job::JobId;
use longshore_listener::LogLimit;
use longshore_queue::{
    EnqueuedBy, Key, Lane, LinkOptions, NewJob, Queue, QueueError, RunAt, UpdateResult,
};

/// How long a source waits for its Redis. Shorter than the handler waits for the source, so that a connection on which
/// nothing comes back any more is dropped, and not waited for by one request after the other.
const PATIENCE: LinkOptions = LinkOptions {
    connect_timeout: Duration::from_secs(1),
    response_timeout: Duration::from_secs(2),
};

/// How long an event that made a job is known again. Stripe repeats what was not answered for three days.
const KNOWN_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// How many events are on their way to Redis at the same time. A list may hold some thousand, and Redis has three seconds
/// for all of them.
const AT_ONCE: usize = 64;

/// A provider that posts events to `/webhooks/<name>`.
pub(crate) struct Endpoint {
    /// The provider's name: in the path, in metrics and in logs.
    pub(crate) name: &'static str,
    reads: Box<dyn Source>,
    queue: Queue,
    remarks: Mutex<HashMap<&'static str, LogLimit>>,
}

/// What is to be written for one event. A job has its id, so that writing it again after an error finds it there.
pub(crate) enum Write {
    Job(Box<NewJob>),
    Delivery(Box<DeliveryUpdate>),
    Nothing(EventResult),
}

impl Endpoint {
    pub(crate) fn new(name: &'static str, reads: Box<dyn Source>, queue: &Queue) -> Self {
        Self {
            name,
            reads,
            // The same queue, whose calls wait as long as a source may.
            queue: queue.over(queue.link().sharing(PATIENCE)),
            remarks: Mutex::default(),
        }
    }

    /// What its provider wants to read when its events were taken.
    pub(crate) fn answer(&self) -> Option<SourceAnswer> {
        self.reads.answer()
    }

    /// The queue that it writes to: without its Redis this process is not ready.
    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Verifies a request and reads it. Asks nobody.
    pub(crate) fn read(
        &self,
        url: &PublicUrl,
        head: &Parts,
        body: &Bytes,
    ) -> Result<Vec<Write>, Refusal> {
        let read = self.reads.read(&Posted {
            url,
            head,
            body,
            at: SystemTime::now(),
        })?;
        for remark in &read.remarks {
            self.log(remark);
        }
        Ok(read.events.into_iter().map(write).collect())
    }

    fn log(&self, remark: &Remark) {
        let mut remarks = self.remarks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(unlogged) = remarks.entry(remark.what).or_default().pass() {
            let (provider, detail) = (self.name, remark.detail.as_deref());
            tracing::warn!(provider, detail, unlogged, "{}", remark.what);
        }
    }

    /// Writes to Redis what the events say, and tells what became of each, in any order. After an error it is called again, and the
    /// provider sends the whole request again: what was written already bears repetition.
    pub(crate) async fn take(&self, events: &[Write]) -> Result<Vec<EventResult>, QueueError> {
        // What names no message comes last: another event of the list may be the one that says which its job has sent.
        let (nameless, named): (Vec<&Write>, Vec<&Write>) = events.iter().partition(
            |event| matches!(event, Write::Delivery(delivery) if delivery.message.is_none()),
        );
        let mut outcomes = Vec::with_capacity(events.len());
        let mut failed = None;
        for part in [named, nameless] {
            let writes: Vec<_> = part.into_iter().map(|event| self.write(event)).collect();
            let written: Vec<_> = stream::iter(writes).buffered(AT_ONCE).collect().await;
            for written in written {
                match written {
                    Ok(outcome) => outcomes.push(outcome),
                    // Nothing is written without Redis, so there is no use in the rest.
                    Err(error) if error.is_outage() => return Err(error),
                    // That is about one event. The others must not be lost for it; but the list is not all taken.
                    Err(error) => failed = Some(error),
                }
            }
        }
        match failed {
            None => Ok(outcomes),
            Some(error) => Err(error),
        }
    }

    async fn write(&self, event: &Write) -> Result<EventResult, QueueError> {
        match event {
            Write::Nothing(outcome) => Ok(*outcome),
            Write::Job(job) => {
                let enqueued = self.queue.enqueue(std::slice::from_ref(job)).await?;
                Ok(match enqueued.iter().any(|job| job.duplicate) {
                    true => EventResult::Duplicate,
                    false => EventResult::Noted,
                })
            }
            Write::Delivery(delivery) => self.note(delivery).await,
        }
    }

    /// A delivery that names no message is the one that its job has sent.
    async fn note(&self, delivery: &DeliveryUpdate) -> Result<EventResult, QueueError> {
        let message = match (&delivery.message, delivery.job) {
            (Some(message), _) => Some(message.clone()),
            (None, Some(job)) => self.queue.message_of(job).await?,
            (None, None) => None,
        };
        let heard = match (message, &delivery.suppress) {
            (Some(message), suppress) => {
                let update = longshore_queue::DeliveryUpdate {
                    message,
                    job: delivery.job,
                    state: delivery.state.clone(),
                    rank: delivery.rank,
                    code: delivery.code.clone(),
                    suppress: suppress.clone(),
                };
                self.queue.update_delivery(&update).await?
            }
            (None, Some(suppress)) => self.queue.suppress(suppress, delivery.job).await?,
            (None, None) => UpdateResult::Unknown,
        };
        Ok(match heard {
            UpdateResult::Noted => EventResult::Noted,
            UpdateResult::Stale => EventResult::Stale,
            UpdateResult::Unknown => EventResult::Unknown,
        })
    }
}

fn write(event: Event) -> Write {
    match event {
        Event::Job(job) => {
            let EventJob { job, event } = *job;
            Write::Job(Box::new(NewJob {
                id: JobId::generate(),
                key: Some(Key::of(&job, &event).holds(KNOWN_FOR)),
                payload: job.payload,
                run_at: RunAt::Now,
                expires_in: job.expires_in,
                traceparent: None,
                tracestate: None,
                lane: Lane::of(job.priority),
                tags: Vec::new(),
                by: Some(EnqueuedBy::Client("webhooks".to_owned())),
            }))
        }
        Event::Delivery(delivery) => Write::Delivery(delivery),
        Event::Ignored => Write::Nothing(EventResult::Ignored),
        Event::Unreadable => Write::Nothing(EventResult::BadRequest),
    }
}

/// What became of an event, or of a request that brought none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventResult {
    /// Written down.
    Noted,
    /// The same was written down before.
    Duplicate,
    /// Something later was known already.
    Stale,
    /// About nothing of ours.
    Unknown,
    /// Says nothing that we know of.
    Ignored,
    /// Refused: not known to come from the provider.
    BadSignature,
    /// Not to be read: a request, which is refused, or one event of a list, which is left out.
    BadRequest,
    /// Refused: over the limit.
    TooLarge,
    /// Refused: it did not come to its end in time.
    TooSlow,
    /// Sent away for now: too many others at once.
    Busy,
    /// Sent away for now: Redis did not take it.
    Unavailable,
}

impl EventResult {
    /// Its name in metrics and logs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Noted => "noted",
            Self::Duplicate => "duplicate",
            Self::Stale => "stale",
            Self::Unknown => "unknown",
            Self::Ignored => "ignored",
            Self::BadSignature => "bad_signature",
            Self::BadRequest => "bad_request",
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
        }
    }
}
