//! What the process says of itself: `/livez`, `/readyz`, `/metrics`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State as Extracted;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use longshore_queue::Link;
use tokio::sync::watch;
use tokio::time::timeout;

use super::metrics::Metrics;

/// How long Redis has to say that it is there.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// A carrier whose loop has made no turn for so long has stopped. Each statement ends within a minute, and a pass within two.
const STOPPED_AFTER: Duration = Duration::from_secs(180);

/// How the carrier does.
#[derive(Debug, Clone)]
pub(crate) struct State(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    link: Link,
    /// When the loop made its last turn.
    beat: Mutex<Instant>,
    /// What is wrong with Postgres.
    postgres: Mutex<Option<String>>,
}

impl State {
    pub(crate) fn new(link: Link) -> Self {
        Self(Arc::new(Inner {
            link,
            beat: Mutex::new(Instant::now()),
            postgres: Mutex::new(Some("not connected to Postgres yet".to_owned())),
        }))
    }

    pub(crate) fn beat(&self) {
        *lock(&self.0.beat) = Instant::now();
    }

    pub(crate) fn postgres(&self, problem: Option<String>) {
        *lock(&self.0.postgres) = problem;
    }
}

/// A panic elsewhere leaves whole values behind.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Clone)]
struct Health {
    state: State,
    metrics: Arc<Metrics>,
    stopping: watch::Receiver<bool>,
}

pub(crate) fn router(
    state: State,
    metrics: Arc<Metrics>,
    stopping: watch::Receiver<bool>,
) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(text))
        .with_state(Health {
            state,
            metrics,
            stopping,
        })
}

/// An outage of Postgres or Redis is no reason to be killed: the loop goes on asking.
async fn livez(Extracted(health): Extracted<Health>) -> (StatusCode, String) {
    let since = lock(&health.state.0.beat).elapsed();
    match since < STOPPED_AFTER {
        true => (StatusCode::OK, "ok\n".to_owned()),
        false => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("nothing has been looked at for {} s\n", since.as_secs()),
        ),
    }
}

async fn readyz(Extracted(health): Extracted<Health>) -> (StatusCode, String) {
    let not_ready = |why: &str| (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n"));
    if *health.stopping.borrow() {
        return not_ready("stopping");
    }
    if let Some(problem) = &*lock(&health.state.0.postgres) {
        return not_ready(problem);
    }
    let link = &health.state.0.link;
    match timeout(ANSWER_WITHIN, link.ping()).await {
        Ok(Ok(())) => (StatusCode::OK, "ok\n".to_owned()),
        Ok(Err(error)) => not_ready(&error.to_string()),
        Err(_) => not_ready(&format!("Redis at {} does not answer", link.server())),
    }
}

async fn text(Extracted(health): Extracted<Health>) -> impl IntoResponse {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    (
        [(header::CONTENT_TYPE, content_type)],
        health.metrics.text(),
    )
}
