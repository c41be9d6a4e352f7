//! `telemetry.*`: where traces are sent.

use std::net::IpAddr;

use longshore_integration::section;
use longshore_integration::settings::{
    KeyPath, Reader, SecretRef, Section, secret, text_by, toml_by,
};
use url::Url;

section! {
    /// Where traces are sent.
    pub(crate) struct TelemetryKeys in "telemetry" {
        /// Where traces are sent by OTLP (protobuf over HTTP): the collector's base URL, to which `/v1/traces` is added. https, or
        /// http for loopback, where an agent beside this process listens. Without it no spans are made.
        pub(crate) endpoint: Option<Endpoint> = "otlp_endpoint" as ENDPOINT,
            text_by(endpoint).optional().example("http://127.0.0.1:4318");
        /// Headers for the collector, as `name=value`, separated by commas. They are read at the start.
        pub(crate) headers: Option<SecretRef> = "otlp_headers" as HEADERS,
            secret("traces are sent without headers of their own").optional().example("env:OTLP_HEADERS");
        /// The share of new traces that is sent, from 0 to 1. A job whose producer has a trace follows what that one decided.
        pub(crate) sample_ratio: f64 = "sample_ratio" as SAMPLE_RATIO, toml_by(ratio).or("1");
    }
}

/// The key of the endpoint.
pub(crate) const ENDPOINT: &str = TelemetryKeys::ENDPOINT;

/// The key of the headers.
pub(crate) const HEADERS: &str = TelemetryKeys::HEADERS;

/// Where traces are sent.
#[derive(Debug, Clone)]
pub struct TelemetrySettings {
    /// The collector.
    pub endpoint: Endpoint,
    /// Headers for it, or a reference to them.
    pub headers: Option<SecretRef>,
    /// The share of new traces that is sent.
    pub sample_ratio: f64,
}

/// A collector's base URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// Where traces go.
    #[must_use]
    pub fn traces(&self) -> String {
        format!("{}/v1/traces", self.0.as_str().trim_end_matches('/'))
    }

    /// Its scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// It is spoken to without TLS, which makes it loopback.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }
}

/// `None` without an endpoint: then no spans are made, and nothing is connected to.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<TelemetrySettings> {
    let keys = TelemetryKeys::read_here(reader)?;
    Some(TelemetrySettings {
        endpoint: keys.endpoint?,
        headers: keys.headers,
        sample_ratio: keys.sample_ratio,
    })
}

fn ratio(reader: &mut Reader<'_>, path: &KeyPath) -> Option<f64> {
    reader.ratio(path)
}

fn endpoint(reader: &mut Reader<'_>, path: &KeyPath) -> Option<Endpoint> {
    let text = reader.text(path)?;
    match parse(&text) {
        Ok(url) => Some(Endpoint(url)),
        Err(problem) => {
            let cure = "write the collector's base URL, such as https://otlp.example.com or http://127.0.0.1:4318";
            reader.error(path, problem, cure);
            None
        }
    }
}

/// What is wrong with it quotes nothing: it may have credentials in it.
fn parse(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "is no URL")?;
    let host = url.host_str().ok_or("has no host")?;
    let ip = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = host == "localhost" || ip.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    match url.scheme() {
        "https" => {}
        "http" if is_loopback => {}
        "http" => return Err("is plain http to a host that is not loopback"),
        _ => return Err("is neither https nor http"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has credentials in it, which belong into a header");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has more than a base URL");
    }
    if url.path().trim_end_matches('/').ends_with("/v1/traces") {
        return Err("ends with /v1/traces, which is added to it");
    }
    Ok(url)
}
