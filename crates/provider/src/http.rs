//! One origin over HTTP/1.1, with the care that requests with an effect need.

mod origin;
mod reach;
mod request;
mod response;

use std::error::Error as _;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use longshore_job::{Run, Unreached};

use crate::{CallSpan, ProviderError, redact, tls};
pub use origin::{InvalidOrigin, Origin};
pub use reach::{Handshake, is_our_own};
pub(crate) use request::sensitive;
pub use request::{InvalidCredential, Request, authorization, basic, bearer};
pub use response::Response;

/// How long DNS, TCP and TLS may take together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an idle connection is kept. Load balancers close theirs after 60 s and more; a request written while
/// they do so is one whose outcome nobody knows, so ours are closed well before.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// A client of one origin. Cheap to clone; clones share their connections.
///
/// # Nothing is sent twice behind our back
///
/// Three layers below could repeat a request; each was read for it:
///
/// - reqwest's retry policy repeats what HTTP/2 servers refuse to start. It is set to `never`.
/// - reqwest follows redirects, and would repeat a POST for 307 and 308. It is told to follow none.
/// - hyper-util tries again when a *reused* connection turns out to be closed, but only with a request that
///   hyper hands back whole, which it does only for one whose first byte was not yet written
///   (`TrySendError::take_message`). That is wanted: it costs nothing and cannot double anything.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    origin: Origin,
    timeout: Duration,
    handshake: Arc<Handshake>,
}

/// The client cannot be set up on this machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "TLS cannot be set up: {cause} (are the system's CA certificates installed, as by the package `ca-certificates`?)"
)]
pub struct HttpSetupError {
    /// What was missing.
    pub cause: String,
}

impl Http {
    /// A client of this origin. `timeout` is for a whole exchange, from the first byte out to the last byte in;
    /// connecting gets 5 s of it, and at most half, so that a connection which never came about is always told
    /// from an answer that never came.
    ///
    /// Certificates are checked against the system's roots. `HTTPS_PROXY` and `NO_PROXY` are respected, except
    /// for loopback.
    ///
    /// # Errors
    /// When the origin is `https` and the system has no CA certificates.
    pub fn new(origin: Origin, timeout: Duration) -> Result<Self, HttpSetupError> {
        let plain = origin.is_plain();
        Self::with(origin, timeout, |connect| builder(plain, connect, timeout))
    }

    /// One whose certificates may also be of the CAs in this file, in PEM: in addition to the system's, never instead of them.
    ///
    /// # Errors
    /// When the file cannot be read, or has no certificate in it; and as [`Http::new`].
    pub fn trusting(
        origin: Origin,
        timeout: Duration,
        ca_file: &Path,
    ) -> Result<Self, HttpSetupError> {
        let wrong = |cause: String| HttpSetupError {
            cause: format!("{}: {cause}", ca_file.display()),
        };
        let pem = std::fs::read(ca_file).map_err(|error| wrong(error.to_string()))?;
        let added = reqwest::Certificate::from_pem_bundle(&pem);
        let added = added.map_err(|_| wrong("it is not PEM".to_owned()))?;
        if added.is_empty() {
            return Err(wrong("there is no certificate in it".to_owned()));
        }
        let plain = origin.is_plain();
        Self::with(origin, timeout, |connect| {
            builder(plain, connect, timeout).tls_certs_merge(added)
        })
    }

    fn with(
        origin: Origin,
        timeout: Duration,
        builder: impl FnOnce(Duration) -> reqwest::ClientBuilder,
    ) -> Result<Self, HttpSetupError> {
        let connect = CONNECT_TIMEOUT.min(timeout / 2);
        let client = built(builder(connect))?;
        let handshake = Arc::new(Handshake::new(origin.at("/"), connect));
        Ok(Self {
            client,
            origin,
            handshake,
            timeout,
        })
    }

    /// Waits until the run may send, sends the request once, and reads the answer.
    ///
    /// # Errors
    /// Every status but 2xx is an error, see [`ProviderError`].
    pub async fn send(&self, run: &Run, request: Request) -> Result<Response, ProviderError> {
        run.clear_to_send().await;
        self.call(run, request).await
    }

    /// Waits until the run may read, sends a request without an effect once, and reads the answer. The job does not count as sent
    /// because of it. If the answer is lost, the request may be made again.
    ///
    /// # Errors
    /// Every status but 2xx is an error, see [`ProviderError`].
    pub async fn read(&self, run: &Run, request: Request) -> Result<Response, ProviderError> {
        run.clear_to_read().await;
        self.call(run, request).await
    }

    /// Sends a request that belongs to no job, and reads the answer. It passes no gate.
    pub(crate) async fn send_ungated(&self, request: Request) -> Result<Response, ProviderError> {
        let result = self.exchange(request.build(&self.origin)).await;
        result.map_err(|failed| failed.error)
    }

    async fn call(&self, run: &Run, request: Request) -> Result<Response, ProviderError> {
        let method = request.method().clone();
        let mut request = request.build(&self.origin);
        // A kind whose user waits has less time for a call than others have.
        if let Some(limit) = run
            .policy
            .call_timeout
            .filter(|limit| *limit < self.timeout)
        {
            *request.timeout_mut() = Some(limit);
        }
        let started = Instant::now();
        let span = CallSpan::http(method.as_str(), self.origin.host(), self.origin.port());
        let result = self.exchange(request).await;
        match &result {
            Ok(response) => span.answered(response.status.as_u16()),
            Err(Failed { error, .. }) => match (error.response(), error) {
                (Some(response), _) => span.answered(response.status.as_u16()),
                (None, ProviderError::NeverSent { .. }) => span.failed("not_reached"),
                (None, _) => span.failed("no_answer"),
            },
        }
        tracing::debug!(
            job = %run.id,
            origin = %self.origin,
            %method,
            status = match &result {
                Ok(response) => Some(response.status.as_u16()),
                Err(failed) => failed
                    .error
                    .response()
                    .map(|response| response.status.as_u16()),
            },
            duration_ms = started.elapsed().as_millis(),
            "request over"
        );
        result.map_err(|Failed { error, unreached }| {
            if let Some(unreached) = unreached {
                run.not_reached(unreached, Arc::clone(&self.handshake) as _);
            }
            error
        })
    }

    async fn exchange(&self, request: reqwest::Request) -> Result<Response, Failed> {
        let answer = self.client.execute(request).await;
        let answer = answer.map_err(|error| unanswered(&error, &self.handshake))?;
        let response = Response::read(answer).await;
        ProviderError::check(response, SystemTime::now()).map_err(Failed::from)
    }
}

/// A request that did not get its 2xx, and the host if that was not reached.
struct Failed {
    error: ProviderError,
    unreached: Option<Unreached>,
}

impl From<ProviderError> for Failed {
    fn from(error: ProviderError) -> Self {
        Self {
            error,
            unreached: None,
        }
    }
}

/// What [`Http`] stands on, for those who have requests to send that are not made here, such as a provider's SDK: HTTP/1.1
/// over rustls, nothing sent twice, no redirects followed. A `plain` one is for `http` on this machine and its network's
/// own addresses: no proxy reaches those, and no certificate is looked at.
///
/// # Errors
/// When it is for `https` and the system has no CA certificates.
pub fn client(
    plain: bool,
    connect: Duration,
    timeout: Duration,
) -> Result<reqwest::Client, HttpSetupError> {
    built(builder(plain, connect, timeout))
}

fn built(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, HttpSetupError> {
    builder.build().map_err(|error| HttpSetupError {
        cause: causes(&error),
    })
}

fn builder(plain: bool, connect: Duration, timeout: Duration) -> reqwest::ClientBuilder {
    tls::install_crypto();
    let builder = reqwest::Client::builder()
        .user_agent(concat!("longshore/", env!("CARGO_PKG_VERSION")))
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(connect)
        .timeout(timeout)
        .pool_idle_timeout(IDLE_TIMEOUT);
    match plain {
        // Loopback: no proxy can reach it, and no certificate is looked at.
        true => builder.no_proxy().tls_certs_only([]),
        false => builder,
    }
}

/// Tells *never sent* from *sent, no answer*. What is not surely the first counts as the second.
fn unanswered(error: &reqwest::Error, at: &Handshake) -> Failed {
    let cause = causes(error);
    // A builder's error is one about the request itself.
    if never_connected(error) || error.is_builder() {
        let host = at.host();
        Failed {
            error: ProviderError::NeverSent {
                cause: format!("{host}: {cause}"),
            },
            unreached: Some(Unreached {
                host,
                cause,
                ours: is_our_own(error),
            }),
        }
    } else {
        ProviderError::NoAnswer { cause }.into()
    }
}

/// Whether nothing was sent since there was no connection: `is_connect` covers DNS, TCP, TLS and the time they may take.
#[must_use]
pub fn never_connected(error: &reqwest::Error) -> bool {
    error.is_connect() || was_never_begun(error)
}

/// hyper calls a request *canceled* when it handed it back because the connection had closed before its first
/// byte was written. On a connection that was reused, hyper-util has already tried another one by then.
fn was_never_begun(error: &reqwest::Error) -> bool {
    behind(error)
        .filter_map(|error| error.downcast_ref::<hyper::Error>())
        .any(hyper::Error::is_canceled)
}

fn behind(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |&error| error.source())
}

/// A client's error and what is behind it, in one line, without the URL: paths and queries may hold keys and people.
pub fn causes(error: &reqwest::Error) -> String {
    let mut text = match (error.is_timeout(), error.is_connect()) {
        (true, true) => "timed out while connecting".to_owned(),
        (true, false) => "timed out".to_owned(),
        (false, true) => "cannot connect".to_owned(),
        (false, false) => "connection failed".to_owned(),
    };
    // The innermost words say it; the layers above repeat each other.
    if let Some(cause) = behind(error).last() {
        let _ = write!(text, ": {cause}");
    }
    redact(&text)
}
