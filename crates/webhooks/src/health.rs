//! What the process says of itself, on a listener that the world does not reach: `/livez`, `/readyz`, `/metrics`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use longshore_queue::Queue;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::metrics::Metrics;

/// How long Redis has to say that it is there.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

#[derive(Clone)]
struct Health {
    queues: Arc<[Queue]>,
    metrics: Arc<Metrics>,
    stopping: watch::Receiver<bool>,
}

pub(crate) fn router(
    queues: &[Queue],
    metrics: Arc<Metrics>,
    stopping: watch::Receiver<bool>,
) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(text))
        .with_state(Health {
            queues: queues.into(),
            metrics,
            stopping,
        })
}

/// That there is an answer says it all: the same loop accepts events, on the same threads. An outage of Redis's is no
/// reason to be killed; it is `/readyz`'s.
async fn livez() -> &'static str {
    "ok\n"
}

async fn readyz(State(health): State<Health>) -> (StatusCode, String) {
    let not_ready = |why: &str| (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n"));
    if *health.stopping.borrow() {
        return not_ready("stopping");
    }
    for queue in health.queues.iter() {
        match timeout(ANSWER_WITHIN, queue.link().ping()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return not_ready(&error.to_string()),
            Err(_) => {
                let server = queue.link().server();
                return not_ready(&format!("Redis at {server} does not answer"));
            }
        }
    }
    (StatusCode::OK, "ok\n".to_owned())
}

async fn text(State(health): State<Health>) -> impl IntoResponse {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    (
        [(header::CONTENT_TYPE, content_type)],
        health.metrics.text(),
    )
}
