//! Google Maps, as far as addresses are geocoded there.

mod geocoding;
mod place;

use std::io;
use std::net::SocketAddr;

use longshore_sandbox::axum::body::Bytes;
use longshore_sandbox::axum::extract::Query;
use longshore_sandbox::axum::http::header::CONTENT_TYPE;
use longshore_sandbox::axum::http::request::Parts;
use longshore_sandbox::axum::http::{Method, StatusCode};
use longshore_sandbox::axum::response::{IntoResponse, Response};
use longshore_sandbox::{FaultCheck, Ledger, Refused, Server, StandInService, stand_in};

use geocoding::{Geocoding, Params, Status};

/// A stand-in for Google's `GET /maps/api/geocode/json`.
///
/// Answers like the real one: with a 200 whose `status` says what it is. Every address is somewhere, always at the
/// same place, however it is spelt in case and blanks; but one with `nowhere` in it is `ZERO_RESULTS`, and one with
/// `partial` in it is only nearly what was looked for. Any key is good unless it was refused. A place id is known
/// once it was given out. A place that was found is an effect in the ledger, since it is billed: its recipient is the
/// address or the place id that was looked up.
#[derive(Debug)]
pub struct GoogleMapsSandbox {
    server: Server,
    refused_keys: Refused,
}

stand_in!(GoogleMapsSandbox);

impl GoogleMapsSandbox {
    /// Listens on this address; port 0 picks a free one. Stops when it is dropped.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(addr: SocketAddr) -> io::Result<Self> {
        Self::start_with(addr, Ledger::default()).await
    }

    /// The same, writing into a ledger that there is already: one for several providers, or one that outlives
    /// this server.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start_with(addr: SocketAddr, ledger: Ledger) -> io::Result<Self> {
        let refused_keys = Refused::default();
        let provider = GoogleMaps {
            refused_keys: refused_keys.clone(),
            geocoding: Geocoding::default(),
        };
        let server = Server::start(addr, provider, ledger).await?;
        Ok(Self {
            server,
            refused_keys,
        })
    }

    /// Refuses this API key from now on.
    pub fn refuse_key(&self, key: impl Into<String>) {
        self.refused_keys.refuse(key);
    }

    /// Takes this API key again.
    pub fn accept_key(&self, key: &str) {
        self.refused_keys.accept(key);
    }
}

#[derive(Debug)]
struct GoogleMaps {
    refused_keys: Refused,
    geocoding: Geocoding,
}

impl GoogleMaps {
    fn look_up(&self, params: &Params, check: &mut FaultCheck<'_>) -> Result<Response, Status> {
        let key = params.get("key").filter(|key| !key.is_empty());
        let key = key.ok_or(Status::NoKey)?;
        if self.refused_keys.has(key) {
            return Err(Status::KeyRefused);
        }
        let (place, draft) = self.geocoding.find(params)?;
        check.carries_out(vec![draft]);
        Ok(json(StatusCode::OK, place.to_answer()))
    }
}

impl StandInService for GoogleMaps {
    fn name(&self) -> &'static str {
        "google_maps"
    }

    fn answer(&self, request: &Parts, _body: &Bytes, check: &mut FaultCheck<'_>) -> Response {
        if request.uri.path() != "/maps/api/geocode/json" {
            return nothing(StatusCode::NOT_FOUND, Status::of_http(404));
        }
        if request.method != Method::GET {
            return nothing(StatusCode::METHOD_NOT_ALLOWED, Status::of_http(405));
        }
        let found = match Query::<Params>::try_from_uri(&request.uri) {
            Ok(Query(params)) => self.look_up(&params, check),
            Err(_) => Err(Status::InvalidRequest),
        };
        found.unwrap_or_else(|status| nothing(StatusCode::OK, status))
    }

    fn explain(&self, status: u16) -> String {
        Status::of_http(status).to_json()
    }
}

/// An answer that nothing is billed for.
fn nothing(http: StatusCode, status: Status) -> Response {
    json(http, status.to_json())
}

fn json(status: StatusCode, body: String) -> Response {
    let json = [(CONTENT_TYPE, "application/json; charset=UTF-8")];
    (status, json, body).into_response()
}
