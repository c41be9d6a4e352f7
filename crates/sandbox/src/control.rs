//! Ledger and faults over HTTP, for programs in other processes.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::{Effect, FaultRule, Faults, InForce, Ledger, Summary};

/// Where it is found. No provider has a path like it.
pub(crate) const PREFIX: &str = "/sandbox/";

#[derive(Clone)]
struct Controlled {
    provider: &'static str,
    faults: Faults,
    ledger: Ledger,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    rules: Vec<FaultRule>,
}

/// The rules, for people too.
#[derive(Serialize)]
struct Shown {
    provider: &'static str,
    rules: Vec<FaultRule>,
    /// The same ones, in the same order.
    in_words: Vec<InWords>,
}

#[derive(Serialize)]
struct InWords {
    text: String,
    hit: u64,
}

pub(crate) fn router(provider: &'static str, faults: Faults, ledger: Ledger) -> Router {
    Router::new()
        .route("/sandbox/ledger", get(ledger_read).delete(ledger_clear))
        .route("/sandbox/ledger/summary", get(ledger_summary))
        .route(
            "/sandbox/faults",
            get(faults_read).put(faults_set).delete(faults_clear),
        )
        .with_state(Controlled {
            provider,
            faults,
            ledger,
        })
}

async fn ledger_read(State(state): State<Controlled>) -> Json<Vec<Effect>> {
    Json(state.ledger.accepted())
}

async fn ledger_summary(State(state): State<Controlled>) -> Json<Summary> {
    Json(state.ledger.summary())
}

async fn ledger_clear(State(state): State<Controlled>) -> StatusCode {
    state.ledger.clear();
    StatusCode::NO_CONTENT
}

async fn faults_read(State(state): State<Controlled>) -> Json<Shown> {
    let in_force = state.faults.in_force();
    let in_words = in_force.iter().map(|InForce { rule, hit }| InWords {
        text: rule.to_string(),
        hit: *hit,
    });
    Json(Shown {
        provider: state.provider,
        in_words: in_words.collect(),
        rules: in_force.into_iter().map(|one| one.rule).collect(),
    })
}

async fn faults_set(State(state): State<Controlled>, Json(new): Json<Rules>) -> Response {
    match state.faults.set(new.rules) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).into_response(),
    }
}

async fn faults_clear(State(state): State<Controlled>) -> StatusCode {
    state.faults.clear();
    StatusCode::NO_CONTENT
}
