//! One request: read, verified, written to Redis, answered. In this order, and answered with success only after the
//! third.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use longshore_integration::{PublicUrl, Refusal};
use longshore_job::trace::{self, KeyValue, Parent, Span, SpanKind};
use longshore_listener::{LogLimit, Unread, Whole};
use longshore_queue::QueueError;
use tokio::time::{sleep, timeout};

use crate::endpoint::{Endpoint, EventResult, Write};
use crate::metrics::Metrics;

/// How long Redis has. Providers are answered within 5 s, on a busy machine too.
const REDIS_WITHIN: Duration = Duration::from_secs(3);

/// Between two tries to reach it.
const PAUSE: Duration = Duration::from_millis(100);

/// When a provider that was sent away should come again. Twilio does not look at it.
const RETRY_AFTER_SECONDS: u64 = 5;

/// What all handlers have in common.
pub(crate) struct Shared {
    pub(crate) url: PublicUrl,
    pub(crate) metrics: Arc<Metrics>,
}

/// The handler of one provider.
struct EndpointHandler {
    shared: Arc<Shared>,
    source: Endpoint,
    /// Whoever finds the address can make these lines.
    refusals: LogLimit,
    outages: LogLimit,
}

/// Why a request gets no success.
enum NotTaken {
    Unread(Unread),
    Refused(Refusal),
    /// What Redis said; nothing when it said nothing in time.
    Unavailable(Option<QueueError>),
}

/// The route of one provider.
pub(crate) fn route(shared: &Arc<Shared>, source: Endpoint) -> Router {
    let path = format!("/webhooks/{}", source.name);
    let handler = EndpointHandler {
        shared: Arc::clone(shared),
        source,
        refusals: LogLimit::default(),
        outages: LogLimit::default(),
    };
    Router::new().route(&path, post(handle).with_state(Arc::new(handler)))
}

async fn handle(State(handler): State<Arc<EndpointHandler>>, request: Request) -> Response {
    let begun = Instant::now();
    let (outcomes, answer) = match handler.carry(request).await {
        Ok(outcomes) => (outcomes, handler.taken()),
        Err(not_taken) => {
            handler.log(&not_taken);
            (vec![not_taken.outcome()], not_taken.answer())
        }
    };
    let metrics = &handler.shared.metrics;
    metrics.answered(handler.source.name, &outcomes, begun.elapsed());
    answer
}

impl EndpointHandler {
    /// What is answered when all was taken.
    fn taken(&self) -> Response {
        match self.source.answer() {
            None => StatusCode::NO_CONTENT.into_response(),
            Some(answer) => ([(CONTENT_TYPE, answer.content_type)], answer.body).into_response(),
        }
    }

    async fn carry(&self, request: Request) -> Result<Vec<EventResult>, NotTaken> {
        let (head, body) = request.into_parts();
        let body = Whole::read(&head, body).await.map_err(NotTaken::Unread)?;
        let events = self.source.read(&self.shared.url, &head, &body.bytes);
        let mut events = events.map_err(NotTaken::Refused)?;
        // Its memory is for others while Redis is waited for.
        drop((head, body));
        let span = self.begin_span();
        for event in &mut events {
            if let (Some(span), Write::Job(job)) = (&span, event) {
                let (parent, state) = span.trace_context();
                (job.traceparent, job.tracestate) = (Some(parent), state);
            }
        }
        let written = self.write(&events).await;
        if let (Some(span), Err(_)) = (span, &written) {
            span.fail("unavailable");
        }
        written.map_err(NotTaken::Unavailable)
    }

    /// The trace of what follows from an event begins here, once it is known to be its provider's: what strangers post makes no
    /// spans, and what they say of traces counts nothing.
    fn begin_span(&self) -> Option<Span> {
        if !trace::is_on() {
            return None;
        }
        let route = format!("/webhooks/{}", self.source.name);
        let attributes = [
            KeyValue::new("http.request.method", "POST"),
            KeyValue::new("http.route", route.clone()),
        ];
        let name = format!("POST {route}");
        Span::begin(SpanKind::Server, name, Parent::Nothing, attributes)
    }

    /// Writes events to Redis, and tries again while it cannot be reached: the first call after a restart finds a broken
    /// connection, and not every provider sends again what was not taken. Whatever it is that hangs, the provider hears
    /// in time that it has to.
    async fn write(&self, events: &[Write]) -> Result<Vec<EventResult>, Option<QueueError>> {
        let mut last = None;
        let trying = async {
            loop {
                match self.source.take(events).await {
                    Err(error) if error.may_pass() => last = Some(error),
                    answer => return answer,
                }
                sleep(PAUSE).await;
            }
        };
        match timeout(REDIS_WITHIN, trying).await {
            Ok(answer) => answer.map_err(Some),
            Err(_) => Err(last),
        }
    }

    fn log(&self, not_taken: &NotTaken) {
        let (provider, outcome) = (self.source.name, not_taken.outcome().as_str());
        let reason = not_taken.reason();
        match not_taken {
            NotTaken::Unavailable(error) => {
                let error = error.as_ref().map(tracing::field::display);
                if let Some(unlogged) = self.outages.pass() {
                    tracing::error!(
                        provider,
                        error,
                        unlogged,
                        "an event is not taken: Redis did not take it"
                    );
                }
            }
            NotTaken::Unread(_) | NotTaken::Refused(_) => {
                if let Some(unlogged) = self.refusals.pass() {
                    tracing::warn!(provider, outcome, reason, unlogged, "a request is refused");
                }
            }
        }
    }
}

impl NotTaken {
    fn outcome(&self) -> EventResult {
        match self {
            Self::Unread(Unread::TooLarge) => EventResult::TooLarge,
            Self::Unread(Unread::TooSlow) => EventResult::TooSlow,
            Self::Unread(Unread::Busy) => EventResult::Busy,
            Self::Unread(Unread::Broken) | Self::Refused(Refusal::BadRequest(_)) => {
                EventResult::BadRequest
            }
            Self::Refused(Refusal::BadSignature(_)) => EventResult::BadSignature,
            Self::Unavailable(_) => EventResult::Unavailable,
        }
    }

    /// What the provider is told. Fixed texts, whatever was sent.
    fn reason(&self) -> &'static str {
        match self {
            Self::Unread(Unread::TooLarge) => "the body is over 1 MiB",
            Self::Unread(Unread::TooSlow) => "the body did not come within 10 s",
            Self::Unread(Unread::Busy) => "too many requests at once: send it again",
            Self::Unread(Unread::Broken) => "the body broke off",
            Self::Refused(Refusal::BadSignature(why) | Refusal::BadRequest(why)) => why,
            Self::Unavailable(_) => "it could not be written down: send it again",
        }
    }

    fn answer(&self) -> Response {
        match self {
            // Closes the connection, too: what is left of the body would be read as the next request.
            Self::Unread(unread) => {
                let mut answer = unread.into_response();
                *answer.body_mut() = format!("{}\n", self.reason()).into();
                answer
            }
            Self::Refused(_) => self.answer_with(StatusCode::BAD_REQUEST),
            Self::Unavailable(_) => {
                let mut answer = self.answer_with(StatusCode::SERVICE_UNAVAILABLE);
                let headers = answer.headers_mut();
                headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS.into());
                answer
            }
        }
    }

    fn answer_with(&self, status: StatusCode) -> Response {
        (status, format!("{}\n", self.reason())).into_response()
    }
}
