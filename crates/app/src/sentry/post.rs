//! How envelopes get to Sentry: over the workspace's own HTTP client, one at a time. The SDK's transports would bring
//! another TLS stack, or another client.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use longshore_provider::{Client, HeaderMap, HeaderValue, StatusCode, client, header, retry_after};
use sentry::types::{Dsn, Scheme};
use sentry::{Envelope, Transport, TransportFactory, TransportOptions};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::config::SENTRY_DSN;

/// So many envelopes wait. The next are dropped: what happens a minute later is told again, with its count.
const MAX_WAITING: usize = 32;

/// How long Sentry may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long nothing is sent after a 429 that does not say.
const HOLD: Duration = Duration::from_secs(60);

/// Where the SDK leaves its envelopes.
#[derive(Debug, Clone)]
pub(super) struct EnvelopeQueue(mpsc::Sender<Envelope>);

impl EnvelopeQueue {
    pub(super) fn new() -> (Self, mpsc::Receiver<Envelope>) {
        let (envelopes, posted) = mpsc::channel(MAX_WAITING);
        (Self(envelopes), posted)
    }
}

impl Transport for EnvelopeQueue {
    fn send_envelope(&self, envelope: Envelope) {
        if self.0.try_send(envelope).is_err() {
            tracing::debug!("an event for Sentry is dropped: too many wait");
        }
    }
}

impl TransportFactory for EnvelopeQueue {
    fn create_transport_with_options(&self, _: TransportOptions) -> Arc<dyn Transport> {
        Arc::new(self.clone())
    }
}

/// Takes them to Sentry.
#[derive(Debug)]
pub(super) struct EnvelopeSender {
    client: Client,
    url: String,
    auth: HeaderValue,
    hold_until: Option<Instant>,
    /// The last one got there, as far as is known.
    arrives: bool,
}

impl EnvelopeSender {
    /// # Errors
    /// When TLS cannot be set up on this machine.
    pub(super) fn new(dsn: &Dsn) -> Result<Self, String> {
        let agent = concat!("longshore/", env!("CARGO_PKG_VERSION"));
        let auth = dsn.to_auth(Some(agent)).to_string();
        let mut auth = HeaderValue::try_from(auth)
            .map_err(|_| format!("{SENTRY_DSN} has a key that cannot stand in a header"))?;
        auth.set_sensitive(true);
        Ok(Self {
            client: client(dsn.scheme() == Scheme::Http, TIMEOUT / 2, TIMEOUT)
                .map_err(|error| format!("Sentry: {error}"))?,
            url: dsn.envelope_api_url().into(),
            auth,
            hold_until: None,
            arrives: true,
        })
    }

    /// Until there is nobody left who could post.
    pub(super) async fn run(mut self, mut envelopes: mpsc::Receiver<Envelope>) {
        while let Some(envelope) = envelopes.recv().await {
            if self.hold_until.is_some_and(|until| until > Instant::now()) {
                tracing::debug!("an event for Sentry is dropped: it has asked for a pause");
                continue;
            }
            let problem = self.take(&envelope).await.err();
            match (problem, self.arrives) {
                (Some(problem), true) => {
                    tracing::warn!("errors are not reported: Sentry {problem}");
                    self.arrives = false;
                }
                (None, false) => {
                    tracing::info!("errors are reported again");
                    self.arrives = true;
                }
                _ => {}
            }
        }
    }

    /// What kept it from arriving names no URL, which holds the project.
    async fn take(&mut self, envelope: &Envelope) -> Result<(), String> {
        let mut body = Vec::new();
        envelope
            .to_writer(&mut body)
            .map_err(|_| "has an event that cannot be written")?;
        let request = self
            .client
            .post(&self.url)
            .header("X-Sentry-Auth", self.auth.clone())
            .header(header::CONTENT_TYPE, "application/x-sentry-envelope")
            .body(body);
        let answer = request.send().await.map_err(|error| {
            let what = match (error.is_timeout(), error.is_connect()) {
                (true, _) => "does not answer in time",
                (_, true) => "cannot be connected to",
                _ => "cannot be spoken to",
            };
            what.to_owned()
        })?;
        if let Some(hold) = hold(answer.status(), answer.headers()) {
            self.hold_until = Some(Instant::now() + hold);
        }
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(format!("answers {}", status.as_u16())),
        }
    }
}

/// How long Sentry wants to hear of no error: `X-Sentry-Rate-Limits: <seconds>:<category;…>:<scope>, …`, where no
/// category is all; else a 429 and its `Retry-After`.
fn hold(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    let limits = headers.get("x-sentry-rate-limits");
    let limits = limits.and_then(|value| value.to_str().ok());
    let asked = limits.into_iter().flat_map(|limits| limits.split(','));
    let for_errors = asked.filter_map(|limit| {
        let mut parts = limit.trim().split(':');
        let seconds: u64 = parts.next()?.parse().ok()?;
        let categories = parts.next().unwrap_or_default();
        let meant = categories.is_empty() || categories.split(';').any(|name| name == "error");
        meant.then(|| Duration::from_secs(seconds.min(3600)))
    });
    for_errors.max().or_else(|| {
        (status == StatusCode::TOO_MANY_REQUESTS)
            .then(|| retry_after(headers, SystemTime::now()).unwrap_or(HOLD))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentry_says_how_long_it_wants_to_hear_nothing() {
        for (status, name, value, seconds) in [
            (200, "x-other", "1", None),
            (200, "x-sentry-rate-limits", "60:error:key", Some(60)),
            (200, "x-sentry-rate-limits", "60:transaction:key", None),
            (200, "x-sentry-rate-limits", "60::organization", Some(60)),
            (
                429,
                "x-sentry-rate-limits",
                "9:transaction:key, 2700:default;error;security:organization",
                Some(2700),
            ),
            (429, "x-sentry-rate-limits", "soon", Some(60)),
            (429, "retry-after", "7", Some(7)),
            (429, "x-other", "1", Some(60)),
            (200, "x-sentry-rate-limits", "999999::key", Some(3600)),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            let status = StatusCode::from_u16(status).expect("a status");
            let asked = hold(status, &headers);
            assert_eq!(asked, seconds.map(Duration::from_secs), "{name}: {value}");
        }
    }
}
