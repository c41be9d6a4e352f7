//! The SDK's requests over our one HTTP client.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt;
use longshore_job::Unreached;
use longshore_provider::{Handshake, HttpSetupError, causes, client, is_our_own, never_connected};

/// How long DNS, TCP and TLS may take together.
const CONNECT: Duration = Duration::from_secs(3);

/// How many bytes of a body get one more second: 1 MiB/s is what a slow line carries.
const BYTES_PER_SECOND: u64 = 1024 * 1024;

/// The largest answer that is read. Larger objects are read in parts.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// Carries requests of the SDK's out, each once and whole: its answer is read to the end within the time of one try, so
/// that what is told of the store is told of all of it.
///
/// It has a client for `https`, and one for `http` to loopback and to this machine's own metadata service, which no
/// proxy reaches. The first is made when it is needed: a stand-in on loopback needs no certificates.
pub(crate) struct Transport {
    secure: OnceLock<Result<reqwest::Client, HttpSetupError>>,
    plain: reqwest::Client,
    timeout: Duration,
}

impl Transport {
    /// `timeout` is for one try, from the first byte out to the last byte in, and a second more per MiB sent.
    pub(crate) fn new(timeout: Duration, needs_tls: bool) -> Result<Self, HttpSetupError> {
        let transport = Self {
            secure: OnceLock::new(),
            plain: client(true, CONNECT, timeout)?,
            timeout,
        };
        if needs_tls {
            transport.secure()?;
        }
        Ok(transport)
    }

    fn secure(&self) -> Result<&reqwest::Client, HttpSetupError> {
        self.secure
            .get_or_init(|| client(false, CONNECT, self.timeout))
            .as_ref()
            .map_err(Clone::clone)
    }

    /// Sends a request once, and reads its answer.
    pub(crate) async fn exchange(
        &self,
        request: HttpRequest,
    ) -> Result<HttpResponse, ConnectorError> {
        let request = request
            .try_into_http1x()
            .map_err(|error| ConnectorError::user(error.into()))?;
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(ConnectorError::user)?;
        let body = body.to_bytes();
        let secure = head.uri.scheme_str() != Some("http");
        let more = Duration::from_secs(body.len() as u64 / BYTES_PER_SECOND);
        let client = match secure {
            true => self.secure().map_err(|e| ConnectorError::user(e.into()))?,
            false => &self.plain,
        };
        let url = reqwest::Url::parse(&head.uri.to_string())
            .map_err(|error| ConnectorError::user(error.into()))?;
        // `..` in a key would lead to another one.
        if url.path() != head.uri.path() {
            return Err(ConnectorError::user("no URL leads to such a key".into()));
        }
        let handshake = Handshake::new(url.clone(), CONNECT);
        let request = client
            .request(head.method, url)
            .headers(head.headers)
            .timeout(self.timeout + more)
            .body(body)
            .build()
            .map_err(|error| ConnectorError::user(error.into()))?;
        let answer = client.execute(request).await;
        let answer = answer.map_err(|error| match never_connected(&error) {
            true => never_sent(&error, handshake),
            false => unanswered(&error),
        })?;
        read(answer).await
    }
}

async fn read(mut answer: reqwest::Response) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(answer.status().as_u16())
        .map_err(|error| ConnectorError::io(error.into()))?;
    let headers = std::mem::take(answer.headers_mut());
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|e| unanswered(&e))? {
        if (body.len() + chunk.len()) as u64 > MOST_BYTES {
            return Err(ConnectorError::io(
                "the answer is larger than 64 MiB".into(),
            ));
        }
        body.extend_from_slice(&chunk);
    }
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    for (name, value) in &headers {
        // A header that is no text is one that nobody reads here.
        if let Ok(value) = value.to_str() {
            let _ = response
                .headers_mut()
                .try_append(name.as_str().to_owned(), value.to_owned());
        }
    }
    Ok(response)
}

/// Nothing was sent: the store was not reached.
#[derive(Clone)]
pub(crate) struct NeverSent {
    pub(crate) unreached: Unreached,
    pub(crate) again: Arc<Handshake>,
}

impl fmt::Display for NeverSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.unreached.host, self.unreached.cause)
    }
}

impl fmt::Debug for NeverSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NeverSent").field(&self.unreached).finish()
    }
}

impl std::error::Error for NeverSent {}

/// The SDK tries it again.
fn never_sent(error: &reqwest::Error, again: Handshake) -> ConnectorError {
    let unreached = Unreached {
        host: again.host(),
        cause: causes(error),
        ours: is_our_own(error),
    };
    let never_sent = NeverSent {
        unreached,
        again: Arc::new(again),
    };
    ConnectorError::io(never_sent.into()).never_connected()
}

/// What the SDK tries again: everything that may be different next time.
fn unanswered(error: &reqwest::Error) -> ConnectorError {
    let cause: Box<dyn std::error::Error + Send + Sync> = causes(error).into();
    match (error.is_timeout(), error.is_connect()) {
        (true, _) => ConnectorError::timeout(cause),
        (false, true) => ConnectorError::io(cause).never_connected(),
        (false, false) => ConnectorError::io(cause),
    }
}

/// For what no run asks for: credentials.
#[derive(Debug, Clone)]
pub(crate) struct UngatedClient(pub(crate) Arc<Transport>);

impl HttpConnector for UngatedClient {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let transport = self.0.clone();
        HttpConnectorFuture::new(async move { transport.exchange(request).await })
    }
}

impl HttpClient for UngatedClient {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
