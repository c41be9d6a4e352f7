//! The run's gate, before every try of the SDK's.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::date_time::{DateTime, Format};
use longshore_job::{CallReport, Run};
use longshore_provider::CallSpan;

use crate::credentials::SdkCredentials;
use crate::error::{is_cut_off, never_sent, report_of_response};
use crate::name::Name;
use crate::transport::{NeverSent, Transport};

/// The HTTP client of one session: it acquires a call of the run before each try, and reports the call afterwards.
///
/// Time limits lie behind it, around the exchange itself: waiting for the run is no timeout. Without a run, as for apps
/// that call a store by themselves, everything may leave.
#[derive(Debug, Clone)]
pub(crate) struct GatedClient {
    pub(crate) store: Name,
    pub(crate) run: Option<Run>,
    pub(crate) transport: Arc<Transport>,
    pub(crate) credentials: Arc<SdkCredentials>,
    pub(crate) observed: Arc<Observed>,
}

/// What a session has observed of its store.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    tries: AtomicU32,
    renewals: AtomicU32,
    date: Mutex<Option<SystemTime>>,
    encodes_keys: OnceLock<bool>,
}

impl Observed {
    /// Whether it encodes the keys of its lists when it says so, as far as that is known.
    pub(crate) fn encodes_keys(&self) -> Option<bool> {
        self.encodes_keys.get().copied()
    }

    /// What was found out about that.
    pub(crate) fn note_encodes_keys(&self, encodes: bool) -> bool {
        *self.encodes_keys.get_or_init(|| encodes)
    }

    /// How many tries have left.
    pub(crate) fn tries(&self) -> u32 {
        self.tries.load(Ordering::Relaxed)
    }

    /// How often credentials were refused, and others are worth a try.
    pub(crate) fn renewals(&self) -> u32 {
        self.renewals.load(Ordering::Relaxed)
    }

    /// What time it was at the store when it last answered: the `Date` of its answer.
    pub(crate) fn date(&self) -> Option<SystemTime> {
        *self.date.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, answer: &HttpResponse) {
        let date = answer.headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
        let date = date.and_then(|date| SystemTime::try_from(date).ok());
        *self.date.lock().unwrap_or_else(PoisonError::into_inner) = date;
    }
}

impl GatedClient {
    async fn pass(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let uri = request.uri().to_owned();
        let key_id = key_id(&request);
        let Some(run) = &self.run else {
            let answer = self.exchange(request).await;
            if let Ok(answer) = &answer {
                self.judged(key_id.as_deref(), report_of_response(&uri, answer));
            }
            return answer;
        };
        let effect = !matches!(request.method(), "GET" | "HEAD");
        let name = self.store.as_str();
        let unit = unit(request.method(), &uri);
        let pass = run
            .acquire_call(name, effect)
            .await
            // The SDK does not try again what is our own doing.
            .map_err(|not_now| ConnectorError::user(not_now.into()))?;
        let answer = self.exchange(request).await;
        let report = match &answer {
            Ok(answer) => self.judged(key_id.as_deref(), report_of_response(&uri, answer)),
            // What never left for a reason of our own says nothing of the store.
            Err(error) if error.is_user() => CallReport::Nothing,
            Err(error) => match never_sent(error) {
                Some(NeverSent { unreached, again }) => {
                    run.not_reached(unreached.clone(), Arc::clone(again) as _);
                    // Our own want says nothing of the store either.
                    match unreached.ours {
                        true => CallReport::Nothing,
                        false => CallReport::NotReached,
                    }
                }
                None => CallReport::Ill,
            },
        };
        let is_success = matches!(&answer, Ok(answer) if answer.status().is_success());
        if effect && !is_success && report != CallReport::Ill {
            run.not_carried_out();
        }
        let failed = matches!(report, CallReport::Ill | CallReport::NotReached);
        run.report_call(name, pass, report).await;
        if pass.probe && failed {
            // It was to find out whether the store is back, and it is not: the breaker is open again, and the SDK, which
            // waits for longer than it may stay so, must not probe again and again at the cost of this run's attempt.
            match run.acquire_call(name, false).await {
                Err(not_now) => return Err(ConnectorError::user(not_now.into())),
                Ok(unused) => run.report_call(name, unused, CallReport::Nothing).await,
            }
        }
        if let (Ok(answer), Some(unit)) = (&answer, unit)
            && answer.status().is_success()
        {
            run.billed(name, unit, 1);
        }
        answer
    }

    /// What a try says of the store, and what it said of the key. That a key is refused is no word about our credentials where others
    /// can be had: those are tried first.
    fn judged(&self, key_id: Option<&str>, report: CallReport) -> CallReport {
        let Some(key_id) = key_id else { return report };
        match report {
            CallReport::Refused { .. } if self.credentials.refused(key_id) => {
                self.observed.renewals.fetch_add(1, Ordering::Relaxed);
                CallReport::Nothing
            }
            CallReport::Well => {
                self.credentials.accepted(key_id);
                report
            }
            report => report,
        }
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        self.observed.tries.fetch_add(1, Ordering::Relaxed);
        let method = request.method().to_owned();
        let started = std::time::Instant::now();
        let span = CallSpan::http(&method, host(request.uri()), None);
        let uri = request.uri().to_owned();
        let answer = self.transport.exchange(request).await;
        let answer = answer.and_then(|answer| match is_cut_off(&uri, &answer) {
            true => Err(ConnectorError::io("the answer was cut off".into())),
            false => Ok(answer),
        });
        match &answer {
            Ok(answer) => {
                self.observed.note(answer);
                span.answered(answer.status().as_u16());
            }
            Err(error) if never_sent(error).is_some() => span.failed("not_reached"),
            Err(_) => span.failed("no_answer"),
        }
        tracing::debug!(
            job = self.run.as_ref().map(|run| run.id.to_string()),
            store = self.store.as_str(),
            method,
            status = answer.as_ref().ok().map(|answer| answer.status().as_u16()),
            duration_ms = started.elapsed().as_millis(),
            "request over"
        );
        answer
    }
}

/// The id of the key that a request is signed with.
fn key_id(request: &HttpRequest) -> Option<String> {
    let signature = request.headers().get("authorization")?;
    let (_, rest) = signature.split_once("Credential=")?;
    Some(rest.split('/').next()?.to_owned())
}

/// The host of a URL. What stands behind it is the name of an object, and somebody's.
fn host(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

/// What a request is on the price lists of S3 and R2: those that write and those that list are dearer than those that
/// read, and deletions are free.
fn unit(method: &str, uri: &str) -> Option<&'static str> {
    let query = uri.split_once('?').map_or("", |(_, query)| query);
    let asks_for = |what: &str| {
        let mut keys = query.split('&').map(|pair| pair.split('=').next());
        keys.any(|key| key == Some(what))
    };
    match method {
        "DELETE" => None,
        "POST" if asks_for("delete") => None,
        "PUT" | "POST" => Some("write_request"),
        _ if ["list-type", "versions", "uploads"]
            .into_iter()
            .any(asks_for) =>
        {
            Some("write_request")
        }
        _ => Some("read_request"),
    }
}

impl HttpConnector for GatedClient {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().pass(request))
    }
}

impl HttpClient for GatedClient {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::unit;

    #[test]
    fn requests_are_counted_as_they_are_priced() {
        for (method, uri, counted) in [
            (
                "PUT",
                "https://s3/b/k?x-id=PutObject",
                Some("write_request"),
            ),
            ("POST", "https://s3/b?delete=", None),
            ("POST", "https://s3/b?delete", None),
            ("DELETE", "https://s3/b/k?uploadId=1", None),
            (
                "GET",
                "https://s3/b?list-type=2&prefix=uploads",
                Some("write_request"),
            ),
            ("GET", "https://s3/b?versions", Some("write_request")),
            (
                "GET",
                "https://s3/b?prefix=x&uploads=",
                Some("write_request"),
            ),
            ("GET", "https://s3/b/versions", Some("read_request")),
            ("HEAD", "https://s3/b/k", Some("read_request")),
            ("GET", "https://s3/b?lifecycle", Some("read_request")),
        ] {
            assert_eq!(unit(method, uri), counted, "{method} {uri}");
        }
    }
}
