//! The application's endpoint, which events are posted to.

use std::fmt;
use std::time::Duration;

use http::header::{HeaderName, HeaderValue};
use jiff::Timestamp;
use longshore_job::{JobError, Run};
use longshore_provider::secret::Secret;
use longshore_provider::{Http, HttpSetupError, Origin, Request, Response};

use crate::DeliverEvent;
use crate::error::of_answer;
use crate::signature::{BAD_SECRET, Signer};

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// How the endpoint is reached.
#[derive(Debug, Clone)]
pub struct EventsEndpointConfig {
    /// Its origin.
    pub origin: Origin,
    /// Its path there, which begins with `/`.
    pub path: String,
    /// What requests are signed with, `whsec_` and base64: with each of these, the one in use first.
    pub secrets: Vec<Secret>,
    /// How long one exchange may take.
    pub timeout: Duration,
}

/// The client cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventsEndpointError {
    /// TLS is not to be had on this machine.
    #[error(transparent)]
    Http(#[from] HttpSetupError),
    /// A secret is not of the form that the standard has.
    #[error("secret: {BAD_SECRET}")]
    BadSecret,
}

/// A client of the endpoint. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct EventsEndpoint {
    http: Http,
    path: String,
    signer: Signer,
}

impl EventsEndpoint {
    /// A client.
    ///
    /// # Errors
    /// When TLS cannot be set up, or a secret is not of the standard's form.
    pub fn new(config: &EventsEndpointConfig) -> Result<Self, EventsEndpointError> {
        Ok(Self {
            signer: Signer::new(config.secrets.clone()).ok_or(EventsEndpointError::BadSecret)?,
            http: Http::new(config.origin.clone(), config.timeout)?,
            path: config.path.clone(),
        })
    }

    /// Posts an event. Its `webhook-id` is the id of the job that delivers it: the same on every attempt, and after a replay.
    pub(crate) async fn post(&self, run: &Run, event: &DeliverEvent) -> Result<Response, JobError> {
        let unwritten = |error: &dyn fmt::Display| {
            JobError::permanent(format!("the event cannot be written as a request: {error}"))
        };
        let id = run.id.to_string();
        let now = Timestamp::now().as_second();
        let body = serde_json::to_vec(event).map_err(|error| unwritten(&error))?;
        let value = |text: String| HeaderValue::try_from(text).map_err(|error| unwritten(&error));
        // What is signed is what is sent: both are written from the same struct, in the same way.
        let request = Request::post(self.path.as_str())
            .header(SIGNATURE, value(self.signer.sign(&id, now, &body))?)
            .header(ID, value(id)?)
            .header(TIMESTAMP, HeaderValue::from(now))
            .json(event)
            .map_err(|error| unwritten(&error))?;
        self.http.send(run, request).await.map_err(of_answer)
    }
}

/// Shows no secret.
impl fmt::Debug for EventsEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventsEndpoint")
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}
