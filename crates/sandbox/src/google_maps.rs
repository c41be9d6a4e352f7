//! Google Maps, as far as addresses are geocoded there.

mod geocoding;
mod place;

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use axum::body::Bytes;
use axum::extract::Query;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::provider::{Fate, Provider};
use crate::server::Server;
use crate::{Faults, Ledger};
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
    refused_keys: RefusedKeys,
}

type RefusedKeys = Arc<RwLock<HashSet<String>>>;

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
        let refused_keys = RefusedKeys::default();
        let provider = GoogleMaps {
            refused_keys: Arc::clone(&refused_keys),
            geocoding: Geocoding::default(),
        };
        let server = Server::start(addr, provider, ledger).await?;
        Ok(Self {
            server,
            refused_keys,
        })
    }

    /// Stops like a drop does, and returns once the address is free for another server.
    pub async fn stop(self) {
        self.server.stop().await;
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Its origin, for `base_url`: `http://127.0.0.1:9500`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// What it has found.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        self.server.ledger()
    }

    /// What goes wrong.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        self.server.faults()
    }

    /// Refuses this API key from now on.
    pub fn refuse_key(&self, key: impl Into<String>) {
        let keys = self.refused_keys.write();
        keys.unwrap_or_else(PoisonError::into_inner)
            .insert(key.into());
    }

    /// Takes this API key again.
    pub fn accept_key(&self, key: &str) {
        let keys = self.refused_keys.write();
        keys.unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[derive(Debug)]
struct GoogleMaps {
    refused_keys: RefusedKeys,
    geocoding: Geocoding,
}

impl GoogleMaps {
    fn look_up(&self, params: &Params, fate: &mut Fate<'_>) -> Result<Response, Status> {
        let key = params.get("key").filter(|key| !key.is_empty());
        let key = key.ok_or(Status::NoKey)?;
        let refused = self.refused_keys.read();
        if refused
            .unwrap_or_else(PoisonError::into_inner)
            .contains(key)
        {
            return Err(Status::KeyRefused);
        }
        let (place, draft) = self.geocoding.find(params)?;
        fate.carries_out(vec![draft]);
        Ok(json(StatusCode::OK, place.to_answer()))
    }
}

impl Provider for GoogleMaps {
    fn name(&self) -> &'static str {
        "google_maps"
    }

    fn answer(&self, request: &Parts, _body: &Bytes, fate: &mut Fate<'_>) -> Response {
        if request.uri.path() != "/maps/api/geocode/json" {
            return nothing(StatusCode::NOT_FOUND, Status::of_http(404));
        }
        if request.method != Method::GET {
            return nothing(StatusCode::METHOD_NOT_ALLOWED, Status::of_http(405));
        }
        let found = match Query::<Params>::try_from_uri(&request.uri) {
            Ok(Query(params)) => self.look_up(&params, fate),
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
