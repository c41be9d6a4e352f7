//! The span of one call to a provider.

use longshore_job::trace::{KeyValue, Parent, Span, SpanKind};

/// The span of one call, as part of the run's that makes it. Where no run is traced it is nothing, and costs nothing.
///
/// It says where the call went and what came back. Paths, queries, headers and bodies hold credentials and people, so none of
/// them are in it. Nor does the provider hear of the trace: it is a third party, and gets no `traceparent`.
#[derive(Debug)]
#[must_use = "what becomes of the call is noted in it"]
pub struct CallSpan(Option<Span>);

impl CallSpan {
    /// A request over HTTP: its method, and the host and port that it goes to.
    pub fn http(method: &str, host: &str, port: Option<u16>) -> Self {
        let method_of = |method: &str| KeyValue::new("http.request.method", method.to_owned());
        Self::begin(method, host, port, method_of)
    }

    /// A mail over SMTP.
    pub fn smtp(host: &str, port: u16) -> Self {
        let protocol = |_: &str| KeyValue::new("network.protocol.name", "smtp");
        Self::begin("SMTP", host, Some(port), protocol)
    }

    fn begin(name: &str, host: &str, port: Option<u16>, what: fn(&str) -> KeyValue) -> Self {
        // Nothing is copied where nothing is traced.
        if !longshore_job::trace::is_on() {
            return Self(None);
        }
        let port = port.map(|port| KeyValue::new("server.port", i64::from(port)));
        let host = KeyValue::new("server.address", host.to_owned());
        let attributes = [what(name), host].into_iter().chain(port);
        Self(Span::begin(
            SpanKind::Client,
            name.to_owned(),
            Parent::Current,
            attributes,
        ))
    }

    /// It was answered over HTTP with this status.
    pub fn answered(mut self, status: u16) {
        if let Some(span) = self.0.take() {
            span.set("http.response.status_code", i64::from(status));
            if status >= 400 {
                span.fail(status.to_string());
            }
            span.end();
        }
    }

    /// It came to its end.
    pub fn succeeded(mut self) {
        if let Some(span) = self.0.take() {
            span.end();
        }
    }

    /// It was not answered: `why` is one of a few words.
    pub fn failed(mut self, why: &'static str) {
        if let Some(span) = self.0.take() {
            span.fail(why);
            span.end();
        }
    }
}

/// Its run was dropped meanwhile: its time was over, or its worker had to go.
impl Drop for CallSpan {
    fn drop(&mut self) {
        if let Some(span) = self.0.take() {
            span.fail("dropped");
            span.end();
        }
    }
}
