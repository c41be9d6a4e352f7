//! What the process says of itself, on a listener that callers do not reach: `/livez`, `/readyz`, `/metrics`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use longshore_queue::Link;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::metrics::Metrics;

/// How long Redis has to say that it is there.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

#[derive(Clone)]
struct Health {
    link: Link,
    metrics: Arc<Metrics>,
    stopping: watch::Receiver<bool>,
}

pub(crate) fn router(link: Link, metrics: Arc<Metrics>, stopping: watch::Receiver<bool>) -> Router {
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(text))
        .with_state(Health {
            link,
            metrics,
            stopping,
        })
}

/// An outage of Redis's is told here, and is no reason to be killed.
async fn readyz(State(health): State<Health>) -> (StatusCode, String) {
    let not_ready = |why: &str| (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n"));
    if *health.stopping.borrow() {
        return not_ready("stopping");
    }
    match timeout(ANSWER_WITHIN, health.link.ping()).await {
        Ok(Ok(())) => (StatusCode::OK, "ok\n".to_owned()),
        Ok(Err(error)) => not_ready(&error.to_string()),
        Err(_) => {
            let server = health.link.server();
            not_ready(&format!("Redis at {server} does not answer"))
        }
    }
}

async fn text(State(health): State<Health>) -> impl IntoResponse {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    (
        [(header::CONTENT_TYPE, content_type)],
        health.metrics.text(),
    )
}
