//! The API as a whole: its routes, its two listeners, its end.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use longshore_client::Client;
use longshore_integration::Files;
use longshore_job::Kinds;
use longshore_listener::{BindError, Bounds, Health, LogLimit, Ports, TrustedProxies};
use longshore_operator::Operator;
use longshore_queue::Link;
use prometheus_client::collector::Collector;
use serde_json::Value;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use crate::body::MOST_OF_A_BULK;
use crate::door::{Door, Foresee, IsAway, MOST_WAITING};
use crate::error::ApiError;
use crate::metrics::Metrics;
use crate::tokens::{ApiToken, Tokens};
use crate::{access, bulk, files, job, jobs, kinds, openapi};

/// All bodies that are held at once, in bytes: two bulks, and room for single jobs.
const BODIES: usize = 2 * MOST_OF_A_BULK + (32 << 20);

/// Where to listen.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// Where producers call. Port 0 picks a free one.
    pub http_addr: SocketAddr,
    /// Where `/livez`, `/readyz` and `/metrics` are. Not to be reached from outside.
    pub private_addr: SocketAddr,
    /// The proxies in front of the first: their word is taken for whom a request comes from.
    pub trusted_proxies: TrustedProxies,
}

/// What the API is made of.
pub struct ApiParts {
    /// The kinds of jobs that it takes.
    pub kinds: Kinds,
    /// What is told of each kind, by its name.
    pub kind_rows: Vec<(String, Value)>,
    /// Enqueues jobs.
    pub client: Client,
    /// Looks at them.
    pub operator: Operator,
    /// The connection of both, for `/readyz`.
    pub link: Link,
    /// Who may call.
    pub tokens: Vec<ApiToken>,
    /// Signs uploads and downloads.
    pub files: Option<Arc<dyn Files>>,
    /// Whether that store's own provider is left alone at this time.
    pub is_away: IsAway,
    /// Says why a job will be refused, as far as the configuration knows.
    pub foresee: Foresee,
    /// What `/metrics` tells beside our own, under names that begin with `longshore_`.
    pub collectors: Vec<Box<dyn Collector>>,
}

/// An API, before it listens.
pub struct Api {
    options: ApiOptions,
    parts: ApiParts,
}

/// One that listens and does not answer yet.
pub struct ApiListening {
    ports: Ports,
    api: Api,
}

/// Redis is all that it needs. That it answers says that it makes progress: the same threads serve callers.
struct ApiHealth {
    link: Link,
    metrics: Arc<Metrics>,
}

impl Health for ApiHealth {
    async fn not_ready(&self) -> Option<String> {
        self.link.not_ready().await
    }

    fn metrics(&self) -> String {
        self.metrics.text()
    }
}

impl Api {
    /// An API of these parts.
    #[must_use]
    pub fn new(options: ApiOptions, parts: ApiParts) -> Self {
        Self { options, parts }
    }

    /// Binds both addresses. What comes from then on waits for [`ApiListening::serve`].
    ///
    /// # Errors
    /// When an address cannot be used.
    pub async fn listen(self) -> Result<ApiListening, BindError> {
        let ports = Ports::bind(self.options.http_addr, self.options.private_addr).await?;
        Ok(ApiListening { ports, api: self })
    }
}

impl ApiListening {
    /// Where producers call, with the port that was picked.
    #[must_use]
    pub fn http_addr(&self) -> SocketAddr {
        self.ports.http_addr()
    }

    /// Where health and metrics are, with the port that was picked.
    #[must_use]
    pub fn private_addr(&self) -> SocketAddr {
        self.ports.private_addr()
    }

    /// Serves until `stop` is ready. Then takes no more connections, answers the requests that are under way, which may take
    /// ten seconds, and returns. Who waits for a job is answered at once. Health is told until the end.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        tracing::info!(
            http_addr = %self.http_addr(),
            private_addr = %self.private_addr(),
            tokens = self.api.parts.tokens.len(),
            "the API is served"
        );
        let Api { options, mut parts } = self.api;
        let metrics = Metrics::new(std::mem::take(&mut parts.collectors));
        let health = ApiHealth {
            link: parts.link.clone(),
            metrics: Arc::clone(&metrics),
        };
        let bounds = Bounds {
            proxies: options.trusted_proxies,
            body_bytes: MOST_OF_A_BULK,
            bodies_bytes: BODIES,
            ..Bounds::public("api")
        };
        let routes = |stopping| router(door(parts, &metrics, stopping));
        let listeners = &metrics.listeners;
        self.ports
            .serve(bounds, health, listeners, stop, routes)
            .await;
    }
}

fn door(parts: ApiParts, metrics: &Arc<Metrics>, stop: watch::Receiver<bool>) -> Door {
    let stopping = Arc::new(OnceLock::new());
    let (since, mut told) = (Arc::clone(&stopping), stop.clone());
    tokio::spawn(async move {
        // An error is that nobody is left who could say it.
        let _ = told.wait_for(|stop| *stop).await;
        let _ = since.set(Instant::now());
    });
    let schemas = parts.kinds.iter().map(|spec| (spec.kind, spec.schema()));
    let openapi = openapi::document(&parts.kinds).to_string();
    Door {
        schemas: schemas.collect(),
        openapi: openapi.into(),
        kinds: parts.kinds,
        kind_rows: parts.kind_rows,
        client: parts.client,
        operator: parts.operator,
        tokens: Tokens::new(parts.tokens),
        files: parts.files,
        is_away: parts.is_away,
        foresee: parts.foresee,
        metrics: Arc::clone(metrics),
        waiting: Semaphore::new(MOST_WAITING),
        stop,
        stopping,
        strangers: LogLimit::default(),
        outages: LogLimit::default(),
    }
}

fn router(door: Door) -> Router {
    let door = Arc::new(door);
    Router::new()
        .route("/v1/jobs", post(jobs::enqueue).get(jobs::find))
        .route("/v1/jobs/bulk", post(bulk::enqueue))
        .route("/v1/jobs/{id}", get(job::show))
        .route("/v1/jobs/{id}/cancel", post(job::cancel))
        .route("/v1/jobs/{id}/reschedule", post(job::reschedule))
        .route("/v1/uploads", post(files::upload))
        .route("/v1/downloads", post(files::download))
        .route("/v1/kinds", get(kinds::list))
        .route(openapi::PATH, get(document))
        .method_not_allowed_fallback(async || {
            let message = "the path takes other methods: see the header Allow";
            ApiError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                message,
            )
        })
        .fallback(async || ApiError::not_found("nothing is here: see /openapi.json"))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&door),
            access::around,
        ))
        .with_state(door)
}

async fn document(State(door): State<Arc<Door>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], door.openapi.clone())
}

impl fmt::Debug for ApiParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiParts")
            .field("tokens", &self.tokens)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ApiListening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiListening")
            .field("ports", &self.ports)
            .finish_non_exhaustive()
    }
}
