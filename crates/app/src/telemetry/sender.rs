//! How spans get to the collector: over the workspace's own HTTP client, a batch at a time.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use longshore_provider::secret::ExposeSecret;
use longshore_provider::{
    Client, HeaderMap, HeaderName, HeaderValue, StatusCode, client, header, retry_after,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use prost::Message;
use secrecy::SecretString;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

use super::counts::Counts;
use crate::config::{Endpoint, OTLP_HEADERS};
use crate::failure::Failure;

/// How many spans are sent at once.
const BATCH: usize = 512;

/// How long the first span of a batch waits for others.
const GATHERED_WITHIN: Duration = Duration::from_secs(1);

/// How long the collector may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Between two tries to send a batch: first, and at the most.
const RETRY: Duration = Duration::from_millis(500);
const RETRY_LONGEST: Duration = Duration::from_secs(30);

/// How often it is said that the collector does not take spans.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// Of an answer no more is read.
const LONGEST_ANSWER: usize = 64 << 10;

/// Takes spans to the collector.
pub(super) struct Sender {
    client: Client,
    url: String,
    headers: HeaderMap,
    resource: ResourceAttributesWithSchema,
    counts: Arc<Counts>,
    /// When it was last said that none arrive; `None` while they do.
    said: Option<Instant>,
}

/// Spans as they are sent.
struct Batch {
    spans: usize,
    body: Vec<u8>,
}

/// Why a batch did not arrive.
enum NotTaken {
    /// It may be taken later; by then, if the collector said so.
    Later(String, Option<Duration>),
    /// It will never be.
    Never(String),
}

impl Sender {
    /// # Errors
    /// When TLS cannot be set up on this machine, or the headers are none.
    pub(super) fn new(
        endpoint: &Endpoint,
        headers: Option<&SecretString>,
        resource: &Resource,
        counts: &Arc<Counts>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            client: client(endpoint.is_plain(), TIMEOUT / 2, TIMEOUT)
                .map_err(|error| Failure::failed(format!("traces: {error}")))?,
            url: endpoint.traces(),
            headers: headers.map(parse).transpose()?.unwrap_or_default(),
            resource: resource.into(),
            counts: Arc::clone(counts),
            said: None,
        })
    }

    /// Until it is to leave. Then it sends what is left, each batch once.
    pub(super) async fn run(
        mut self,
        mut spans: mpsc::Receiver<SpanData>,
        mut leave: oneshot::Receiver<()>,
    ) {
        loop {
            let mut batch = Vec::with_capacity(BATCH);
            let is_to_leave = tokio::select! {
                biased;
                _ = &mut leave => true,
                () = gather(&mut spans, &mut batch) => false,
            };
            let batch = self.written(batch);
            if is_to_leave || !self.send(&batch, &mut leave).await {
                return self.send_rest(batch, spans).await;
            }
        }
    }

    /// Sends a batch, and again while the collector may take it later. `false` when it is to leave before it has.
    async fn send(&mut self, batch: &Batch, leave: &mut oneshot::Receiver<()>) -> bool {
        let mut wait = RETRY;
        loop {
            let taken = tokio::select! {
                biased;
                _ = &mut *leave => return false,
                taken = self.post(batch) => taken,
            };
            let pause = match taken {
                Ok(()) => return true,
                Err(NotTaken::Never(why)) => {
                    self.counts.refused(batch.spans);
                    self.say(&why);
                    return true;
                }
                Err(NotTaken::Later(why, pause)) => {
                    self.say(&why);
                    pause.unwrap_or(wait)
                }
            };
            tokio::select! {
                biased;
                _ = &mut *leave => return false,
                () = sleep(pause.min(RETRY_LONGEST)) => {}
            }
            wait = (wait * 2).min(RETRY_LONGEST);
        }
    }

    /// Sends what is left, each batch once. Nobody waits long for it.
    async fn send_rest(mut self, batch: Batch, mut spans: mpsc::Receiver<SpanData>) {
        spans.close();
        let mut batch = batch;
        loop {
            if batch.spans > 0 && self.post(&batch).await.is_err() {
                let spans = batch.spans + spans.len();
                self.counts.dropped(spans);
                tracing::warn!(
                    spans,
                    "the last spans are lost: the collector does not take them"
                );
                return;
            }
            let mut rest = Vec::new();
            while rest.len() < BATCH
                && let Ok(span) = spans.try_recv()
            {
                rest.push(span);
            }
            if rest.is_empty() {
                return;
            }
            batch = self.written(rest);
        }
    }

    fn written(&self, batch: Vec<SpanData>) -> Batch {
        let spans = batch.len();
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        Batch { spans, body }
    }

    /// What kept it from arriving names no URL.
    async fn post(&mut self, batch: &Batch) -> Result<(), NotTaken> {
        let request = self
            .client
            .post(&self.url)
            .headers(self.headers.clone())
            .header(header::CONTENT_TYPE, "application/x-protobuf")
            .body(batch.body.clone());
        let mut answer = request.send().await.map_err(|error| {
            let why = match (error.is_timeout(), error.is_connect()) {
                (true, _) => "does not answer in time",
                (_, true) => "cannot be connected to",
                _ => "cannot be spoken to",
            };
            NotTaken::Later(why.to_owned(), None)
        })?;
        let status = answer.status();
        if !status.is_success() {
            let why = format!("answers {}", status.as_u16());
            return Err(match status {
                StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT => {
                    NotTaken::Later(why, retry_after(answer.headers(), SystemTime::now()))
                }
                _ => NotTaken::Never(why),
            });
        }
        let mut said = Vec::new();
        while said.len() <= LONGEST_ANSWER
            && let Ok(Some(chunk)) = answer.chunk().await
        {
            said.extend_from_slice(&chunk);
        }
        let refused = refused(&said).min(batch.spans);
        self.counts.refused(refused);
        self.counts.sent(batch.spans - refused);
        if self.said.take().is_some() {
            tracing::info!("traces are sent again");
        }
        Ok(())
    }

    /// One line a minute.
    fn say(&mut self, why: &str) {
        if self.said.is_none_or(|said| said.elapsed() >= SAID_EVERY) {
            let dropped = self.counts.dropped_so_far();
            tracing::warn!(dropped, "traces are not sent: the collector {why}");
            self.said = Some(Instant::now());
        }
    }
}

/// Waits for a span, and then a moment for others.
async fn gather(spans: &mut mpsc::Receiver<SpanData>, batch: &mut Vec<SpanData>) {
    if batch.is_empty() {
        match spans.recv().await {
            Some(span) => batch.push(span),
            None => return std::future::pending().await,
        }
    }
    let more = async {
        while batch.len() < BATCH {
            match spans.recv().await {
                Some(span) => batch.push(span),
                None => return,
            }
        }
    };
    let _ = timeout(GATHERED_WITHIN, more).await;
}

/// How many spans of a batch that was taken were refused all the same. An answer that says nothing of it refuses none.
fn refused(answer: &[u8]) -> usize {
    let said = ExportTraceServiceResponse::decode(answer).ok();
    let partial = said.and_then(|said| said.partial_success);
    let refused = partial.map_or(0, |partial| partial.rejected_spans);
    usize::try_from(refused).unwrap_or(0)
}

/// `name=value`, separated by commas.
fn parse(headers: &SecretString) -> Result<HeaderMap, Failure> {
    // Nothing of it is quoted.
    let wrong = || {
        Failure::input(format!(
            "{OTLP_HEADERS} are not of the form name=value,name=value"
        ))
    };
    let pairs = headers.expose_secret().split(',').map(str::trim);
    let mut parsed = HeaderMap::new();
    for pair in pairs.filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or_else(wrong)?;
        let name = HeaderName::try_from(name.trim()).map_err(|_| wrong())?;
        let mut value = HeaderValue::try_from(value.trim()).map_err(|_| wrong())?;
        value.set_sensitive(true);
        parsed.insert(name, value);
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;

    use super::*;

    #[test]
    fn headers_are_pairs_and_no_mistake_quotes_them() {
        let parsed = parse(&"authorization=Bearer a=b, x-team = ops,".into()).expect("headers");
        assert_eq!(parsed["authorization"], "Bearer a=b");
        assert_eq!(parsed["x-team"], "ops");
        assert!(!format!("{parsed:?}").contains("Bearer"));
        for text in ["s3cret", "a b=s3cret", "a=s3\ncret"] {
            let error = parse(&text.into()).expect_err("no headers").to_string();
            assert!(
                error.contains(OTLP_HEADERS) && !error.contains("s3"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_collector_may_take_a_part() {
        let partial = |rejected_spans| {
            let said = ExportTraceServiceResponse {
                partial_success: Some(ExportTracePartialSuccess {
                    rejected_spans,
                    error_message: String::new(),
                }),
            };
            said.encode_to_vec()
        };
        for (answer, spans) in [
            (partial(3), 3),
            (partial(-1), 0),
            (Vec::new(), 0),
            (b"{}".to_vec(), 0),
        ] {
            assert_eq!(refused(&answer), spans, "{answer:?}");
        }
    }
}
