//! What a process says of itself: `/livez`, `/readyz`, `/metrics`.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::sync::watch;

/// What a process says of itself on its private port.
pub trait Health: Send + Sync + 'static {
    /// What has stopped in this process, if anything has. `/livez` is 503 then, and an orchestrator kills the process. An outage of
    /// something else is no reason for that.
    fn stopped(&self) -> Option<String> {
        None
    }

    /// Why the process cannot do its work now, if it cannot. `/readyz` is 503 then. It has to answer within a few seconds.
    fn not_ready(&self) -> impl Future<Output = Option<String>> + Send;

    /// What `/metrics` answers, as OpenMetrics text.
    fn metrics(&self) -> String;
}

/// `/livez`, `/readyz` and `/metrics`. A process that is told to stop is not ready.
pub(crate) fn routes<H: Health>(health: H, stopping: watch::Receiver<bool>) -> Router {
    let health = Arc::new(health);
    Router::new()
        .route("/livez", get(livez::<H>))
        .route("/readyz", get(readyz::<H>))
        .route("/metrics", get(metrics::<H>))
        .with_state((health, stopping))
}

type Told<H> = State<(Arc<H>, watch::Receiver<bool>)>;

async fn livez<H: Health>(State((health, _)): Told<H>) -> (StatusCode, String) {
    answer(health.stopped())
}

async fn readyz<H: Health>(State((health, stopping)): Told<H>) -> (StatusCode, String) {
    if *stopping.borrow() {
        return answer(Some("stopping".to_owned()));
    }
    answer(health.not_ready().await)
}

fn answer(problem: Option<String>) -> (StatusCode, String) {
    match problem {
        None => (StatusCode::OK, "ok\n".to_owned()),
        Some(problem) => (StatusCode::SERVICE_UNAVAILABLE, format!("{problem}\n")),
    }
}

async fn metrics<H: Health>(State((health, _)): Told<H>) -> impl IntoResponse {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], health.metrics())
}
